"""Stories of endpoints that fail, and of those that take over."""

from __future__ import annotations

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light, light
from speakerd.core.sentences import GIVEN_UP
from speakerd.core.state import Rules
from speakerd.core.step import step
from stories import (
    AGE,
    BAD_KEY,
    HEALTH,
    LOST,
    NO_AGE,
    NO_CREDIT,
    ONE,
    PHASE,
    SPARING,
    TWO,
    WAKE,
    Story,
    asked,
    closed,
    listening,
    play,
    played,
    spoken,
    woken,
)

STORIES: dict[str, tuple[Rules, Story]] = {
    "a network that stays away: three more tries, then the light, the sound, and a look from time to time": (
        ONE,
        [
            *listening(),
            (closed(1), [*LOST, do.StartTimer(PHASE, 3, 10.0), NO_AGE], Light.OPENING),
            (closed(2), [do.OpenSession(3, 0, 2, True, 0.5)], Light.OPENING),
            (closed(2), [], Light.OPENING),
            (closed(3), [do.OpenSession(4, 0, 3, True, 1.5)], Light.OPENING),
            (closed(4), [do.OpenSession(5, 0, 4, True, 3.0)], Light.OPENING),
            (
                closed(5),
                [
                    *(do.CloseSession(5), do.PlayCue(do.Cue.NO_NETWORK), do.StopTimer(PHASE)),
                    do.StartTimer(HEALTH, 1, 30.0),
                ],
                Light.NO_NETWORK,
            ),
            (on.TimedOut(HEALTH, 0), [], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 1), [do.OpenSession(6), do.StartTimer(SPARING, 6, 10.0)], Light.NO_NETWORK),
            (closed(6), [do.StopTimer(SPARING), do.StartTimer(HEALTH, 2, 60.0)], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 2), [do.OpenSession(7), do.StartTimer(SPARING, 7, 10.0)], Light.NO_NETWORK),
            (on.SessionOpened(7), [do.CloseSession(7), do.StopTimer(SPARING), do.StopTimer(HEALTH)], Light.IDLE),
        ],
    ),
    "a beginning that fails is tried once more within its time": (
        ONE,
        [
            *woken(),
            (closed(1), [do.OpenSession(2, after_seconds=0.5)], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, 33_600), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "the next endpoint takes over at once, and the first one when it is back": (
        TWO,
        [
            *woken(4.0),
            (
                closed(1),
                [do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0), do.StartTimer(HEALTH, 1, 30.0)],
                Light.OPENING,
            ),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, 33_600), do.StartTimer(PHASE, 3, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
            (on.TimedOut(HEALTH, 1), [do.StartTimer(HEALTH, 2, 30.0)], Light.LISTENING),
            (
                on.TimedOut(PHASE, 3),
                [
                    *(do.CloseUplink(), do.JudgeWake("hey_jarvis", False, 40_000), do.CloseSession(2)),
                    *(do.StopTimer(PHASE), do.StopTimer(AGE)),
                ],
                Light.NO_NETWORK,
            ),
            (WAKE, [do.OpenSession(3, 1), do.StartTimer(PHASE, 5, 10.0)], Light.OPENING),
            (on.EndAsked(), [do.CloseSession(3), do.StopTimer(PHASE)], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 2), [do.OpenSession(4), do.StartTimer(SPARING, 4, 10.0)], Light.NO_NETWORK),
            (on.SessionOpened(4), [do.CloseSession(4), do.StopTimer(SPARING), do.StopTimer(HEALTH)], Light.IDLE),
            (WAKE, [do.OpenSession(5), do.StartTimer(PHASE, 7, 4.0)], Light.OPENING),
        ],
    ),
    "an endpoint that does not answer in time gives way to the next": (
        TWO,
        [
            *woken(4.0),
            (
                on.TimedOut(PHASE, 1),
                [
                    *(do.CloseSession(1), do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0)),
                    do.StartTimer(HEALTH, 1, 30.0),
                ],
                Light.OPENING,
            ),
        ],
    ),
    "a key that is refused: the next endpoint serves, the owner is told, and nothing is tried until he asks": (
        TWO,
        [
            *woken(4.0),
            (closed(1, BAD_KEY), [do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0)], Light.OPENING),
            (
                on.EndAsked(),
                [do.CloseSession(2), do.StopTimer(PHASE)],
                Light.BAD_KEY,
            ),
            (WAKE, [do.OpenSession(3, 1), do.StartTimer(PHASE, 4, 10.0)], Light.OPENING),
            (on.RetryAsked(), [], Light.OPENING),
            (on.EndAsked(), [do.CloseSession(3), do.StopTimer(PHASE)], Light.IDLE),
            (WAKE, [do.OpenSession(4), do.StartTimer(PHASE, 6, 4.0)], Light.OPENING),
        ],
    ),
    "credit that runs out in mid-conversation: the next endpoint goes on with its words": (
        TWO,
        [
            *asked(4.0),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.FAILED, NO_CREDIT),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2, 1, 1, True, 0.1)),
                    *(do.StartTimer(PHASE, 6, 10.0), NO_AGE),
                ],
                Light.OPENING,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


@pytest.mark.parametrize("fault", GIVEN_UP)
def test_what_only_the_owner_can_mend_is_said_aloud_when_the_conversation_is_over(fault: on.Fault) -> None:
    state, effects = played(TWO, on.CardFound(), WAKE, closed(1, fault), on.SessionOpened(2))
    assert spoken(effects) == []
    state, effects = step(state, on.ActionPressed())
    assert spoken(effects) == [GIVEN_UP[fault].format(name="cloud")]
    assert light(state).value == fault.value
