"""The walks: which events may come, in any order, and under which rules.

A small alphabet of ids is enough: what matters is whether an id is the current one, an older one or an unknown one.
"""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.budget import Budget
from speakerd.core.endpoints import EndpointRule
from speakerd.core.policy import PolicyRule, Verdict
from speakerd.core.state import (
    END_CONVERSATION,
    Rules,
)
from speakerd.core.words import CallTool, Stop, WordAction
from world import NOW, SPARE

RULES = Rules(
    reopening_tries=0,
    most_tool_calls=1,
    words=(WordAction("halt", Stop()), WordAction("light_on", CallTool("set_light", '{"on": true}'))),
)
TWO_ENDPOINTS = (EndpointRule("cloud", bills=True), EndpointRule("offline", is_on_device=True))
NO_NETWORK, BAD_KEY = on.Fault.NO_NETWORK, on.Fault.BAD_KEY
DEAR, CHEAP = on.Spent(NOW, "2026-11-26", 100, 100, 100), on.Spent(on.NO_SESSION, "2026-11-27", 1, 1)


EVENTS: list[on.Event] = [
    on.WakeWordHeard("hey_jarvis", 0.9, 50_000),
    on.WakeWordHeard("halt", 0.9, 50_000),
    on.WakeWordHeard("light_on", 0.9, 50_000),
    on.MicrophoneSilent("only zeros"),
    on.MicrophoneHeard(),
    on.ActionPressed(),
    on.MutePressed(),
    on.CardFound(),
    on.CardLost("unplugged"),
    on.TextAsked(1, "what time is it"),
    on.MuteAsked(True),
    on.MuteAsked(False),
    on.EndAsked(),
    on.RingingStopAsked(),
    on.WordsChanged(RULES.words),
    on.StopAsked(),
    on.SessionOpened(NOW),
    on.SessionOpened(NOW - 1),
    on.SessionClosed(NOW, on.Fault.NO_NETWORK, "gone"),
    on.SessionClosed(NOW - 1, on.Fault.BAD_KEY, "gone"),
    on.SpeechStarted(NOW, "u1"),
    on.SpeechStopped(NOW, "u1"),
    on.SpeechStopped(NOW - 1, "u1"),
    on.UtteranceBegan(NOW, 60_000),
    on.UtteranceEnded(NOW, 70_000),
    on.UtteranceEnded(NOW - 1, 70_000),
    on.VoiceHinted(60_000),
    on.VoiceHeard(60_000),
    on.VoiceGone(70_000),
    *(on.ResponseCreated(NOW, r) for r in ("r1", "r2")),
    *(on.AnswerStarted(NOW, r, i) for r in ("r1", "r2") for i in ("i1", "i2")),
    *(on.ToolCalled(NOW, "r1", c, "clock", "{}") for c in ("c1", "c2")),
    on.ToolCalled(NOW, "r2", "c2", "clock", "{}"),
    on.ToolCalled(NOW, "r1", "c1", END_CONVERSATION, "{}"),
    *(on.ToolFinished(NOW, c, "done") for c in ("c1", "c2")),
    *(on.ToolFinished(on.NO_SESSION, "wake-50000", output) for output in ("done", "error: no power")),
    *(on.ResponseEnded(NOW, r, on.Status.COMPLETED) for r in ("r1", "r2")),
    on.ResponseEnded(NOW, "r1", on.Status.CANCELLED),
    on.ResponseEnded(NOW, "r1", on.Status.FAILED, on.Fault.SERVER_ERROR),
    on.ResponseRefused(NOW),
    on.Transcribed(NOW, "u1", on.Talker.USER, "words"),
    *(on.PlayoutEnded(i, ms, cut) for i in ("i1", "i2") for ms, cut in ((0, True), (500, True), (900, False))),
    on.CueEnded(do.Cue.DONE),
    on.CueEnded(do.Cue.MUTED),
    on.AlarmRang("pasta"),
    on.TimedOut(on.Timer.PHASE, 0),
    on.TimedOut(on.Timer.PHASE, -1),
    on.TimedOut(on.Timer.RINGING, 0),
    on.TimedOut(on.Timer.HOLD, 0),
    on.TimedOut(on.Timer.HOLD, -1),
]


