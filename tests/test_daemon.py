"""The loop: every effect reaches its device in order, the light follows the state, time and threads come as events."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace

import pytest

from fakes import FakeTools, Told, fake_devices
from speakerd.core import events as on
from speakerd.core.state import (
    END_CONVERSATION,
    Idle,
    Rules,
    State,
)
from speakerd.core.words import CallTool, WordAction
from speakerd.daemon import Daemon

WAKE = on.WakeWordHeard("hey_jarvis", 0.9, 20_000)
LIGHT_ON = on.WakeWordHeard("light_on", 0.9, 30_000)
WORDS = (WordAction("light_on", CallTool("set_light", "{}")),)
QUICK = Rules(listening_seconds=0.01, ringing_seconds=0.01)


async def play(daemon: Daemon, *events: on.Event) -> list[str]:
    """What the devices were told while these events happened and the daemon then stopped."""
    told = Told()
    for event in (*events, on.StopAsked()):
        daemon.post(event)
    async with asyncio.timeout(5):
        await daemon.run(fake_devices(told))
    return told.lines


CONVERSATION: list[on.Event] = [
    on.CardFound(),
    WAKE,
    on.SessionOpened(1),
    on.SpeechStarted(1, "u1"),
    on.SpeechStopped(1, "u1"),
    on.ResponseCreated(1, "r1"),
    on.ToolCalled(1, "r1", "c1", "clock", "{}"),
    on.ResponseEnded(1, "r1", on.Status.COMPLETED),
    on.ToolFinished(1, "c1", "noon"),
    on.ResponseCreated(1, "r2"),
    on.AnswerStarted(1, "r2", "a1"),
    on.ActionPressed(),
    on.PlayoutEnded("a1", 700, cut_short=True),
    on.AnswerStarted(1, "r2", "a2"),
    on.PlayoutEnded("a2", 0, cut_short=True),
    on.MutePressed(),
    on.ActionPressed(),
    on.MutePressed(),
    on.AlarmRang("pasta"),
    on.TextAsked(1, "what time is it"),
    on.TextAsked(2, "and now"),
    on.SessionOpened(2),
    LIGHT_ON,
    on.ToolFinished(on.NO_SESSION, "wake-30000", "error: no power"),
]
TOLD = [
    "light starting",
    "light idle",
    "open session 1",
    "light opening",
    "open uplink 1 19000",
    "light listening",
    "judge wake hey_jarvis wanted 20000",
    "light thinking",
    "audit clock allowed policy voice",
    "run tool 1 c1 clock {}",
    "send tool output 1 c1 noon",
    "create response 1",
    "close uplink",
    "light speaking",
    "stop playout",
    "cancel response 1 r2",
    "open uplink 1 None",
    "light listening",
    "truncate 1 a1 700",
    "stop playout",
    "delete item 1 a2",
    "close uplink",
    "close session 1",
    "close capture",
    "light muted",
    "cue muted",
    "open capture",
    "light idle",
    "start ringing",
    "light ringing",
    "open session 2",
    "refuse 2",
    "send text 2 what time is it",
    "create response 2",
    "audit set_light allowed policy word",
    "run tool 0 wake-30000 set_light {}",
    "cue failed",
    "stop ringing",
    "close session 2",
    "close capture",
    "light stopping",
]


async def test_a_conversation_reaches_every_device_in_order() -> None:
    assert await play(Daemon(Rules(preroll_samples=1000, words=WORDS)), *CONVERSATION) == TOLD


async def test_a_voice_over_an_answer_and_a_turn_of_our_own_finding_reach_every_device_in_order() -> None:
    lines = await play(
        Daemon(Rules(full_duplex=True, local_turns=True)),
        *(on.CardFound(), on.ActionPressed(), on.SessionOpened(1)),
        *(on.UtteranceBegan(1, 30_000), on.UtteranceEnded(1, 40_000)),
        *(on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "a1")),
        *(on.VoiceHinted(60_000), on.VoiceHeard(61_000), on.UtteranceBegan(1, 60_000)),
    )
    assert lines[lines.index("open uplink 1 -1") : lines.index("close uplink")] == [
        *("open uplink 1 -1", "light listening", "commit utterance 1", "create response 1", "light thinking"),
        *("light speaking", "level ducked", "level held"),
        *("stop playout", "cancel response 1 r1", "level full", "light listening"),
    ]


async def test_a_deadline_comes_back_as_an_event() -> None:
    daemon = Daemon(QUICK)
    told = Told()
    running = asyncio.create_task(daemon.run(fake_devices(told)))
    ended = asyncio.Event()
    daemon._observers = [lambda event, before, after: ended.set() if isinstance(event, on.TimedOut) else None]
    for event in (on.CardFound(), WAKE, on.SessionOpened(1)):
        daemon.post(event)
    async with asyncio.timeout(5):
        await ended.wait()
        assert isinstance(daemon.state.phase, Idle)
        assert told.lines[-3:] == ["judge wake hey_jarvis not wanted 20000", "close session 1", "light idle"]
        daemon.post(on.StopAsked())
        await running


async def test_events_come_from_any_thread_and_observers_see_before_and_after() -> None:
    seen: list[tuple[on.Event, State, State]] = []
    daemon = Daemon(Rules(), [lambda *step: seen.append(step)])

    def elsewhere() -> None:
        daemon.post(on.CardFound())
        daemon.post(on.StopAsked())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    async with asyncio.timeout(5):
        await daemon.run(fake_devices(Told()))
    thread.join()
    (found, before, after), (stop, _, stopped) = seen
    assert (found, stop) == (on.CardFound(), on.StopAsked())
    assert after == replace(before, card=after.card)
    assert stopped is daemon.state
    assert stopped.stopping


async def test_a_tool_begins_before_its_call_is_told_of() -> None:
    order: list[str] = []

    class Tools(FakeTools):
        def run(self, *_: object) -> None:
            asyncio.get_running_loop().call_soon(order.append, "begun")

    daemon = Daemon(Rules(), [lambda event, *_: order.append(type(event).__name__)])
    for event in (on.CardFound(), WAKE, *CONVERSATION[2:7], on.StopAsked()):
        daemon.post(event)
    async with asyncio.timeout(5):
        await daemon.run(replace(fake_devices(Told()), tools=Tools(Told())))
    assert order[-3:] == ["begun", "ToolCalled", "StopAsked"]


async def test_after_the_end_nothing_rings_and_a_late_event_is_no_error() -> None:
    daemon = Daemon(QUICK)
    await play(daemon, on.CardFound(), WAKE)
    daemon.post(WAKE)
    assert daemon.overdue_seconds() == 0.0


async def test_the_log_names_steps_and_holds_no_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await play(
        Daemon(Rules()),
        on.CardFound(),
        on.TextAsked(1, "my secret"),
        on.SessionOpened(1),
        on.ResponseCreated(1, "r1"),
        on.Transcribed(1, "u1", on.Talker.USER, "my secret"),
        on.ToolCalled(1, "r1", "c1", END_CONVERSATION, "my secret"),
        on.ToolFinished(1, "c1", "my secret"),
    )
    assert "TextAsked: Idle -> Opening, OpenSession StartTimer" in caplog.text
    assert "secret" not in caplog.text
