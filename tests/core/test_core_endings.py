"""Stories of how conversations end, and of what does not end them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Idle, Listening, Opening, Rules, Speaking, Thinking
from speakerd.core.step import step
from stories import (
    AGE,
    ANSWERING,
    NO_AGE,
    ONE,
    PHASE,
    TALKING,
    WAKE,
    Story,
    T,
    closed,
    play,
    played,
    speaking,
    woken,
)

STORIES: dict[str, tuple[Rules, Story]] = {
    "a noise interrupts the answer, and its rest is asked for": (
        replace(ONE, full_duplex=True),
        [
            *speaking()[:-1],
            (on.AnswerStarted(1, "r1", "a1"), [do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
            (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
            (on.SpeechStarted(1, "u2"), [do.StopPlayout(), do.StartTimer(PHASE, 7, 60.0)], Light.LISTENING),
            (on.PlayoutEnded("a1", 700, cut_short=True), [do.TruncateItem(1, "a1", 700)], Light.LISTENING),
            (on.SpeechStopped(1, "u2"), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
            (on.ResponseCreated(1, "r2"), [do.StartTimer(PHASE, 9, 30.0)], Light.THINKING),
            (
                on.Transcribed(1, "u2", on.Talker.USER, " "),
                [do.CancelResponse(1, "r2"), do.DeleteItem(1, "u2"), do.StartTimer(PHASE, 10, 30.0)],
                Light.THINKING,
            ),
            (
                on.ResponseEnded(1, "r2", on.Status.CANCELLED),
                [do.CreateResponse(1, resume=True), do.StartTimer(PHASE, 11, 30.0)],
                Light.THINKING,
            ),
        ],
    ),
    "the longest conversation is over with the answer that sounds": (
        replace(ONE, conversation_seconds=600.0),
        [
            *woken(),
            (
                on.SessionOpened(1),
                [
                    *(do.OpenUplink(1, 27_200), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 3300.0)),
                    do.StartTimer(T.CONVERSATION, 1, 600.0),
                ],
                Light.LISTENING,
            ),
            *speaking()[3:],
            (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
            (on.TimedOut(T.CONVERSATION, 0), [], Light.SPEAKING),
            (on.TimedOut(T.CONVERSATION, 1), [do.StopTimer(T.CONVERSATION)], Light.SPEAKING),
            (
                on.PlayoutEnded("a1", 900, cut_short=False),
                [do.CloseSession(1), do.StopTimer(PHASE), NO_AGE],
                Light.IDLE,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


ENDING = replace(ONE, end_phrases=frozenset({"goodbye", "that's all"}))


@pytest.mark.parametrize(("said", "ends"), [("Goodbye!", True), ("That's  all.", True), ("say goodbye to him", False)])
@pytest.mark.parametrize("during", ["thinking", "speaking"])
def test_an_end_phrase_ends_the_conversation_with_its_answer(said: str, ends: bool, during: str) -> None:
    heard = on.Transcribed(1, "u1", on.Talker.USER, said)
    so_far = TALKING if during == "thinking" else ANSWERING
    rest = () if during == "speaking" else ANSWERING[len(TALKING) :]
    over = (on.ResponseEnded(1, "r1", on.Status.COMPLETED), on.PlayoutEnded("a1", 900, cut_short=False))
    state, _ = played(ENDING, *so_far, heard, *rest, *over)
    assert isinstance(state.phase, Idle) is ends


def test_an_end_phrase_whose_transcript_comes_late_ends_at_once() -> None:
    over = (on.ResponseEnded(1, "r1", on.Status.COMPLETED), on.PlayoutEnded("a1", 900, cut_short=False))
    state, _ = played(ENDING, *ANSWERING, *over, on.Transcribed(1, "u1", on.Talker.USER, "goodbye"))
    assert isinstance(state.phase, Idle)


def test_the_assistants_own_goodbye_is_no_end_phrase() -> None:
    state, _ = played(ENDING, *TALKING, on.Transcribed(1, "a1", on.Talker.ASSISTANT, "goodbye"))
    assert isinstance(state.phase, Thinking)


def test_a_conversation_has_so_many_turns_and_no_more() -> None:
    state, _ = played(replace(ONE, most_turns=2), *ANSWERING, on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, _ = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Listening)
    for event in (
        *(on.SpeechStarted(1, "u2"), on.SpeechStopped(1, "u2"), on.ResponseCreated(1, "r2")),
        *(on.AnswerStarted(1, "r2", "a2"), on.ResponseEnded(1, "r2", on.Status.COMPLETED)),
    ):
        state, _ = step(state, event)
    state, _ = step(state, on.PlayoutEnded("a2", 900, cut_short=False))
    assert isinstance(state.phase, Idle)


LONGEST = replace(ONE, conversation_seconds=600.0)
TOO_LONG = on.TimedOut(T.CONVERSATION, 1)


@pytest.mark.parametrize(
    ("so_far", "phase"),
    [
        (TALKING[:3], Idle),
        (TALKING[:4], Listening),
        (TALKING, Thinking),
        (ANSWERING, Speaking),
        ((*TALKING[:3], closed(1)), Idle),
        ((*TALKING, closed(1)), Opening),
    ],
    ids=["waiting", "while the user speaks", "thinking", "speaking", "reopening", "reopening with an answer owed"],
)
def test_the_longest_conversation_ends_where_nothing_is_owed(so_far: tuple[on.Event, ...], phase: type) -> None:
    state, effects = played(LONGEST, *so_far, TOO_LONG)
    assert isinstance(state.phase, phase)
    assert do.StopTimer(T.CONVERSATION) in effects
    assert step(state, TOO_LONG) == (state, [])


def test_no_wake_word_makes_the_longest_conversation_longer() -> None:
    state, _ = played(LONGEST, *ANSWERING, TOO_LONG, WAKE)
    assert isinstance(state.phase, Idle)


def test_a_timer_of_an_earlier_conversation_ends_nothing() -> None:
    state, _ = played(LONGEST, *TALKING[:3])
    assert step(state, on.TimedOut(T.CONVERSATION, 0)) == (state, [])


FULL = replace(ONE, full_duplex=True)
NOISE = on.Transcribed(1, "u2", on.Talker.USER, "")
ANSWERED = (*ANSWERING, on.ResponseEnded(1, "r1", on.Status.COMPLETED))
INTERRUPTED = (*ANSWERED, on.SpeechStarted(1, "u2"), on.SpeechStopped(1, "u2"))


@pytest.mark.parametrize(
    "since",
    [
        (on.SpeechStarted(1, "u3"), on.SpeechStopped(1, "u3")),
        (
            *(
                on.ResponseCreated(1, "r2"),
                on.AnswerStarted(1, "r2", "a2"),
                on.ResponseEnded(1, "r2", on.Status.COMPLETED),
            ),
            *(on.PlayoutEnded("a2", 900, cut_short=False), on.SpeechStarted(1, "u3"), on.SpeechStopped(1, "u3")),
        ),
    ],
    ids=["the user goes on", "in the next turn"],
)
def test_a_noise_that_is_known_late_drops_no_question(since: tuple[on.Event, ...]) -> None:
    state, _ = played(FULL, *INTERRUPTED, *since)
    assert step(state, NOISE) == (state, [])


def test_a_noise_before_the_user_goes_on_speaking_drops_nothing() -> None:
    state, _ = played(FULL, *ANSWERED, on.SpeechStarted(1, "u2"), on.SpeechStarted(1, "u3"), on.SpeechStopped(1, "u3"))
    assert step(state, NOISE) == (state, [])


def test_what_was_called_because_of_a_noise_is_not_spoken_of() -> None:
    called = (on.ResponseCreated(1, "r2"), on.ToolCalled(1, "r2", "c1", "clock", "{}"))
    state, _ = played(FULL, *INTERRUPTED, *called, NOISE, on.ResponseEnded(1, "r2", on.Status.CANCELLED))
    assert step(state, on.ToolFinished(1, "c1", "noon"))[1] == [do.SendToolOutput(1, "c1", "noon")]


def test_a_noise_is_no_turn() -> None:
    state, _ = played(replace(FULL, most_turns=3), *INTERRUPTED, on.ResponseCreated(1, "r2"), NOISE)
    assert isinstance(state.phase, Thinking)
    assert state.phase.talk.turns == 1


def test_a_written_goodbye_ends_the_conversation_with_its_answer() -> None:
    over = (on.ResponseEnded(1, "r2", on.Status.COMPLETED), on.PlayoutEnded("a2", 900, cut_short=False))
    answered = (*ANSWERED, on.PlayoutEnded("a1", 900, cut_short=False), on.TextAsked(1, "Goodbye."))
    state, _ = played(ENDING, *answered, on.ResponseCreated(1, "r2"), on.AnswerStarted(1, "r2", "a2"), *over)
    assert isinstance(state.phase, Idle)


def test_written_questions_are_turns_too() -> None:
    over = (on.ResponseEnded(1, "r2", on.Status.COMPLETED), on.PlayoutEnded("a2", 900, cut_short=False))
    answered = (*ANSWERED, on.PlayoutEnded("a1", 900, cut_short=False), on.TextAsked(1, "more"))
    answer = (on.ResponseCreated(1, "r2"), on.AnswerStarted(1, "r2", "a2"), *over)
    state, _ = played(replace(ONE, most_turns=2), *answered, *answer)
    assert isinstance(state.phase, Idle)


def test_a_model_that_does_nothing_but_call_tools_is_given_up() -> None:
    state, _ = played(replace(ONE, most_tool_calls=2), *TALKING)
    for number in range(4):
        for event in (
            *(on.ResponseCreated(1, f"r{number}"), on.ToolCalled(1, f"r{number}", f"c{number}", "clock", "{}")),
            *(on.ToolFinished(1, f"c{number}", "noon"), on.ResponseEnded(1, f"r{number}", on.Status.COMPLETED)),
        ):
            state, _ = step(state, event)
        assert isinstance(state.phase, Thinking)
    state, _ = step(state, on.ResponseCreated(1, "r5"))
    state, effects = step(state, on.ToolCalled(1, "r5", "c5", "clock", "{}"))
    assert do.PlayCue(do.Cue.NO_ANSWER) in effects
    assert isinstance(state.phase, Idle)


def test_a_noise_that_still_goes_on_is_let_be() -> None:
    state, _ = played(FULL, *ANSWERED, on.SpeechStarted(1, "u2"))
    assert step(state, NOISE) == (state, [])


def test_a_noise_that_was_answered_is_let_be() -> None:
    answered = (
        *(on.ResponseCreated(1, "r2"), on.AnswerStarted(1, "r2", "a2"), on.ToolCalled(1, "r2", "c1", "clock", "{}")),
        *(on.ResponseEnded(1, "r2", on.Status.COMPLETED), on.PlayoutEnded("a2", 900, cut_short=False)),
    )
    state, _ = played(FULL, *INTERRUPTED, *answered)
    assert step(state, NOISE) == (state, [])
