"""Stories: what happens, what the speaker does about it, and what its light says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.activations import BUSY, CARD_MISSING
from speakerd.core.answers import TOO_MANY_CALLS
from speakerd.core.lights import Light, light
from speakerd.core.moves import Outcome
from speakerd.core.sentences import GIVEN_UP
from speakerd.core.state import (
    END_CONVERSATION,
    Card,
    Conversation,
    Idle,
    Listening,
    Opening,
    Requested,
    Rules,
    State,
    Thinking,
)
from speakerd.core.step import step as whole_step
from speakerd.core.turns import on_conversation
from speakerd.core.words import CallTool, Stop, Talk, WordAction

PHASE, RINGING, AGE, HEALTH = on.Timer.PHASE, on.Timer.RINGING, on.Timer.ROLLOVER, on.Timer.HEALTH
WAKE = on.WakeWordHeard("hey_jarvis", 0.97, 40_000)
PRESS = on.ActionPressed()
MUTE = on.MutePressed()
HALT = on.WakeWordHeard("halt", 0.9, 70_000)
LIGHT_ON = on.WakeWordHeard("light_on", 0.9, 80_000)
SILENT = on.MicrophoneSilent("only zeros")
RULES = Rules(
    most_tool_calls=2, words=(WordAction("halt", Stop()), WordAction("light_on", CallTool("set_light", '{"on": true}')))
)

Story = list[tuple[on.Event, list[do.Effect], Light]]


def step(state: State, event: on.Event) -> Outcome:
    """Without the session's age and the record of calls, which test_core_session and test_core_approvals are about."""
    state, effects = whole_step(state, event)
    effects = [effect for effect in effects if not isinstance(effect, do.NoteDecision)]
    return state, [e for e in effects if not (isinstance(e, do.StartTimer | do.StopTimer) and e.timer is AGE)]


def told_aloud(fault: on.Fault) -> Story:
    """The sentence of a fault that only the owner can mend, after its cue."""
    sentence = GIVEN_UP[fault].format(name="the endpoint")
    saying: list[do.Effect] = [do.Announce(1, sentence), do.StartTimer(on.Timer.ANNOUNCEMENT, 1, 60.0)]
    return [(on.CueEnded(do.Cue(fault.value)), saying, Light(fault.value))]


READY: Story = [(on.CardFound(), [], Light.IDLE)]

