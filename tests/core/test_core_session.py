"""Stories of sessions: endpoints that fail, conversations that go on, money, announcements, the button held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.activations import TOO_MUCH_TO_SAY
from speakerd.core.budget import Budget, spoken_usd
from speakerd.core.derived import serving
from speakerd.core.endpoints import EndpointRule
from speakerd.core.lights import Light, light
from speakerd.core.sentences import CONVERSATION_CAP, GIVEN_UP, limit_sentence
from speakerd.core.state import Idle, Listening, Rules, State, Thinking
from speakerd.core.step import step

T = on.Timer
PHASE, AGE, HEALTH, ANNOUNCING, SPARING = T.PHASE, T.ROLLOVER, T.HEALTH, T.ANNOUNCEMENT, T.SPARE
OFFLINE = EndpointRule("offline", is_on_device=True)
CLOUD = EndpointRule("cloud", bills=True)
CENT = 10_000_000
ONE = Rules()
TWO = Rules(endpoints=(CLOUD, OFFLINE), failover_seconds=4.0)

WAKE = on.WakeWordHeard("hey_jarvis", 0.97, 40_000)
NO_NETWORK, BAD_KEY, NO_CREDIT = on.Fault.NO_NETWORK, on.Fault.BAD_KEY, on.Fault.NO_CREDIT

Story = list[tuple[on.Event, list[do.Effect], Light]]


def closed(session: int, fault: on.Fault = NO_NETWORK) -> on.Event:
    return on.SessionClosed(session, fault, "gone")


def woken(seconds: float = 10.0) -> Story:
    return [
        (on.CardFound(), [], Light.IDLE),
        (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, seconds)], Light.OPENING),
    ]


def listening(seconds: float = 10.0) -> Story:
    opened: list[do.Effect] = [do.OpenUplink(1, 33_600), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 3300.0)]
    return [*woken(seconds), (on.SessionOpened(1), opened, Light.LISTENING)]


def asked(seconds: float = 10.0) -> Story:
    judged: list[do.Effect] = [do.JudgeWake("hey_jarvis", True, 40_000), do.StartTimer(PHASE, 4, 30.0)]
    return [
        *listening(seconds),
        (on.SpeechStarted(1, "u1"), [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
        (on.SpeechStopped(1, "u1"), judged, Light.THINKING),
    ]


def called() -> Story:
    return [
        *asked(),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
        (on.ToolCalled(1, "r1", "c1", "clock", "{}"), [do.RunTool(1, "c1", "clock", "{}")], Light.THINKING),
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [do.StartTimer(PHASE, 6, 30.0)], Light.THINKING),
    ]


def speaking() -> Story:
    return [
        *asked(),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
        (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
    ]


LOST: list[do.Effect] = [do.CloseUplink(), do.OpenSession(2, 0, 1, True, 0.1)]
NO_AGE = do.StopTimer(AGE)

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
    "it breaks a second time before the answer: the endpoint is given up, for each time costs all that was said": (
        ONE,
        [
            *asked(),
            (closed(1), [*LOST, do.StartTimer(PHASE, 5, 10.0), NO_AGE], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 6, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
            (on.SpeechStarted(2, "u2"), [do.StartTimer(PHASE, 7, 60.0)], Light.LISTENING),
            (on.SpeechStopped(2, "u2"), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
            (
                closed(2),
                [
                    *(do.CloseUplink(), do.PlayCue(do.Cue.NO_NETWORK), do.StopTimer(PHASE), NO_AGE),
                    do.StartTimer(HEALTH, 1, 30.0),
                ],
                Light.NO_NETWORK,
            ),
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
    "a session that grows old is replaced when nothing goes on": (
        ONE,
        [
            *asked(),
            (on.TimedOut(AGE, 1), [], Light.THINKING),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
            (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
            (
                on.PlayoutEnded("a1", 900, cut_short=False),
                [do.CloseSession(1), do.OpenSession(2, 0, 1, True), do.StartTimer(PHASE, 9, 10.0), NO_AGE],
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
            (on.SessionOpened(2), [], Light.IDLE),
            (
                WAKE,
                [
                    *(do.OpenUplink(2, 33_600), do.StartTimer(PHASE, 5, 8.0), do.StartTimer(AGE, 2, 3300.0)),
                    do.StopTimer(SPARING),
                ],
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
    "what was to be said waits for the end of the conversation, and a wake word cuts it off": (
        ONE,
        [
            *listening(),
            (on.SayAsked(5, "dinner"), [], Light.LISTENING),
            (
                on.EndAsked(),
                [do.CloseUplink(), do.CloseSession(1), do.StopTimer(PHASE), NO_AGE],
                Light.IDLE,
            ),
            (on.SayAsked(6, "really"), [do.Announce(2, "really"), do.StartTimer(ANNOUNCING, 2, 60.0)], Light.SPEAKING),
            (on.SayAsked(7, "now"), [], Light.SPEAKING),
            (
                on.PlayoutEnded(do.announcement_item(2), 900, cut_short=False),
                [do.Announce(3, "now"), do.StartTimer(ANNOUNCING, 3, 60.0)],
                Light.SPEAKING,
            ),
            (
                WAKE,
                [
                    *(do.OpenSession(2), do.StopAnnouncing(3), do.StopPlayout()),
                    *(do.StartTimer(PHASE, 4, 10.0), do.StopTimer(ANNOUNCING)),
                ],
                Light.OPENING,
            ),
            (on.PlayoutEnded(do.announcement_item(3), 400, cut_short=True), [], Light.OPENING),
        ],
    ),
    "a press is for the announcement": (
        ONE,
        [
            (on.CardFound(), [], Light.IDLE),
            (on.SayAsked(6, "x"), [do.Announce(1, "x"), do.StartTimer(ANNOUNCING, 1, 60.0)], Light.SPEAKING),
            (
                on.ActionPressed(),
                [do.StopAnnouncing(1), do.StopPlayout(), do.StopTimer(ANNOUNCING)],
                Light.IDLE,
            ),
            (on.SayAsked(7, "y"), [do.Announce(2, "y"), do.StartTimer(ANNOUNCING, 2, 60.0)], Light.SPEAKING),
            (
                on.TimedOut(ANNOUNCING, 2),
                [do.StopAnnouncing(2), do.StopPlayout(), do.StopTimer(ANNOUNCING)],
                Light.IDLE,
            ),
        ],
    ),
    "facts are told from the user's words to the answer's end": (
        replace(ONE, facts=True),
        [
            *listening(),
            (on.SpeechStarted(1, "u1"), [do.TellFacts(1), do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
            *asked()[4:],
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.COMPLETED),
                [do.ForgetFacts(1), do.StartTimer(PHASE, 6, 8.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "facts come before a written question, which ends with its session": (
        replace(ONE, facts=True),
        [
            (on.CardFound(), [], Light.IDLE),
            (on.TextAsked(3, "hi", aloud=False), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
            (
                on.SessionOpened(1),
                [
                    *(do.TellFacts(1), do.SendText(1, "hi"), do.CreateResponse(1, aloud=False)),
                    *(do.StartTimer(PHASE, 2, 30.0), do.StartTimer(AGE, 1, 3300.0)),
                ],
                Light.THINKING,
            ),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 3, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.COMPLETED),
                [do.CloseSession(1), do.StopTimer(PHASE), NO_AGE],
                Light.IDLE,
            ),
        ],
    ),
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
                    *(do.OpenUplink(1, 33_600), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 3300.0)),
                    do.StartTimer(T.CONVERSATION, 1, 600.0),
                ],
                Light.LISTENING,
            ),
            *speaking()[3:],
            (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
            (on.TimedOut(T.CONVERSATION, 0), [], Light.SPEAKING),
            (on.TimedOut(T.CONVERSATION, 1), [], Light.SPEAKING),
            (
                on.PlayoutEnded("a1", 900, cut_short=False),
                [do.CloseSession(1), do.StopTimer(PHASE), NO_AGE, do.StopTimer(T.CONVERSATION)],
                Light.IDLE,
            ),
        ],
    ),
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
    state = State(rules)
    for number, (event, effects, shown) in enumerate(story):
        state, done = step(state, event)
        assert (done, light(state)) == (effects, shown), f"event {number}: {event}"


def played(rules: Rules, *events: on.Event) -> tuple[State, list[do.Effect]]:
    """The state after some events, and the effects of the last one."""
    state, effects = State(rules), list[do.Effect]()
    for event in events:
        state, effects = step(state, event)
    return state, effects


def spoken(effects: list[do.Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, do.Announce)]


BUDGET = Budget(50 * CENT, 100 * CENT, 1000 * CENT, 30 * CENT)
THRIFTY = replace(TWO, budget=BUDGET)
ALONE = replace(THRIFTY, endpoints=(CLOUD,))


def spent(cents: int, *, month: int = 0, conversation: int = 0, session: int = 1, day: str = "2026-11-26") -> on.Spent:
    return on.Spent(session, day, cents * CENT, (month or cents) * CENT, conversation * CENT)


TALKING = (on.CardFound(), WAKE, on.SessionOpened(1), on.SpeechStarted(1, "u1"), on.SpeechStopped(1, "u1"))
ANSWERING = (*TALKING, on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "a1"))


@pytest.mark.parametrize(
    ("booked", "kind", "goes_on"),
    [
        (spent(49, conversation=29), None, True),
        (spent(50), "warning 2026-11-26", True),
        (spent(100), "day 2026-11-26", False),
        (spent(100, month=1000), "month 2026-11", False),
        (spent(1, month=1000), "month 2026-11", False),
    ],
)
def test_a_limit_is_told_when_the_answer_is_over(booked: on.Spent, kind: str | None, goes_on: bool) -> None:
    state, effects = played(THRIFTY, *ANSWERING, booked, on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    assert light(state) is Light.SPEAKING
    assert effects == []
    state, effects = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Listening) is goes_on
    state, effects = (state, effects) if not goes_on else step(state, on.EndAsked())
    if kind is None:
        assert spoken(effects) == []
    elif not goes_on:
        assert spoken(effects) == [limit_sentence(kind, BUDGET, booked, goes_on=True)]
        assert light(state) is Light.OVER_BUDGET


def test_a_limit_is_told_once_and_again_the_next_day() -> None:
    told = []
    state = played(ALONE, on.CardFound())[0]
    for cents, day in ((60, 26), (70, 26), (101, 26), (102, 26), (50, 27)):
        state, effects = step(state, spent(cents, day=f"2026-11-{day}"))
        told += spoken(effects)
        state, effects = step(state, on.PlayoutEnded(do.announcement_item(state.announced), 1, cut_short=False))
    assert [sentence.split()[0] for sentence in told] == ["Talking", "Today's", "Talking"]


def test_what_was_spent_before_the_start_is_not_told_but_kept_to() -> None:
    state, effects = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION))
    assert (effects, light(state)) == ([], Light.OVER_BUDGET)
    state, effects = step(state, WAKE)
    assert isinstance(state.phase, Idle)
    assert do.PlayCue(do.Cue.OVER_BUDGET) in effects
    assert spoken(effects) == ["Today's limit of 1 dollar is used up. I cannot answer until tomorrow."]
    state, _ = step(state, spent(0, session=on.NO_SESSION, day="2026-11-27"))
    assert do.OpenSession(1) in step(state, WAKE)[1]


def test_past_the_cap_the_endpoint_that_costs_nothing_serves() -> None:
    state, _ = played(THRIFTY, on.CardFound(), spent(100, session=on.NO_SESSION))
    assert serving(state) == 1
    assert do.OpenSession(1, 1) in step(state, WAKE)[1]


def test_a_written_question_past_the_cap_is_refused_with_the_reason() -> None:
    state, _ = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION))
    _, effects = step(state, on.TextAsked(3, "hi"))
    [refusal] = [effect for effect in effects if isinstance(effect, do.RefuseAsk)]
    assert "limit of 1 dollar" in refusal.reason


def test_a_conversation_that_costs_too_much_ends_and_says_so() -> None:
    state, _ = played(THRIFTY, *ANSWERING, spent(31, conversation=30), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, effects = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Idle)
    assert spoken(effects) == [CONVERSATION_CAP.format(limit="30 cents")]
    assert serving(state) == 0


def test_no_output_of_a_tool_is_answered_past_the_cap() -> None:
    called = (*TALKING, on.ResponseCreated(1, "r1"), on.ToolCalled(1, "r1", "c1", "clock", "{}"))
    ended = (spent(100), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, effects = played(THRIFTY, *called, *ended, on.ToolFinished(1, "c1", "noon"))
    assert isinstance(state.phase, Idle)
    assert do.CreateResponse(1) not in effects


def test_the_assistant_on_the_device_may_talk_as_long_as_it_likes() -> None:
    rules = replace(THRIFTY, endpoints=(OFFLINE, CLOUD))
    state, _ = played(rules, *ANSWERING, spent(0, month=1000), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, _ = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Listening)


@pytest.mark.parametrize(
    ("cents", "words"),
    [(0, "0 cents"), (1, "1 cent"), (100, "1 dollar"), (250, "2 dollars and 50 cents"), (101, "1 dollar and 1 cent")],
)
def test_money_as_it_is_spoken(cents: int, words: str) -> None:
    assert spoken_usd(cents * CENT) == words


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


def test_there_is_an_end_to_what_can_be_said_at_once() -> None:
    state, effects = played(ONE, on.CardFound(), *(on.SayAsked(number, "x") for number in range(9)))
    assert effects == []
    assert step(state, on.SayAsked(9, "x"))[1] == [do.RefuseAsk(9, TOO_MUCH_TO_SAY)]


@pytest.mark.parametrize("fault", GIVEN_UP)
def test_what_only_the_owner_can_mend_is_said_aloud_when_the_conversation_is_over(fault: on.Fault) -> None:
    state, effects = played(TWO, on.CardFound(), WAKE, closed(1, fault), on.SessionOpened(2))
    assert spoken(effects) == []
    state, effects = step(state, on.ActionPressed())
    assert spoken(effects) == [GIVEN_UP[fault].format(name="cloud")]
    assert light(state).value == fault.value
