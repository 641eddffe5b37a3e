"""Stories of sessions: a conversation goes on in another one, and the next one is kept ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Idle, Listening, Opening, Rules
from speakerd.core.step import step
from stories import (
    AGE,
    ANSWERING,
    CLOUD,
    LOST,
    NO_AGE,
    NO_CREDIT,
    OFFLINE,
    ONE,
    PHASE,
    SPARING,
    TALKING,
    TWO,
    WAKE,
    Story,
    asked,
    called,
    closed,
    listening,
    opened,
    play,
    played,
    speaking,
)

STORIES: dict[str, tuple[Rules, Story]] = {
    "the connection breaks while the user is waited for: a new session goes on where the uplink was left": (
        ONE,
        [
            *listening(),
            (closed(1), [*LOST, do.StartTimer(PHASE, 3, 10.0), NO_AGE], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 4, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "it breaks before the answer: what was said is sent again, and heard again": (
        ONE,
        [
            *asked(),
            (closed(1), [*LOST, do.StartTimer(PHASE, 5, 10.0), NO_AGE], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 6, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
            (on.SpeechStarted(2, "u1"), [do.StartTimer(PHASE, 7, 60.0)], Light.LISTENING),
        ],
    ),
    "where we find turns ourselves, we ask for the answer to what is sent again": (
        replace(ONE, local_turns=True),
        [
            *asked()[:3],
            (on.UtteranceBegan(1, 50_000), [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
            (
                on.UtteranceEnded(1, 60_000),
                [
                    *(do.JudgeWake("hey_jarvis", True, 40_000), do.CommitUtterance(1), do.CreateResponse(1)),
                    do.StartTimer(PHASE, 4, 30.0),
                ],
                Light.THINKING,
            ),
            (closed(1), [*LOST, do.StartTimer(PHASE, 5, 10.0), NO_AGE], Light.OPENING),
            (
                on.SessionOpened(2),
                [
                    *(do.CommitUtterance(2), do.CreateResponse(2), do.OpenUplink(2, do.LEFT_OFF)),
                    *(do.StartTimer(PHASE, 6, 30.0), do.StartTimer(AGE, 2, 3300.0)),
                ],
                Light.THINKING,
            ),
        ],
    ),
    "it breaks while a tool runs: its output goes to the new session, and one response is asked for": (
        ONE,
        [
            *called(),
            (
                closed(1),
                [do.CloseUplink(), do.OpenSession(2, 0, 1, True, 0.1), do.StartTimer(PHASE, 7, 10.0), NO_AGE],
                Light.OPENING,
            ),
            (on.ToolFinished(1, "c1", "noon"), [], Light.OPENING),
            (on.ToolFinished(1, "c1", "noon"), [], Light.OPENING),
            (
                on.SessionOpened(2),
                [
                    *(do.SendToolOutput(2, "c1", "noon"), do.CreateResponse(2), do.OpenUplink(2, do.LEFT_OFF)),
                    *(do.StartTimer(PHASE, 9, 30.0), do.StartTimer(AGE, 2, 3300.0)),
                ],
                Light.THINKING,
            ),
        ],
    ),
    "it breaks while an answer sounds: what has come of it is played first": (
        ONE,
        [
            *speaking(),
            (closed(1), [NO_AGE], Light.SPEAKING),
            (on.SpeechStarted(1, "late"), [], Light.SPEAKING),
            (
                on.PlayoutEnded("a1", 900, cut_short=False),
                [do.MarkUplink(), do.OpenSession(2, 0, 1, True, 0.1), do.StartTimer(PHASE, 9, 10.0)],
                Light.OPENING,
            ),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 10, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "an answer of a broken session that is interrupted is cut in what the next session is told": (
        ONE,
        [
            *speaking(),
            (closed(1), [NO_AGE], Light.SPEAKING),
            (
                on.ActionPressed(),
                [
                    *(do.StopPlayout(), do.MarkUplink(), do.OpenSession(2, 0, 1, True, 0.1)),
                    do.StartTimer(PHASE, 8, 10.0),
                ],
                Light.OPENING,
            ),
            (on.PlayoutEnded("a1", 400, cut_short=True), [do.TruncateItem(1, "a1", 400)], Light.OPENING),
        ],
    ),
    "a session that grows old is replaced when nothing goes on": (
        ONE,
        [
            *asked(),
            (on.TimedOut(AGE, 1), [NO_AGE], Light.THINKING),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
            (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
            (
                on.PlayoutEnded("a1", 900, cut_short=False),
                [
                    *(do.MarkUplink(), do.CloseSession(1), do.OpenSession(2, 0, 1, True)),
                    do.StartTimer(PHASE, 9, 10.0),
                ],
                Light.OPENING,
            ),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 10, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
            (on.TimedOut(AGE, 1), [], Light.LISTENING),
        ],
    ),
    "a session that grows old while the user is waited for is replaced at once": (
        ONE,
        [
            *listening(),
            (
                on.TimedOut(AGE, 1),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2, 0, 1, True)),
                    *(do.StartTimer(PHASE, 3, 10.0), NO_AGE),
                ],
                Light.OPENING,
            ),
        ],
    ),
    "the next session is ready when the wake word comes, and is given up after a while": (
        replace(ONE, warm_seconds=30.0),
        [
            *listening(),
            (
                on.EndAsked(),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2)),
                    *(do.StopTimer(PHASE), NO_AGE, do.StartTimer(SPARING, 2, 30.0)),
                ],
                Light.IDLE,
            ),
            (on.SessionOpened(2), [do.StartTimer(AGE, 2, 3300.0)], Light.IDLE),
            (
                WAKE,
                [do.OpenUplink(2, 27_200), do.StartTimer(PHASE, 5, 8.0), do.StopTimer(SPARING)],
                Light.LISTENING,
            ),
            (
                on.ActionPressed(),
                [
                    *(do.CloseUplink(), do.CloseSession(2), do.OpenSession(3)),
                    *(do.StopTimer(PHASE), NO_AGE, do.StartTimer(SPARING, 3, 30.0)),
                ],
                Light.IDLE,
            ),
            (on.TimedOut(SPARING, 2), [], Light.IDLE),
            (on.TimedOut(SPARING, 3), [do.CloseSession(3), do.StopTimer(SPARING)], Light.IDLE),
            (on.TimedOut(AGE, 3), [], Light.IDLE),
        ],
    ),
    "a session that grows old before anybody uses it is not kept": (
        replace(ONE, warm_seconds=300.0, rollover_seconds=60.0),
        [
            (on.CardFound(), [], Light.IDLE),
            (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
            (
                on.SessionOpened(1),
                [do.OpenUplink(1, 27_200), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 60.0)],
                Light.LISTENING,
            ),
            (
                on.EndAsked(),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2)),
                    *(do.StopTimer(PHASE), NO_AGE, do.StartTimer(SPARING, 2, 300.0)),
                ],
                Light.IDLE,
            ),
            (on.SessionOpened(2), [do.StartTimer(AGE, 2, 60.0)], Light.IDLE),
            (on.TimedOut(AGE, 2), [do.CloseSession(2), NO_AGE, do.StopTimer(SPARING)], Light.IDLE),
        ],
    ),
    "a wake word before the next session is ready waits for that one": (
        replace(ONE, warm_seconds=30.0),
        [
            *listening(),
            (
                on.EndAsked(),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2)),
                    *(do.StopTimer(PHASE), NO_AGE, do.StartTimer(SPARING, 2, 30.0)),
                ],
                Light.IDLE,
            ),
            (WAKE, [do.StartTimer(PHASE, 4, 10.0), do.StopTimer(SPARING)], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, 27_200), do.StartTimer(PHASE, 5, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


def test_a_session_that_breaks_whenever_it_opens_is_given_up() -> None:
    """Else it would be opened, and be sent all that was said, for ever."""
    state, effects = played(TWO, *TALKING, closed(1))
    tried = [opened(effects)]
    for _ in range(4):
        state, _ = step(state, on.SessionOpened(state.sessions))
        state, effects = step(state, closed(state.sessions))
        tried.append(opened(effects))
    assert [each.after_seconds for each in tried] == [0.1, 0.5, 1.5, 0.1, 0.5]
    assert [each.endpoint for each in tried] == [0, 0, 0, 1, 1]
    for _ in range(2):
        state, _ = step(state, on.SessionOpened(state.sessions))
        state, effects = step(state, closed(state.sessions))
    assert do.PlayCue(do.Cue.NO_NETWORK) in effects
    assert isinstance(state.phase, Idle)


@pytest.mark.parametrize("is_heard", [True, False], ids=["heard, and lost", "without sound"])
def test_a_session_that_answers_in_between_is_not_given_up(is_heard: bool) -> None:
    state, _ = played(ONE, *TALKING)
    for number in range(1, 9):
        silent = on.ResponseEnded(number, "r", on.Status.COMPLETED)
        for event in (
            *(on.SpeechStarted(number, "u"), on.SpeechStopped(number, "u"), on.ResponseCreated(number, "r")),
            *(on.AnswerStarted(number, "r", "a") if is_heard else silent, closed(number)),
            *(on.PlayoutEnded("a", 900, cut_short=False), on.SessionOpened(number + 1)),
        ):
            state, _ = step(state, event)
        assert isinstance(state.phase, Listening)


def test_in_half_duplex_no_cue_is_sent_for_what_the_user_said() -> None:
    rules = replace(ONE, turn_cues=True)
    state, effects = played(rules, on.CardFound(), on.ActionPressed(), on.SessionOpened(1), closed(1))
    assert effects[0] == do.MarkUplink()
    state, _ = step(state, on.SessionOpened(2))
    _, effects = step(state, on.CueEnded(do.Cue.ACTIVATED))
    assert effects == [do.OpenUplink(2, None)]


def test_what_was_not_sent_before_an_answer_is_not_sent_after_it() -> None:
    """In half duplex it would hold the answer."""
    muted = (on.MuteAsked(True), closed(1), on.SessionOpened(2), on.SpeechStopped(2, "u1"))
    answered = (on.ResponseCreated(2, "r2"), on.AnswerStarted(2, "r2", "a2"), on.MuteAsked(False))
    ended = (on.ResponseEnded(2, "r2", on.Status.COMPLETED), on.PlayoutEnded("a2", 900, cut_short=False))
    _, effects = played(ONE, *TALKING, *muted, *answered, *ended)
    assert do.OpenUplink(2, None) in effects


def test_a_call_of_which_nobody_speaks_any_more_ends_while_the_session_is_opened_again() -> None:
    gone_on = (on.ResponseCreated(1, "r1"), on.ToolCalled(1, "r1", "c1", "clock", "{}"), on.SpeechStarted(1, "u2"))
    lost = (on.ResponseEnded(1, "r1", on.Status.CANCELLED), closed(1), on.ToolFinished(1, "c1", "noon"))
    state, effects = played(ONE, *TALKING, *gone_on, *lost, on.SessionOpened(2))
    assert effects[:2] == [do.SendToolOutput(2, "c1", "noon"), do.OpenUplink(2, do.LEFT_OFF)]
    assert isinstance(state.phase, Listening)


def test_what_was_heard_of_an_answer_is_told_however_late_it_is_known() -> None:
    """The player may answer after the next session is open."""
    cut = on.PlayoutEnded("a1", 400, cut_short=True)
    state, _ = played(ONE, *ANSWERING, closed(1), on.ActionPressed(), on.SessionOpened(2))
    assert step(state, cut)[1] == [do.TruncateItem(2, "a1", 400)]
    state, _ = played(ONE, *ANSWERING, closed(1), on.ActionPressed(), cut, on.SessionOpened(2))
    assert step(state, cut)[1] == []


def test_what_is_sent_again_is_no_second_turn() -> None:
    again = (closed(1), on.SessionOpened(2), on.SpeechStarted(2, "u"), on.SpeechStopped(2, "u"))
    answer = (on.ResponseCreated(2, "r"), on.AnswerStarted(2, "r", "a"), on.ResponseEnded(2, "r", on.Status.COMPLETED))
    state, _ = played(replace(ONE, most_turns=2), *TALKING, *again, *answer, on.PlayoutEnded("a", 9, cut_short=False))
    assert isinstance(state.phase, Listening)


def test_the_answer_to_a_written_question_is_tried_again() -> None:
    """Nothing that was said is sent again in its place, not even words that got no answer."""
    unanswered = (*TALKING, on.ResponseCreated(1, "r1"), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, effects = played(ONE, *unanswered, on.TextAsked(1, "hi"), closed(1))
    assert not opened(effects).resend
    state, effects = step(state, on.SessionOpened(2))
    assert effects[0] == do.CreateResponse(2)


@pytest.mark.parametrize(("so_far", "phase"), [(TALKING, Opening), (TALKING[:3], Idle)], ids=["owed", "nothing owed"])
def test_mute_waits_for_the_answer_that_is_owed(so_far: tuple[on.Event, ...], phase: type) -> None:
    state, _ = played(ONE, *so_far, closed(1), on.MuteAsked(True))
    assert isinstance(state.phase, phase)


def test_an_answer_that_was_held_goes_on_when_its_session_is_over() -> None:
    rules = replace(TWO, full_duplex=True)
    held = (*ANSWERING, on.VoiceHeard(60_000))
    _, effects = played(rules, *held, on.ResponseEnded(1, "r1", on.Status.FAILED, NO_CREDIT))
    assert do.SetPlayoutLevel(do.PlayoutLevel.FULL) in effects


def test_no_second_answer_is_made_in_a_session_that_is_lost() -> None:
    state, _ = played(ONE, *ANSWERING, closed(1))
    assert step(state, on.ResponseEnded(1, "r1", on.Status.COMPLETED)) == (state, [])


def test_what_is_said_after_a_wake_word_over_a_lost_answer_is_sent() -> None:
    state, _ = played(ONE, *ANSWERING, closed(1), WAKE)
    assert step(state, on.SessionOpened(2))[1][0] == do.OpenUplink(2, 40_000)


def test_a_session_on_the_device_is_not_kept_ready() -> None:
    rules = replace(TWO, endpoints=(OFFLINE, CLOUD), warm_seconds=30.0)
    state, _ = played(rules, *TALKING, on.EndAsked())
    assert state.spare is None


def test_a_session_opens_once() -> None:
    state, _ = played(ONE, *TALKING)
    assert step(state, on.SessionOpened(1)) == (state, [])


def test_a_call_that_ends_after_its_conversation_is_nobodys() -> None:
    state, _ = played(ONE, *TALKING, on.EndAsked())
    assert step(state, on.ToolFinished(1, "c1", "noon")) == (state, [])


def test_the_session_that_is_kept_ready_ends_with_the_service() -> None:
    state, effects = played(replace(ONE, warm_seconds=30.0), *TALKING, on.EndAsked(), on.StopAsked())
    assert effects[:2] == [do.CloseSession(2), do.Exit()]
    assert state.spare is None
