"""Stories of the button held: the user is heard as long as it is down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Rules
from stories import AGE, ONE, PHASE, Story, T, play

STORIES: dict[str, tuple[Rules, Story]] = {
    "the button held: the user is heard as long as it is down": (
        replace(ONE, local_turns=True, push_to_talk=True),
        [
            (on.CardFound(), [], Light.IDLE),
            (
                on.ActionPressed(),
                [
                    *(do.MarkUplink(), do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)),
                    do.StartTimer(T.TAP, 1, 0.3),
                ],
                Light.OPENING,
            ),
            (on.TimedOut(T.TAP, 1), [do.StopTimer(T.TAP)], Light.OPENING),
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
            (on.CardFound(), [], Light.IDLE),
            (
                on.ActionPressed(),
                [
                    *(do.MarkUplink(), do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)),
                    do.StartTimer(T.TAP, 1, 0.3),
                ],
                Light.OPENING,
            ),
            (on.TimedOut(T.TAP, 1), [do.StopTimer(T.TAP)], Light.OPENING),
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
            (on.CardFound(), [], Light.IDLE),
            (
                on.ActionPressed(),
                [
                    *(do.MarkUplink(), do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)),
                    do.StartTimer(T.TAP, 1, 0.3),
                ],
                Light.OPENING,
            ),
            (on.ActionReleased(), [do.CloseSession(1), do.StopTimer(PHASE)], Light.IDLE),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)
