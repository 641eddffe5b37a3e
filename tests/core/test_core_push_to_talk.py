"""Stories of the button held: the user is heard as long as it is down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Listening, Opening, Rules
from speakerd.core.step import step
from stories import AGE, LOST, ONE, PHASE, WAKE, Story, T, closed, play, played

PRESSED: Story = [
    (on.CardFound(), [], Light.IDLE),
    (
        on.ActionPressed(),
        [*(do.MarkUplink(), do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)), do.StartTimer(T.TAP, 1, 0.3)],
        Light.OPENING,
    ),
]
HELD: Story = [*PRESSED, (on.TimedOut(T.TAP, 1), [do.StopTimer(T.TAP)], Light.OPENING)]

STORIES: dict[str, tuple[Rules, Story]] = {
    "the button held: the user is heard as long as it is down": (
        replace(ONE, local_turns=True, push_to_talk=True),
        [
            *HELD,
            (
                on.SessionOpened(1),
                [do.OpenUplink(1, do.LEFT_OFF), do.StartTimer(PHASE, 2, 60.0), do.StartTimer(AGE, 1, 3300.0)],
                Light.LISTENING,
            ),
            (on.UtteranceEnded(1, 50_000), [], Light.LISTENING),
            (on.ActionReleased(), [do.CloseUplink(), do.StartTimer(PHASE, 3, 8.0)], Light.LISTENING),
            (
                on.UplinkClosed(1),
                [do.CommitUtterance(1), do.CreateResponse(1), do.StartTimer(PHASE, 4, 30.0)],
                Light.THINKING,
            ),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (on.AnswerStarted(1, "r1", "a1"), [do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
            (
                on.ActionPressed(),
                [
                    *(do.StopPlayout(), do.CancelResponse(1, "r1"), do.OpenUplink(1, None)),
                    *(do.StartTimer(PHASE, 7, 60.0), do.StartTimer(T.TAP, 2, 0.3)),
                ],
                Light.LISTENING,
            ),
            (on.ActionReleased(), [do.CloseUplink(), do.StartTimer(PHASE, 8, 8.0)], Light.LISTENING),
            (on.UplinkClosed(1), [], Light.LISTENING),
        ],
    ),
    "a button let go before the session is up: all that was said is sent": (
        replace(ONE, local_turns=True, push_to_talk=True),
        [
            *HELD,
            (on.ActionReleased(), [], Light.OPENING),
            (
                on.SessionOpened(1),
                [
                    *(do.OpenUplink(1, do.LEFT_OFF), do.CloseUplink()),
                    *(do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 3300.0)),
                ],
                Light.LISTENING,
            ),
            (
                on.UplinkClosed(1),
                [do.CommitUtterance(1), do.CreateResponse(1), do.StartTimer(PHASE, 3, 30.0)],
                Light.THINKING,
            ),
        ],
    ),
    "a mere tap says nothing": (
        replace(ONE, local_turns=True, push_to_talk=True),
        [
            *PRESSED,
            (on.ActionReleased(), [do.CloseSession(1), do.StopTimer(PHASE)], Light.IDLE),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


PUSH = replace(ONE, local_turns=True, push_to_talk=True)
UP, LONG = on.CardFound(), on.TimedOut(T.TAP, 1)
HOLDING = (UP, on.ActionPressed(), LONG, on.SessionOpened(1))
SAID = (*HOLDING, on.ActionReleased(), on.UplinkClosed(1))
ANSWERED = (
    *(*SAID, on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "a1")),
    *(on.ResponseEnded(1, "r1", on.Status.COMPLETED), on.PlayoutEnded("a1", 900, cut_short=False)),
)


def test_a_connection_that_breaks_while_the_button_is_down_loses_no_word() -> None:
    state, effects = played(PUSH, *HOLDING, closed(1))
    assert effects[:2] == LOST
    still_down, effects = step(state, on.SessionOpened(2))
    assert effects[0] == do.OpenUplink(2, do.LEFT_OFF)
    _, effects = step(still_down, on.ActionReleased())
    assert effects[0] == do.CloseUplink()
    state, _ = step(state, on.ActionReleased())
    state, effects = step(state, on.SessionOpened(2))
    assert effects[:2] == [do.OpenUplink(2, do.LEFT_OFF), do.CloseUplink()]
    _, effects = step(state, on.UplinkClosed(2))
    assert effects[:2] == [do.CommitUtterance(2), do.CreateResponse(2)]


def test_a_connection_that_breaks_as_the_button_comes_up_is_answered_in_the_next_one() -> None:
    state, effects = played(PUSH, *HOLDING, on.ActionReleased(), closed(1), on.UplinkClosed(1))
    state, effects = step(state, on.SessionOpened(2))
    assert effects[:2] == [do.CommitUtterance(2), do.CreateResponse(2)]


def test_nothing_from_between_two_presses_is_sent() -> None:
    state, effects = played(PUSH, *ANSWERED, closed(1))
    assert do.MarkUplink() not in effects
    state, effects = step(state, on.SessionOpened(2))
    assert not [effect for effect in effects if isinstance(effect, do.OpenUplink)]
    state, effects = step(state, on.ActionPressed())
    assert effects[0] == do.OpenUplink(2, None)


def test_who_presses_while_the_session_is_opened_again_is_heard() -> None:
    state, effects = played(PUSH, *ANSWERED, closed(1), on.ActionPressed())
    assert effects[0] == do.MarkUplink()
    state, effects = step(state, on.SessionOpened(2))
    assert effects[0] == do.OpenUplink(2, do.LEFT_OFF)


def test_who_presses_while_an_answer_is_owed_wants_no_other_one() -> None:
    called = (on.ResponseCreated(1, "r1"), on.ToolCalled(1, "r1", "c1", "clock", "{}"), closed(1))
    state, _ = played(PUSH, *SAID, *called, on.ActionPressed(), on.ToolFinished(1, "c1", "noon"))
    state, effects = step(state, on.SessionOpened(2))
    assert effects[:2] == [do.SendToolOutput(2, "c1", "noon"), do.OpenUplink(2, do.LEFT_OFF)]
    assert isinstance(state.phase, Listening)
    assert not state.phase.talk.owes


@pytest.mark.parametrize(
    ("beginning", "goes_on"), [(WAKE, True), (on.TextAsked(1, "hi"), False)], ids=["wake word", "written question"]
)
def test_a_press_while_the_first_session_opens(beginning: on.Event, goes_on: bool) -> None:
    state, _ = played(PUSH, UP, beginning, on.ActionPressed())
    assert isinstance(state.phase, Opening) is goes_on
    if goes_on:
        assert step(state, on.SessionOpened(1))[1][0] == do.OpenUplink(1, 27_200)


def test_ringing_that_begins_while_the_button_is_down_keeps_what_was_said() -> None:
    state, effects = played(PUSH, *HOLDING, on.AlarmRang("pasta"))
    assert effects[0] == do.CloseUplink()
    _, effects = step(state, on.ActionReleased())
    assert effects[:2] == [do.CommitUtterance(1), do.CreateResponse(1)]


@pytest.mark.parametrize("before", [SAID, ANSWERED], ids=["thinking", "waiting"])
def test_a_press_under_a_cue_is_heard_from_its_beginning(before: tuple[on.Event, ...]) -> None:
    done = on.ToolFinished(on.NO_SESSION, "wake-1", "done")
    state, effects = played(PUSH, *before, done, on.ActionPressed())
    assert do.MarkUplink() in effects
    assert step(state, on.CueEnded(do.Cue.DONE))[1] == [do.OpenUplink(1, do.LEFT_OFF)]
    state, _ = step(state, on.TimedOut(T.TAP, 2))
    _, effects = step(state, on.ActionReleased())
    assert effects[:2] == [do.OpenUplink(1, do.LEFT_OFF), do.CloseUplink()]
    state, _ = played(PUSH, *before, done, on.ActionPressed(), on.ActionReleased(), on.CueEnded(do.Cue.DONE))
    assert step(state, on.ActionPressed())[1][0] == do.OpenUplink(1, None)


def test_a_wake_word_does_without_the_button_again() -> None:
    state, effects = played(PUSH, *ANSWERED, WAKE)
    assert effects[0] == do.OpenUplink(1, 27_200)
    assert isinstance(state.phase, Listening)


def test_the_button_ends_nothing_when_it_comes_up_late() -> None:
    state, _ = played(PUSH, *HOLDING, on.EndAsked())
    assert step(state, on.ActionReleased()) == (state, [])