WOKEN: Story = [
    *READY,
    (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
    (on.SessionOpened(1), [do.OpenUplink(1, 27_200), do.StartTimer(PHASE, 2, 8.0)], Light.LISTENING),
]

ASKED: Story = [
    *WOKEN,
    (on.SpeechStarted(1, "u1"), [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
    (
        on.SpeechStopped(1, "u1"),
        [do.JudgeWake("hey_jarvis", True, 40_000), do.StartTimer(PHASE, 4, 30.0)],
        Light.THINKING,
    ),
    (on.Transcribed(1, "u1", on.Talker.USER, "tell me a story"), [], Light.THINKING),
]

CREATED: Story = [*ASKED, (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING)]

SPEAKING: Story = [
    *CREATED,
    (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
]

DONE_ON_SERVER: Story = [*SPEAKING, (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING)]

FOLLOWING_UP: Story = [
    *DONE_ON_SERVER,
    (
        on.PlayoutEnded("a1", 2500, cut_short=False),
        [do.OpenUplink(1, None), do.StartTimer(PHASE, 8, 8.0)],
        Light.LISTENING,
    ),
]

CALLED: Story = [
    *CREATED,
    (on.ToolCalled(1, "r1", "c1", "clock", "{}"), [do.RunTool(1, "c1", "clock", "{}")], Light.THINKING),
]

LIT: list[do.Effect] = [do.RunTool(on.NO_SESSION, "wake-80000", "set_light", '{"on": true}')]
IS_LIT = on.ToolFinished(on.NO_SESSION, "wake-80000", "The light is on.")
NOT_LIT = on.ToolFinished(on.NO_SESSION, "wake-80000", "error: The lamp has no power: plug it in.")

RINGS: tuple[on.Event, list[do.Effect], Light] = (
    on.AlarmRang("pasta"),
    [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)],
    Light.RINGING,
)

CLOSED: list[do.Effect] = [do.CloseUplink(), do.CloseSession(1)]

STORIES: dict[str, Story] = {
    "an answer, a follow-up window, and the end by silence": [
        *FOLLOWING_UP,
        (on.TimedOut(PHASE, 7), [], Light.LISTENING),
        (on.TimedOut(PHASE, 8), [*CLOSED, do.StopTimer(PHASE)], Light.IDLE),
    ],
    "a tool call, its output, one response, the answer": [
        *CALLED,
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [do.StartTimer(PHASE, 6, 30.0)], Light.THINKING),
        (
            on.ToolFinished(1, "c1", "ten past six"),
            [do.SendToolOutput(1, "c1", "ten past six"), do.CreateResponse(1), do.StartTimer(PHASE, 7, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseCreated(1, "r2"), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
        (on.AnswerStarted(1, "r2", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 9, 300.0)], Light.SPEAKING),
    ],
    "a tool that is quicker than the end of the response waits for it": [
        *CALLED,
        (
            on.ToolFinished(1, "c1", "x"),
            [do.SendToolOutput(1, "c1", "x"), do.StartTimer(PHASE, 6, 30.0)],
            Light.THINKING,
        ),
        (on.ToolFinished(1, "c1", "x"), [], Light.THINKING),
        (
            on.ResponseEnded(1, "r1", on.Status.COMPLETED),
            [do.CreateResponse(1), do.StartTimer(PHASE, 7, 30.0)],
            Light.THINKING,
        ),
    ],
    "a tool runs while the model speaks; the next answer is asked for during the first": [
        *SPEAKING,
        (on.ToolCalled(1, "r1", "c1", "clock", "{}"), [do.RunTool(1, "c1", "clock", "{}")], Light.SPEAKING),
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
        (on.ToolFinished(1, "c1", "x"), [do.SendToolOutput(1, "c1", "x"), do.CreateResponse(1)], Light.SPEAKING),
        (on.ResponseCreated(1, "r2"), [], Light.SPEAKING),
        (on.AnswerStarted(1, "r2", "a2"), [do.StartTimer(PHASE, 7, 300.0)], Light.SPEAKING),
        (on.PlayoutEnded("a1", 900, cut_short=False), [do.StartTimer(PHASE, 8, 300.0)], Light.SPEAKING),
        (
            on.PlayoutEnded("a2", 900, cut_short=False),
            [do.OpenUplink(1, None), do.StartTimer(PHASE, 10, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseEnded(1, "r2", on.Status.COMPLETED), [do.StartTimer(PHASE, 11, 8.0)], Light.LISTENING),
    ],
    "a model in a loop is stopped": [
        *CALLED,
        (on.ToolCalled(1, "r1", "c2", "clock", "{}"), [do.RunTool(1, "c2", "clock", "{}")], Light.THINKING),
        (on.ToolCalled(1, "r1", "c3", "clock", "{}"), [do.SendToolOutput(1, "c3", TOO_MANY_CALLS)], Light.THINKING),
    ],
    "the button interrupts: silence, cancel, then truncate at what was heard": [
        *SPEAKING,
        (
            PRESS,
            [
                do.StopPlayout(),
                do.CancelResponse(1, "r1"),
                do.OpenUplink(1, None),
                do.StartTimer(PHASE, 7, 8.0),
            ],
            Light.LISTENING,
        ),
        (on.PlayoutEnded("a1", 1234, cut_short=True), [do.TruncateItem(1, "a1", 1234)], Light.LISTENING),
        (on.AnswerStarted(1, "r1", "a2"), [do.StopPlayout()], Light.LISTENING),
        (on.PlayoutEnded("a2", 0, cut_short=True), [do.DeleteItem(1, "a2")], Light.LISTENING),
        (on.ToolCalled(1, "r1", "c9", "clock", "{}"), [], Light.LISTENING),
        (on.ResponseEnded(1, "r1", on.Status.CANCELLED), [], Light.LISTENING),
        (on.ResponseEnded(1, "r1", on.Status.CANCELLED), [], Light.LISTENING),
    ],
    "a press as the last sample plays: nothing is truncated": [
        *DONE_ON_SERVER,
        (
            PRESS,
            [do.StopPlayout(), do.OpenUplink(1, None), do.StartTimer(PHASE, 7, 8.0)],
            Light.LISTENING,
        ),
        (on.PlayoutEnded("a1", 2500, cut_short=False), [], Light.LISTENING),
    ],
    "the wake word interrupts, and what follows it is heard from there on": [
        *DONE_ON_SERVER,
        (
            replace(WAKE, sample=900_000),
            [do.StopPlayout(), do.OpenUplink(1, 900_000), do.StartTimer(PHASE, 7, 8.0)],
            Light.LISTENING,
        ),
    ],
    "an interruption before the response exists: it is cancelled when it does": [
        *ASKED,
        (PRESS, [do.StartTimer(PHASE, 5, 8.0)], Light.LISTENING),
        (on.ResponseCreated(1, "r1"), [do.CancelResponse(1, "r1")], Light.LISTENING),
        (on.ResponseEnded(1, "r1", on.Status.CANCELLED), [], Light.LISTENING),
    ],
    "the user goes on speaking: the answer to the first half is not wanted": [
        *CREATED,
        (
            on.SpeechStarted(1, "u2"),
            [do.CancelResponse(1, "r1"), do.StartTimer(PHASE, 6, 60.0)],
            Light.LISTENING,
        ),
        (on.SpeechStopped(1, "u2"), [do.StartTimer(PHASE, 7, 30.0)], Light.THINKING),
        (PRESS, [do.StartTimer(PHASE, 8, 8.0)], Light.LISTENING),
        (on.ResponseCreated(1, "r2"), [do.CancelResponse(1, "r2")], Light.LISTENING),
    ],
    "the answer to the second half comes after the end of the first": [
        *CREATED,
        (
            on.SpeechStarted(1, "u2"),
            [do.CancelResponse(1, "r1"), do.StartTimer(PHASE, 6, 60.0)],
            Light.LISTENING,
        ),
        (on.SpeechStopped(1, "u2"), [do.StartTimer(PHASE, 7, 30.0)], Light.THINKING),
        (on.ResponseEnded(1, "r1", on.Status.CANCELLED), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
        (on.ResponseCreated(1, "r2"), [do.StartTimer(PHASE, 9, 30.0)], Light.THINKING),
    ],
    "an interrupted tool's output is sent, and nobody speaks about it": [
        *CALLED,
        (PRESS, [do.CancelResponse(1, "r1"), do.CancelTool("c1"), do.StartTimer(PHASE, 6, 8.0)], Light.LISTENING),
        (on.ToolFinished(1, "c1", "x"), [do.SendToolOutput(1, "c1", "x")], Light.LISTENING),
    ],
    "our request collides with a response of the server's own: asked again after it": [
        *CALLED,
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [do.StartTimer(PHASE, 6, 30.0)], Light.THINKING),
        (
            on.ToolFinished(1, "c1", "x"),
            [do.SendToolOutput(1, "c1", "x"), do.CreateResponse(1), do.StartTimer(PHASE, 7, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseCreated(1, "r7"), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
        (on.ResponseRefused(1), [], Light.THINKING),
        (
            on.ResponseEnded(1, "r7", on.Status.COMPLETED),
            [do.CreateResponse(1), do.StartTimer(PHASE, 9, 30.0)],
            Light.THINKING,
        ),
    ],
    "a refusal while listening changes nothing": [*WOKEN, (on.ResponseRefused(1), [], Light.LISTENING)],
    "the model says goodbye": [
        *SPEAKING,
        (on.ToolCalled(1, "r1", "c1", END_CONVERSATION, "{}"), [], Light.SPEAKING),
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
        (
            on.PlayoutEnded("a1", 800, cut_short=False),
            [do.CloseSession(1), do.StopTimer(PHASE)],
            Light.IDLE,
        ),
        (on.PlayoutEnded("a1", 800, cut_short=False), [], Light.IDLE),
    ],
    "a press during the goodbye ends at once": [
        *SPEAKING,
        (on.ToolCalled(1, "r1", "c1", END_CONVERSATION, "{}"), [], Light.SPEAKING),
        (
            PRESS,
            [do.StopPlayout(), do.CancelResponse(1, "r1"), do.CloseSession(1), do.StopTimer(PHASE)],
            Light.IDLE,
        ),
    ],
    "a text question is answered aloud, and the microphone stays out of it": [
        *READY,
        (
            on.TextAsked(3, "what time is it"),
            [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)],
            Light.OPENING,
        ),
        (
            on.SessionOpened(1),
            [do.SendText(1, "what time is it"), do.CreateResponse(1), do.StartTimer(PHASE, 2, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 3, 30.0)], Light.THINKING),
        (on.AnswerStarted(1, "r1", "a1"), [do.StartTimer(PHASE, 4, 300.0)], Light.SPEAKING),
        (on.TextAsked(4, "and now"), [do.RefuseAsk(4, BUSY)], Light.SPEAKING),
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [], Light.SPEAKING),
        (on.PlayoutEnded("a1", 900, cut_short=False), [do.CloseSession(1), do.StopTimer(PHASE)], Light.IDLE),
    ],
    "the wake word turns a text question into a conversation": [
        *READY,
        (on.TextAsked(3, "hi"), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
        (
            on.SessionOpened(1),
            [do.SendText(1, "hi"), do.CreateResponse(1), do.StartTimer(PHASE, 2, 30.0)],
            Light.THINKING,
        ),
        (WAKE, [do.OpenUplink(1, 40_000), do.StartTimer(PHASE, 3, 8.0)], Light.LISTENING),
    ],
    "a text question joins an open conversation": [
        *WOKEN,
        (
            on.TextAsked(5, "hi"),
            [do.SendText(1, "hi"), do.CreateResponse(1), do.StartTimer(PHASE, 3, 30.0)],
            Light.THINKING,
        ),
    ],
    "a text question without a sound card is refused": [
        (on.TextAsked(1, "hi"), [do.RefuseAsk(1, CARD_MISSING)], Light.STARTING)
    ],
    "a text question whose session fails is told so": [
        *READY,
        (on.TextAsked(1, "hi"), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
        (
            on.SessionClosed(1, on.Fault.BAD_KEY, "the key was refused"),
            [
                do.CloseSession(1),
                do.RefuseAsk(1, "the key was refused"),
                do.PlayCue(do.Cue.BAD_KEY),
                do.StopTimer(PHASE),
            ],
            Light.BAD_KEY,
        ),
        *told_aloud(on.Fault.BAD_KEY),
    ],
    "no network: a cue and a light, until a session opens": [
        *READY,
        (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
        (
            on.TimedOut(PHASE, 1),
            [do.CloseSession(1), do.PlayCue(do.Cue.NO_NETWORK), do.StopTimer(PHASE), do.StartTimer(HEALTH, 1, 30.0)],
            Light.NO_NETWORK,
        ),
        (on.SessionOpened(1), [], Light.NO_NETWORK),
        (on.CueEnded(do.Cue.NO_NETWORK), [], Light.NO_NETWORK),
        (PRESS, [do.MarkUplink(), do.OpenSession(2), do.StartTimer(PHASE, 3, 10.0)], Light.OPENING),
        (on.SpeechStarted(2, "early"), [], Light.OPENING),
        (
            on.SessionOpened(2),
            [do.OpenUplink(2, do.LEFT_OFF), do.StartTimer(PHASE, 4, 8.0), do.StopTimer(HEALTH)],
            Light.LISTENING,
        ),
        (PRESS, [do.CloseUplink(), do.CloseSession(2), do.StopTimer(PHASE)], Light.IDLE),
    ],
    "the server fails in mid-answer": [
        *SPEAKING,
        (
            on.ResponseEnded(1, "r1", on.Status.FAILED, on.Fault.NO_CREDIT),
            [do.StopPlayout(), do.CloseSession(1), do.PlayCue(do.Cue.NO_CREDIT), do.StopTimer(PHASE)],
            Light.NO_CREDIT,
        ),
        *told_aloud(on.Fault.NO_CREDIT),
    ],
    "a failure without a reason is the server's; the answer is asked for once more": [
        *CREATED,
        (
            on.ResponseEnded(1, "r1", on.Status.FAILED),
            [do.CreateResponse(1), do.StartTimer(PHASE, 6, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseCreated(1, "r2"), [do.StartTimer(PHASE, 7, 30.0)], Light.THINKING),
        (
            on.ResponseEnded(1, "r2", on.Status.FAILED),
            [*CLOSED, do.PlayCue(do.Cue.SERVER_ERROR), do.StopTimer(PHASE)],
            Light.SERVER_ERROR,
        ),
    ],
    "the endpoint refuses to go on while the user speaks": [
        *WOKEN,
        (
            on.SessionClosed(1, on.Fault.REFUSED, "gone"),
            [do.CloseUplink(), do.PlayCue(do.Cue.REFUSED), do.StopTimer(PHASE)],
            Light.REFUSED,
        ),
        *told_aloud(on.Fault.REFUSED),
    ],
    "no answer in time": [
        *ASKED,
        (
            on.TimedOut(PHASE, 4),
            [*CLOSED, do.PlayCue(do.Cue.NO_ANSWER), do.StopTimer(PHASE)],
            Light.NO_ANSWER,
        ),
    ],
    "mute closes the microphone and ends listening; press while muted says so": [
        *WOKEN,
        (MUTE, [*CLOSED, do.CloseCapture(), do.StopTimer(PHASE)], Light.MUTED),
        (WAKE, [], Light.MUTED),
        (PRESS, [do.PlayCue(do.Cue.MUTED)], Light.MUTED),
        (MUTE, [do.OpenCapture()], Light.IDLE),
    ],
    "mute during an answer lets it end, and then nobody listens": [
        *DONE_ON_SERVER,
        (MUTE, [do.CloseCapture()], Light.SPEAKING),
        (on.PlayoutEnded("a1", 900, cut_short=False), [do.CloseSession(1), do.StopTimer(PHASE)], Light.MUTED),
    ],
    "asked to be mute it is mute, however often it is asked": [
        *WOKEN,
        (on.MuteAsked(False), [], Light.LISTENING),
        (on.MuteAsked(True), [*CLOSED, do.CloseCapture(), do.StopTimer(PHASE)], Light.MUTED),
        (on.MuteAsked(True), [], Light.MUTED),
        (on.MuteAsked(False), [do.OpenCapture()], Light.IDLE),
    ],
    "asked for quiet it ends everything": [
        *DONE_ON_SERVER,
        (on.AlarmRang("x"), [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)], Light.RINGING),
        (
            on.EndAsked(),
            [do.StopRinging(), do.StopPlayout(), do.CloseSession(1), do.StopTimer(PHASE), do.StopTimer(RINGING)],
            Light.IDLE,
        ),
        (on.EndAsked(), [], Light.IDLE),
    ],
    "asked for silence, what rings is silent and the conversation goes on": [
        *WOKEN,
        (
            on.AlarmRang("pasta"),
            [do.CloseUplink(), do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)],
            Light.RINGING,
        ),
        (
            on.RingingStopAsked(),
            [do.StopRinging(), do.OpenUplink(1, None), do.StopTimer(RINGING)],
            Light.LISTENING,
        ),
        (on.RingingStopAsked(), [], Light.LISTENING),
    ],
    "a timer rings over a conversation; the press is for the timer first": [
        *WOKEN,
        (
            on.AlarmRang("pasta"),
            [do.CloseUplink(), do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)],
            Light.RINGING,
        ),
        (on.AlarmRang("eggs"), [do.StartTimer(RINGING, 2, 120.0)], Light.RINGING),
        (
            PRESS,
            [do.StopRinging(), do.OpenUplink(1, None), do.StopTimer(RINGING)],
            Light.LISTENING,
        ),
    ],
    "the wake word silences a timer and listens; ringing ends by itself": [
        *READY,
        (on.AlarmRang("pasta"), [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)], Light.RINGING),
        (on.TimedOut(RINGING, 0), [], Light.RINGING),
        (on.TimedOut(RINGING, 1), [do.StopRinging(), do.StopTimer(RINGING)], Light.IDLE),
        (on.AlarmRang("pasta"), [do.StartRinging(), do.StartTimer(RINGING, 3, 120.0)], Light.RINGING),
        (
            WAKE,
            [do.StopRinging(), do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0), do.StopTimer(RINGING)],
            Light.OPENING,
        ),
        (WAKE, [], Light.OPENING),
    ],
    "the card is pulled and comes back while a timer rings": [
        *WOKEN,
        (on.CardLost("unplugged"), [*CLOSED, do.StopTimer(PHASE)], Light.NO_SOUND),
        (PRESS, [], Light.NO_SOUND),
        (on.AlarmRang("pasta"), [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)], Light.RINGING),
        (on.CardFound(), [do.StartRinging()], Light.RINGING),
    ],
    "a stop word costs nothing while nothing sounds": [
        *READY,
        (HALT, [], Light.IDLE),
        *WOKEN[len(READY) :],
        (HALT, [], Light.LISTENING),
    ],
    "a stop word silences a timer and opens nothing": [
        *READY,
        RINGS,
        (HALT, [do.StopRinging(), do.StopTimer(RINGING)], Light.IDLE),
    ],
    "a stop word ends an answer, and the conversation with it": [
        *SPEAKING,
        (HALT, [do.StopPlayout(), do.CloseSession(1), do.StopTimer(PHASE)], Light.IDLE),
    ],
    "a stop word ends the wait for an answer": [*CREATED, (HALT, [*CLOSED, do.StopTimer(PHASE)], Light.IDLE)],
    "a stop word silences a timer over a conversation that listens; the conversation goes on": [
        *WOKEN,
        (RINGS[0], [do.CloseUplink(), *RINGS[1]], Light.RINGING),
        (HALT, [do.StopRinging(), do.OpenUplink(1, None), do.StopTimer(RINGING)], Light.LISTENING),
    ],
    "a word runs a tool without a session, and a sound tells how it ended": [
        *READY,
        (LIGHT_ON, LIT, Light.IDLE),
        (IS_LIT, [do.PlayCue(do.Cue.DONE)], Light.IDLE),
        (LIGHT_ON, LIT, Light.IDLE),
        (IS_LIT, [], Light.IDLE),
        (NOT_LIT, [do.PlayCue(do.Cue.FAILED)], Light.IDLE),
    ],
    "a word runs a tool while a timer rings, and the timer rings on": [
        *READY,
        RINGS,
        (LIGHT_ON, LIT, Light.RINGING),
        (IS_LIT, [do.PlayCue(do.Cue.DONE)], Light.RINGING),
    ],
    "a word runs a tool beside the answer": [
        *SPEAKING,
        (LIGHT_ON, LIT, Light.SPEAKING),
        (IS_LIT, [do.PlayCue(do.Cue.DONE)], Light.SPEAKING),
    ],
    "a word runs a tool while the user is listened to: no sound for which the microphone would have to close": [
        *WOKEN,
        (LIGHT_ON, LIT, Light.LISTENING),
        (IS_LIT, [], Light.LISTENING),
        (NOT_LIT, [], Light.LISTENING),
        (NOT_LIT, [], Light.LISTENING),
        (PRESS, [*CLOSED, do.PlayCue(do.Cue.FAILED), do.StopTimer(PHASE)], Light.IDLE),
        (on.CueEnded(do.Cue.FAILED), [], Light.IDLE),
    ],
    "bad news that waited sounds beside the answer": [
        *CREATED,
        (NOT_LIT, [], Light.THINKING),
        (
            on.AnswerStarted(1, "r1", "a1"),
            [do.CloseUplink(), do.PlayCue(do.Cue.FAILED), do.StartTimer(PHASE, 6, 300.0)],
            Light.SPEAKING,
        ),
        (on.PlayoutEnded("a1", 90, cut_short=False), [do.StartTimer(PHASE, 8, 30.0)], Light.THINKING),
        (on.CueEnded(do.Cue.FAILED), [do.OpenUplink(1, None)], Light.THINKING),
    ],
    "a word that was heard just before the mute runs no tool": [
        *READY,
        (MUTE, [do.CloseCapture()], Light.MUTED),
        (LIGHT_ON, [], Light.MUTED),
    ],
    "a wake word after which nobody speaks was not wanted": [
        *WOKEN,
        (
            on.TimedOut(PHASE, 2),
            [do.CloseUplink(), do.JudgeWake("hey_jarvis", False, 40_000), do.CloseSession(1), do.StopTimer(PHASE)],
            Light.IDLE,
        ),
    ],
    "a server that answers without telling the utterance's end has heard one": [
        *WOKEN,
        (
            on.ResponseCreated(1, "r1"),
            [do.JudgeWake("hey_jarvis", True, 40_000), do.StartTimer(PHASE, 3, 30.0)],
            Light.THINKING,
        ),
        (PRESS, [do.CancelResponse(1, "r1"), do.StartTimer(PHASE, 4, 8.0)], Light.LISTENING),
        (on.TimedOut(PHASE, 4), [*CLOSED, do.StopTimer(PHASE)], Light.IDLE),
    ],
    "speech without an end may be a television: no verdict": [
        *WOKEN,
        (on.SpeechStarted(1, "u1"), [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
        (on.TimedOut(PHASE, 3), [*CLOSED, do.StopTimer(PHASE)], Light.IDLE),
    ],
    "a wake word that the button takes back is not judged": [
        *WOKEN,
        (PRESS, [*CLOSED, do.StopTimer(PHASE)], Light.IDLE),
    ],
    "whoever could not be heard for the ringing did not keep silent: no verdict": [
        *WOKEN,
        (RINGS[0], [do.CloseUplink(), *RINGS[1]], Light.RINGING),
        (on.TimedOut(PHASE, 2), [do.CloseSession(1), do.StopTimer(PHASE)], Light.RINGING),
    ],
    "a dead microphone is told once, by the button again, and is forgotten when it moves": [
        *READY,
        (SILENT, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
        (SILENT, [], Light.NO_MICROPHONE),
        (PRESS, [], Light.NO_MICROPHONE),
        (on.CueEnded(do.Cue.NO_MICROPHONE), [], Light.NO_MICROPHONE),
        (PRESS, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
        (on.MicrophoneHeard(), [], Light.IDLE),
        (on.MicrophoneHeard(), [], Light.IDLE),
        (on.CueEnded(do.Cue.NO_MICROPHONE), [], Light.IDLE),
        (SILENT, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
    ],
    "a text question is answered with a dead microphone": [
        *READY,
        (SILENT, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
        (on.TextAsked(1, "hi"), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
    ],
    "a microphone that dies while the user is listened to: no verdict on the wake word": [
        *WOKEN,
        (SILENT, [do.CloseUplink(), do.PlayCue(do.Cue.NO_MICROPHONE)], Light.LISTENING),
        (on.CueEnded(do.Cue.NO_MICROPHONE), [do.OpenUplink(1, None)], Light.LISTENING),
        (on.TimedOut(PHASE, 2), [*CLOSED, do.StopTimer(PHASE)], Light.NO_MICROPHONE),
    ],
    "mute forgets a dead microphone, and while muted none is reported": [
        *READY,
        (SILENT, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
        (on.MuteAsked(False), [], Light.NO_MICROPHONE),
        (MUTE, [do.CloseCapture()], Light.MUTED),
        (SILENT, [], Light.MUTED),
        (MUTE, [do.OpenCapture()], Light.IDLE),
    ],
    "a lost card takes its dead microphone with it": [
        *READY,
        (SILENT, [do.PlayCue(do.Cue.NO_MICROPHONE)], Light.NO_MICROPHONE),
        (on.CardLost("unplugged"), [], Light.NO_SOUND),
        (SILENT, [], Light.NO_SOUND),
        (on.CardFound(), [], Light.IDLE),
    ],
    "stop: everything is told to end, and nothing is decided afterwards": [
        *SPEAKING,
        (on.AlarmRang("x"), [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)], Light.RINGING),
        (
            on.StopAsked(),
            [
                do.StopRinging(),
                do.StopPlayout(),
                do.CloseSession(1),
                do.Exit(),
                do.CloseCapture(),
                do.StopTimer(PHASE),
                do.StopTimer(RINGING),
            ],
            Light.STOPPING,
        ),
        (WAKE, [], Light.STOPPING),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_story(story: Story) -> None:
    state = State(RULES)
    for number, (event, effects, shown) in enumerate(story):
        state, done = step(state, event)
        assert (done, light(state)) == (effects, shown), f"event {number}: {event}"


@pytest.mark.parametrize("fault", on.Fault)
def test_every_fault_has_a_light_and_a_cue_of_its_own(fault: on.Fault) -> None:
    opening = Opening(1, tries=1)
    state, effects = step(State(sessions=1, card=Card.UP, phase=opening), on.SessionClosed(1, fault, "why"))
    assert light(state).value == fault.value
    assert do.PlayCue(do.Cue(fault.value)) in effects


def test_full_duplex_keeps_listening_through_its_own_voice_and_yields_to_the_user() -> None:
    state = State(Rules(full_duplex=True))
    for event, _, _ in SPEAKING[:-1]:
        state, _ = step(state, event)
    state, effects = step(state, SPEAKING[-1][0])
    assert do.CloseUplink() not in effects
    state, effects = step(state, on.SpeechStarted(1, "u2"))
    assert effects == [do.StopPlayout(), do.CancelResponse(1, "r1"), do.StartTimer(PHASE, 7, 60.0)]
    assert light(state) is Light.LISTENING


FULL_DUPLEX = replace(RULES, full_duplex=True)
OVER: list[on.Event] = [event for event, _, _ in SPEAKING]
"""In full duplex the same leads to an answer that the user may speak over."""
HINT, VOICE, GONE = on.VoiceHinted(90_000), on.VoiceHeard(91_000), on.VoiceGone(95_000)
DUCK, HOLD, BACK = (
    do.SetPlayoutLevel(level) for level in (do.PlayoutLevel.DUCKED, do.PlayoutLevel.HELD, do.PlayoutLevel.FULL)
)
HOLDING = on.Timer.HOLD
HELD: list[do.Effect] = [HOLD, do.StartTimer(HOLDING, 1, 1.2)]
RELEASED: list[do.Effect] = [BACK, do.StopTimer(HOLDING)]
CUT_OFF: list[do.Effect] = [do.StopPlayout(), do.CancelResponse(1, "r1"), BACK]

Spoken = list[tuple[on.Event, list[do.Effect]]]

SPOKEN_OVER: dict[str, Spoken] = {
    "a hint ducks the answer, and it was nothing": [(HINT, [DUCK]), (HINT, []), (GONE, [BACK]), (GONE, [])],
    "a voice holds the answer, and the server's word ends it": [
        (HINT, [DUCK]),
        (VOICE, HELD),
        (VOICE, []),
        (
            on.SpeechStarted(1, "u2"),
            [*CUT_OFF, do.StartTimer(PHASE, 7, 60.0), do.StopTimer(HOLDING)],
        ),
        (on.PlayoutEnded("a1", 700, cut_short=True), [do.TruncateItem(1, "a1", 700)]),
        (on.TimedOut(HOLDING, 1), []),
    ],
    "a voice that is gone when the time is over was nothing, and the answer goes on": [
        (VOICE, HELD),
        (HINT, []),
        (GONE, []),
        (on.TimedOut(HOLDING, 0), []),
        (on.TimedOut(HOLDING, 1), RELEASED),
        (VOICE, [HOLD, do.StartTimer(HOLDING, 2, 1.2)]),
        (on.TimedOut(HOLDING, 1), []),
    ],
    "a voice that is still there when the time is over is the user's": [
        (VOICE, HELD),
        (on.TimedOut(HOLDING, 1), [*CUT_OFF, do.StartTimer(PHASE, 7, 8.0), do.StopTimer(HOLDING)]),
        (on.SpeechStarted(1, "u2"), [do.StartTimer(PHASE, 8, 60.0)]),
    ],
    "a voice that comes again gets its time once more, and not for ever": [
        (VOICE, HELD),
        (GONE, []),
        (VOICE, [do.StartTimer(HOLDING, 2, 1.2)]),
        (GONE, []),
        (VOICE, []),
        (on.TimedOut(HOLDING, 1), []),
        (on.TimedOut(HOLDING, 2), [*CUT_OFF, do.StartTimer(PHASE, 7, 8.0), do.StopTimer(HOLDING)]),
    ],
    "a press on the button does not wait for the word": [
        (VOICE, HELD),
        (PRESS, [*CUT_OFF, do.StartTimer(PHASE, 7, 8.0), do.StopTimer(HOLDING)]),
    ],
    "nor does the wake word": [
        (HINT, [DUCK]),
        (replace(WAKE, sample=99_000), [*CUT_OFF, do.StartTimer(PHASE, 7, 8.0)]),
    ],
    "a stop word ends what is held": [
        (VOICE, HELD),
        (
            HALT,
            [
                *(do.CloseUplink(), do.StopPlayout(), do.CloseSession(1)),
                *(BACK, do.StopTimer(PHASE), do.StopTimer(HOLDING)),
            ],
        ),
    ],
    "more of the answer arrives, and all of it waits": [
        (VOICE, HELD),
        (on.AnswerStarted(1, "r1", "a2"), [do.StartTimer(PHASE, 7, 300.0)]),
        (on.PlayoutEnded("a1", 900, cut_short=False), [do.StartTimer(PHASE, 8, 300.0)]),
        (GONE, []),
        (on.TimedOut(HOLDING, 1), RELEASED),
    ],
    "an answer that was over when it was to be held has nothing that waits": [
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), []),
        (VOICE, HELD),
        (
            on.PlayoutEnded("a1", 900, cut_short=False),
            [BACK, do.StartTimer(PHASE, 8, 8.0), do.StopTimer(HOLDING)],
        ),
        (GONE, []),
    ],
    "muted, nobody can speak over the answer, and it goes on": [
        (VOICE, HELD),
        (MUTE, [do.CloseUplink(), BACK, do.CloseCapture(), do.StopTimer(HOLDING)]),
        (VOICE, []),
    ],
    "the card is lost while the answer is held": [
        (VOICE, HELD),
        (
            on.CardLost("unplugged"),
            [
                *(do.CloseUplink(), do.StopPlayout(), do.CloseSession(1)),
                *(BACK, do.StopTimer(PHASE), do.StopTimer(HOLDING)),
            ],
        ),
    ],
    "the answer fails while it is held: the rest is asked for, and it is held on": [
        (VOICE, HELD),
        (on.ResponseEnded(1, "r1", on.Status.FAILED), [do.CreateResponse(1, resume=True)]),
        (GONE, []),
        (on.TimedOut(HOLDING, 1), RELEASED),
    ],
    "a timer rings over a held answer, and the press is for the timer": [
        (VOICE, HELD),
        (on.AlarmRang("x"), [do.StartRinging(), do.StartTimer(RINGING, 1, 120.0)]),
        (PRESS, [do.StopRinging(), do.StopTimer(RINGING)]),
        (GONE, []),
        (on.TimedOut(HOLDING, 1), RELEASED),
    ],
}


@pytest.mark.parametrize("story", SPOKEN_OVER.values(), ids=SPOKEN_OVER)
def test_the_user_speaks_over_an_answer(story: Spoken) -> None:
    state = State(FULL_DUPLEX)
    for event in OVER:
        state, _ = step(state, event)
    for number, (event, effects) in enumerate(story):
        state, done = step(state, event)
        assert done == effects, f"event {number}: {event}"


@pytest.mark.parametrize("voice", [HINT, VOICE, GONE])
@pytest.mark.parametrize("until", range(len(SPEAKING) + 1))
def test_in_half_duplex_a_voice_over_our_own_changes_nothing(voice: on.Event, until: int) -> None:
    state = State(RULES)
    for event in OVER[:until]:
        state, _ = step(state, event)
    assert step(state, voice) == (state, [])


@pytest.mark.parametrize("voice", [HINT, VOICE, GONE])
def test_who_speaks_over_the_answer_to_a_written_question_does_not_speak_to_us(voice: on.Event) -> None:
    state = State(FULL_DUPLEX)
    for event in (
        *(on.CardFound(), on.TextAsked(3, "what time is it"), on.SessionOpened(1)),
        *(on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "a1")),
    ):
        state, _ = step(state, event)
    assert light(state) is Light.SPEAKING
    assert step(state, voice) == (state, [])


OUR_TURNS = replace(RULES, local_turns=True)
BEGAN, AT_END = on.UtteranceBegan(1, 50_000), on.UtteranceEnded(1, 66_000)
COMMITTED: list[do.Effect] = [do.CommitUtterance(1), do.CreateResponse(1)]

OWN_TURNS: dict[str, Story] = {
    "we say when the utterance is over, and ask for the answer": [
        *WOKEN,
        (BEGAN, [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
        (
            AT_END,
            [do.JudgeWake("hey_jarvis", True, 40_000), *COMMITTED, do.StartTimer(PHASE, 4, 30.0)],
            Light.THINKING,
        ),
        (AT_END, [], Light.THINKING),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
        (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
        (BEGAN, [], Light.SPEAKING),
    ],
    "an end whose beginning was heard as an interruption counts": [
        *WOKEN,
        (
            AT_END,
            [do.JudgeWake("hey_jarvis", True, 40_000), *COMMITTED, do.StartTimer(PHASE, 3, 30.0)],
            Light.THINKING,
        ),
    ],
    "the user goes on: the second answer is asked for when the first one is over": [
        *CREATED,
        (BEGAN, [do.CancelResponse(1, "r1"), do.StartTimer(PHASE, 6, 60.0)], Light.LISTENING),
        (AT_END, [do.CommitUtterance(1), do.StartTimer(PHASE, 7, 30.0)], Light.THINKING),
        (
            on.ResponseEnded(1, "r1", on.Status.CANCELLED),
            [do.CreateResponse(1), do.StartTimer(PHASE, 8, 30.0)],
            Light.THINKING,
        ),
        (on.ResponseCreated(1, "r2"), [do.StartTimer(PHASE, 9, 30.0)], Light.THINKING),
    ],
    "the user goes on before the first answer exists": [
        *ASKED,
        (BEGAN, [do.StartTimer(PHASE, 5, 60.0)], Light.LISTENING),
        (AT_END, [do.CommitUtterance(1), do.StartTimer(PHASE, 6, 30.0)], Light.THINKING),
        (on.ResponseCreated(1, "r1"), [do.CancelResponse(1, "r1")], Light.THINKING),
        (
            on.ResponseEnded(1, "r1", on.Status.CANCELLED),
            [do.CreateResponse(1), do.StartTimer(PHASE, 7, 30.0)],
            Light.THINKING,
        ),
    ],
}


@pytest.mark.parametrize("story", OWN_TURNS.values(), ids=OWN_TURNS)
def test_where_the_endpoint_finds_no_end_of_an_utterance_we_do(story: Story) -> None:
    state = State(OUR_TURNS)
    for number, (event, effects, shown) in enumerate(story):
        state, done = step(state, event)
        assert (done, light(state)) == (effects, shown), f"event {number}: {event}"


def test_in_full_duplex_an_utterance_of_our_own_finding_interrupts_a_held_answer() -> None:
    state = State(replace(FULL_DUPLEX, local_turns=True))
    for event in (*OVER, VOICE):
        state, _ = step(state, event)
    state, effects = step(state, BEGAN)
    assert effects == [*CUT_OFF, do.StartTimer(PHASE, 7, 60.0), do.StopTimer(HOLDING)]
    assert step(state, AT_END)[1][0] == do.CommitUtterance(1)


@pytest.mark.parametrize("until", range(len(SPEAKING) + 1))
@pytest.mark.parametrize("event", [BEGAN, AT_END])
def test_where_the_endpoint_finds_the_turns_our_own_finding_changes_nothing(event: on.Event, until: int) -> None:
    state = State(FULL_DUPLEX)
    for before in OVER[:until]:
        state, _ = step(state, before)
    assert step(state, event) == (state, [])


TELLING = replace(RULES, turn_cues=True)
READY_CUE, OVER_CUE = do.PlayCue(do.Cue.ACTIVATED), do.PlayCue(do.Cue.END_OF_LISTENING)

WITH_ALL_CUES: dict[str, Story] = {
    "after a press the user is listened to from the end of the cue on, and told when nobody spoke": [
        *READY,
        (PRESS, [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
        (on.SessionOpened(1), [READY_CUE, do.StartTimer(PHASE, 2, 8.0)], Light.LISTENING),
        (on.CueEnded(do.Cue.ACTIVATED), [do.OpenUplink(1, None)], Light.LISTENING),
        (on.CueEnded(do.Cue.ACTIVATED), [], Light.LISTENING),
        (on.TimedOut(PHASE, 2), [*CLOSED, OVER_CUE, do.StopTimer(PHASE)], Light.IDLE),
    ],
    "a wake word and its command come in one breath: no cue, and nothing is lost": [
        *WOKEN,
        (
            on.TimedOut(PHASE, 2),
            [
                *(do.CloseUplink(), do.JudgeWake("hey_jarvis", False, 40_000), do.CloseSession(1)),
                *(OVER_CUE, do.StopTimer(PHASE)),
            ],
            Light.IDLE,
        ),
    ],
    "a wake word while a cue sounds: what was said meanwhile is sent when it is over": [
        *READY,
        (MUTE, [do.PlayCue(do.Cue.MUTED), do.CloseCapture()], Light.MUTED),
        (MUTE, [do.PlayCue(do.Cue.UNMUTED), do.OpenCapture()], Light.IDLE),
        (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
        (on.SessionOpened(1), [do.StartTimer(PHASE, 2, 8.0)], Light.LISTENING),
        (on.CueEnded(do.Cue.MUTED), [], Light.LISTENING),
        (on.CueEnded(do.Cue.UNMUTED), [do.OpenUplink(1, 27_200)], Light.LISTENING),
    ],
    "mute in mid-conversation is told when it is done": [
        *WOKEN,
        (on.MuteAsked(False), [], Light.LISTENING),
        (MUTE, [*CLOSED, do.PlayCue(do.Cue.MUTED), do.CloseCapture(), do.StopTimer(PHASE)], Light.MUTED),
    ],
    "a written question needs no cue": [
        *READY,
        (on.TextAsked(3, "hi"), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
    ],
}


@pytest.mark.parametrize("story", WITH_ALL_CUES.values(), ids=WITH_ALL_CUES)
def test_cues_of_a_turn_lose_no_word_and_are_not_sent(story: Story) -> None:
    state = State(TELLING)
    for number, (event, effects, shown) in enumerate(story):
        state, done = step(state, event)
        assert (done, light(state)) == (effects, shown), f"event {number}: {event}"


@pytest.mark.parametrize(
    ("activation", "since"), [(PRESS, do.LEFT_OFF), (WAKE, 27_200), (on.TextAsked(1, "hi"), "nothing")], ids=repr
)
def test_where_our_own_sound_is_cancelled_the_cue_comes_at_once(activation: on.Event, since: object) -> None:
    state = State(replace(TELLING, full_duplex=True), card=Card.UP)
    state, effects = step(state, activation)
    assert (READY_CUE in effects) is (since != "nothing")
    state, effects = step(state, on.SessionOpened(1))
    assert READY_CUE not in effects
    assert [e.since_sample for e in effects if isinstance(e, do.OpenUplink)] == ([] if since == "nothing" else [since])


def test_where_our_own_sound_is_cancelled_bad_news_does_not_wait() -> None:
    state = State(FULL_DUPLEX)
    for event, _, _ in WOKEN:
        state, _ = step(state, event)
    assert step(state, NOT_LIT)[1] == [do.PlayCue(do.Cue.FAILED)]


def test_without_follow_up_a_conversation_has_one_turn() -> None:
    state = State(Rules(follow_up=False))
    for event, _, _ in FOLLOWING_UP:
        state, effects = step(state, event)
    assert isinstance(state.phase, Idle)
    assert effects == [do.CloseSession(1), do.StopTimer(PHASE)]


def test_an_unexpected_end_of_speech_changes_nothing() -> None:
    state = State(card=Card.UP, sessions=1, phase=Thinking(Conversation(1, Requested())))
    assert step(state, on.SpeechStopped(1, "u1")) == (state, [])


def test_a_report_for_a_session_that_is_gone_changes_nothing() -> None:
    assert on_conversation(State(), on.SessionOpened(1)) == (State(), [])


def test_an_ended_response_that_nobody_waits_for_changes_nothing() -> None:
    state = State(card=Card.UP, sessions=1, phase=Listening(Conversation(1)))
    assert step(state, on.ResponseEnded(1, "r0", on.Status.COMPLETED)) == (state, [])


def test_words_change_what_they_do_at_once() -> None:
    state, _ = step(State(card=Card.UP), on.WordsChanged((WordAction("halt", Talk()),)))
    after, effects = step(state, on.WakeWordHeard("halt", 0.9, 80_000))
    assert do.OpenSession(1) in effects
    assert isinstance(after.phase, Opening)