def _without(*words: str) -> list[on.Event]:
    return [event for event in EVENTS if not any(word in repr(event) for word in words)]


WALKS = {
    "cues that last, no calls": _without("'r2'", "'i2'", "'c1'", "'c2'", "SpeechSt", "MuteAsked", "Microphone"),
    "one of each id, no alarm": _without(
        "'r2'", "'i2'", "'c2'", "CueEnded", "FAILED", "AlarmRang", "RINGING", "MutePressed"
    ),
    "two of each id, no alarm": _without(
        *("AlarmRang", "RINGING", "TextAsked", "Mute", "Microphone", "CueEnded", "-50000", "SessionClosed", "FAILED"),
        END_CONVERSATION,
    ),
}

WALKS["one of each id, a good microphone"] = [
    event for event in WALKS["one of each id, no alarm"] if not isinstance(event, on.MicrophoneSilent)
]
WALKS["two answers, one call"] = [event for event in WALKS["two of each id, no alarm"] if "'c2'" not in repr(event)]

SESSIONS: list[on.Event] = [
    on.CardFound(),
    on.CardLost("unplugged"),
    on.WakeWordHeard("hey_jarvis", 0.9, 50_000),
    on.TextAsked(1, "what time is it"),
    on.SayAsked(2, "dinner is ready"),
    on.RetryAsked(),
    on.EndAsked(),
    *(on.SessionOpened(number) for number in (NOW, SPARE)),
    *(on.SessionClosed(number, fault, "gone") for number in (NOW, SPARE) for fault in (NO_NETWORK, BAD_KEY)),
    on.SpeechStarted(NOW, "u1"),
    on.SpeechStopped(NOW, "u1"),
    on.ResponseCreated(NOW, "r1"),
    on.AnswerStarted(NOW, "r1", "i1"),
    on.ToolCalled(NOW, "r1", "c1", "clock", "{}"),
    on.ToolFinished(NOW, "c1", "done"),
    on.ResponseEnded(NOW, "r1", on.Status.COMPLETED),
    on.ResponseEnded(NOW, "r1", on.Status.FAILED, on.Fault.NO_CREDIT),
    *(on.PlayoutEnded("i1", ms, cut) for ms, cut in ((500, True), (900, False))),
    on.PlayoutEnded(do.announcement_item(0), 900, cut_short=False),
    on.TimedOut(on.Timer.PHASE, 0),
    *(on.TimedOut(on.Timer.ROLLOVER, number) for number in (NOW, SPARE)),
    on.TimedOut(on.Timer.CONVERSATION, 0),
    on.TimedOut(on.Timer.SPARE, SPARE),
    on.TimedOut(on.Timer.HEALTH, 0),
    on.TimedOut(on.Timer.ANNOUNCEMENT, 0),
    DEAR,
    CHEAP,
]


def _beside(*words: str) -> list[on.Event]:
    return [event for event in SESSIONS if not any(word in repr(event) for word in words)]


