"""Stories of sessions: a conversation goes on in another one, and the next one is kept ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Rules
from stories import (
    AGE,
    LOST,
    NO_AGE,
    ONE,
    PHASE,
    SPARING,
    WAKE,
    Story,
    asked,
    called,
    closed,
    listening,
    play,
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
                [do.OpenSession(2, 0, 1, True, 0.1), do.StartTimer(PHASE, 9, 10.0)],
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
                [do.StopPlayout(), do.OpenSession(2, 0, 1, True, 0.1), do.StartTimer(PHASE, 8, 10.0)],
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
                [do.CloseSession(1), do.OpenSession(2, 0, 1, True), do.StartTimer(PHASE, 9, 10.0)],
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
                [do.OpenUplink(2, 33_600), do.StartTimer(PHASE, 5, 8.0), do.StopTimer(SPARING)],
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
                [do.OpenUplink(1, 33_600), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 60.0)],
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
                [do.OpenUplink(2, 33_600), do.StartTimer(PHASE, 5, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)