WALKS["a conversation in several sessions"] = _beside(
    *("SayAsked", "Spent", "=8", "SPARE", "HEALTH", "ANNOUNCEMENT", "announcement", "CONVERSATION"),
)
WALKS["a conversation in several sessions, and cues"] = [
    *(on.CardFound(), on.ActionPressed(), on.AlarmRang("pasta"), on.MuteAsked(True), on.MuteAsked(False)),
    *(on.SessionOpened(NOW), on.SessionClosed(NOW, NO_NETWORK, "gone"), on.SpeechStopped(NOW, "u1")),
    *(on.ResponseCreated(NOW, "r1"), on.AnswerStarted(NOW, "r1", "i1"), on.PlayoutEnded("i1", 500, cut_short=True)),
    *(on.ResponseEnded(NOW, "r1", on.Status.COMPLETED), on.PlayoutEnded("i1", 900, cut_short=False)),
    *(on.TimedOut(on.Timer.PHASE, 0), on.TimedOut(on.Timer.ROLLOVER, NOW), on.CueEnded(do.Cue.MUTED)),
]
WALKS["what goes on beside"] = _beside("Tool", "FAILED", "u1", "ROLLOVER", "TextAsked", "CardLost", "EndAsked")
WALKS["the button held"] = [
    *(on.CardFound(), on.ActionPressed(), on.ActionReleased(), on.MuteAsked(True), on.MuteAsked(False)),
    *(on.TimedOut(on.Timer.TAP, 0), on.TimedOut(on.Timer.PHASE, 0), on.UplinkClosed(NOW), on.UtteranceBegan(NOW, 6)),
    *(on.WakeWordHeard("hey_jarvis", 0.9, 50_000), on.UtteranceEnded(NOW, 7), on.SessionOpened(NOW)),
    *(on.SessionClosed(NOW, NO_NETWORK, "gone"), on.ResponseCreated(NOW, "r1"), on.AnswerStarted(NOW, "r1", "i1")),
    *(on.ResponseEnded(NOW, "r1", on.Status.COMPLETED), on.PlayoutEnded("i1", 500, cut_short=True)),
    *(on.PlayoutEnded("i1", 500, cut_short=False), on.CardLost("unplugged")),
]
WALKS["the button held, under other sounds"] = [
    *(event for event in WALKS["the button held"] if not isinstance(event, on.MuteAsked | on.UtteranceBegan)),
    *(on.AlarmRang("pasta"), on.CueEnded(do.Cue.DONE), on.ToolFinished(on.NO_SESSION, "wake-50000", "done")),
]
WALKS["what is said, and rings"] = [
    *(on.CardFound(), on.CardLost("unplugged"), on.AlarmRang("pasta"), on.TimedOut(on.Timer.RINGING, 0)),
    *(on.SayAsked(1, "dinner"), on.ActionPressed(), on.MutePressed(), on.EndAsked(), on.CueEnded(do.Cue.MUTED)),
    *(on.WakeWordHeard("hey_jarvis", 0.9, 50_000), on.WakeWordHeard("halt", 0.9, 50_000), on.SessionOpened(NOW)),
    *(on.SessionClosed(NOW, BAD_KEY, "gone"), on.ResponseCreated(NOW, "r1"), on.AnswerStarted(NOW, "r1", "i1")),
    *(on.PlayoutEnded("i1", 900, cut_short=False), on.PlayoutEnded(do.announcement_item(0), 900, cut_short=False)),
    *(on.TimedOut(on.Timer.ANNOUNCEMENT, 0), on.TimedOut(on.Timer.PHASE, 0), on.StopAsked()),
]
FULL_DUPLEX = replace(RULES, full_duplex=True)
CODE = "471"
GUARDED = (PolicyRule("unlock", Verdict.CONFIRM), PolicyRule("garage", Verdict.BUTTON))
_CALLS = [
    on.ToolCalled(NOW, "r1", "c1", "unlock", "{}", (), CODE),
    on.ToolCalled(NOW, "r1", "c2", "garage", "{}", (), CODE),
    on.ToolCalled(NOW, "r1", "c3", "read", "{}", (), CODE),
]
WALKS["calls that wait for approval"] = [
    *(on.CardFound(), on.WakeWordHeard("hey_jarvis", 0.9, 50_000), on.SessionOpened(NOW), _CALLS[0], _CALLS[2]),
    *(on.SpeechStarted(NOW, "u1"), on.SpeechStopped(NOW, "u1"), on.ResponseCreated(NOW, "r1")),
    *(on.ResponseEnded(NOW, "r1", on.Status.COMPLETED), on.ActionPressed()),
    *(on.ToolFinished(NOW, "c3", "a stranger's words", is_strangers=True), on.ToolFinished(NOW, "approved-1", "done")),
    *(on.Transcribed(NOW, "u1", on.Talker.USER, CODE), on.TimedOut(on.Timer.WAITING, 0)),
    *(on.AnswerStarted(NOW, "r1", "i1"), on.PlayoutEnded("i1", 900, cut_short=False)),
    *(on.TimedOut(on.Timer.APPROVAL, 1), on.TimedOut(on.Timer.PHASE, 0)),
]
_HELD = "calls that wait for approval, and the button held"
WALKS[_HELD] = [
    *(on.CardFound(), on.ActionPressed(), on.ActionReleased(), on.SessionOpened(NOW), _CALLS[1]),
    *(on.ResponseCreated(NOW, "r1"), on.ResponseEnded(NOW, "r1", on.Status.COMPLETED), on.UplinkClosed(NOW)),
    *(on.ToolFinished(NOW, "approved-1", "done"), on.TimedOut(on.Timer.TAP, 0)),
    *(on.AnswerStarted(NOW, "r1", "i1"), on.PlayoutEnded("i1", 900, cut_short=False)),
    *(on.TimedOut(on.Timer.APPROVAL, 1), on.TimedOut(on.Timer.PHASE, 0)),
]
WALKS["calls that wait for approval in several sessions"] = [
    *(on.CardFound(), on.WakeWordHeard("hey_jarvis", 0.9, 50_000), on.SessionOpened(NOW), _CALLS[0], _CALLS[2]),
    *(on.SessionClosed(NOW, NO_NETWORK, "gone"), on.SpeechStopped(NOW, "u1"), on.ResponseCreated(NOW, "r1")),
    *(on.ToolFinished(NOW, "c3", "a stranger's words", is_strangers=True), on.ToolFinished(NOW, "approved-1", "done")),
    *(on.ActionPressed(), on.AnswerStarted(NOW, "r1", "i1"), on.PlayoutEnded("i1", 900, cut_short=False)),
    *(on.TimedOut(on.Timer.APPROVAL, 1), on.TimedOut(on.Timer.PHASE, 0)),
]
ALL_MONEY_CAN_BUY = replace(
    FULL_DUPLEX,
    endpoints=TWO_ENDPOINTS,
    budget=Budget(day_cap_nano_usd=100),
    conversation_seconds=600.0,
    warm_seconds=30.0,
    facts=True,
    reopening_tries=1,
)
WALKED = [
    (RULES, "one of each id, no alarm"),
    (RULES, "two of each id, no alarm"),
    (FULL_DUPLEX, "two answers, one call"),
    (replace(RULES, local_turns=True, turn_cues=True), "cues that last, no calls"),
    (replace(FULL_DUPLEX, local_turns=True, turn_cues=True), "one of each id, a good microphone"),
    (replace(RULES, local_turns=True, push_to_talk=True, reopening_tries=1), "the button held"),
    (replace(RULES, local_turns=True, push_to_talk=True), "the button held, under other sounds"),
    (replace(RULES, turn_cues=True), "what is said, and rings"),
    (replace(RULES, turn_cues=True, reopening_tries=1), "a conversation in several sessions, and cues"),
    (replace(FULL_DUPLEX, facts=True, reopening_tries=1), "a conversation in several sessions"),
    (ALL_MONEY_CAN_BUY, "what goes on beside"),
    (replace(FULL_DUPLEX, policy=GUARDED, waiting_cue_seconds=4.0), "calls that wait for approval"),
    (replace(RULES, policy=GUARDED, push_to_talk=True, local_turns=True), _HELD),
    (replace(RULES, policy=GUARDED, reopening_tries=1), "calls that wait for approval in several sessions"),
]
