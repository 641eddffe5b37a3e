"""The one loop that owns the state: take an event, step, carry out the effects, show what changed.

Nothing is decided here. A device answers an effect later, with another event through `Daemon.post`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core.events import Event, TimedOut, Timer
from speakerd.core.lights import light
from speakerd.core.state import Rules, State
from speakerd.core.step import step
from speakerd.ports import Announcer, Audit, Capture, Control, Judge, Lights, Player, Sessions, Tools

_log = logging.getLogger(__name__)

Observer = Callable[[Event, State, State], None]
"""Is told of each event, and of the state before and after it."""


@dataclass(frozen=True, slots=True)
class Devices:
    """The owners of everything that effects reach."""

    sessions: Sessions
    capture: Capture
    player: Player
    tools: Tools
    lights: Lights
    control: Control
    wake: Judge
    announcer: Announcer
    audit: Audit


class Daemon:
    """Owns the state. Make it within the running loop; `post` may be called from any thread."""

    def __init__(self, rules: Rules, observers: Sequence[Observer] = ()) -> None:
        self.state = State(rules)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._observers = observers
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._exit_asked = False

    def post(self, event: Event) -> None:
        """Hand in an event; after the loop has ended nothing hears it."""
        if self._loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            self._inbox.put_nowait(event)  # the other way costs a system call, and a round of the loop
        else:
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, event)

    async def run(self, devices: Devices) -> None:
        """Serve until the core asks to exit."""
        devices.lights.show(light(self.state))
        try:
            while not self._exit_asked:
                event, before = await self._inbox.get(), self.state
                if self._take(event, devices):
                    await asyncio.sleep(0)  # what was begun goes on before it is told of
                for observer in self._observers:
                    observer(event, before, self.state)
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def overdue_seconds(self) -> float:
        """How long a phase has outlived its deadline; 0.0 while the loop keeps its word."""
        timer = self._timers.get(Timer.PHASE)
        return 0.0 if timer is None or timer.cancelled() else max(0.0, self._loop.time() - timer.when())

    def _take(self, event: Event, devices: Devices) -> bool:
        """Whether anything was to be done about it."""
        before = self.state
        self.state, effects = step(before, event)
        if _log.isEnabledFor(logging.DEBUG):
            phase = _kind(self.state.phase)
            fields = {"EVENT": _kind(event), "PHASE": phase.lower()}  # of the journal, see service/fields.py
            _log.debug("%s: %s -> %s, %s", _kind(event), _kind(before.phase), phase, _kinds(effects), extra=fields)
        for effect in effects:
            self._carry_out(effect, devices)
        if light(self.state) is not light(before):
            devices.lights.show(light(self.state))
        return bool(effects)

    def _carry_out(self, effect: do.Effect, devices: Devices) -> None:
        match effect:
            case do.StartTimer(timer=timer, epoch=epoch, seconds=seconds):
                self._start_timer(timer, epoch, seconds)
            case do.StopTimer(timer=timer):
                self._stop_timer(timer)
            case do.RunTool(session=number, call_id=call_id, name=name, arguments=arguments):
                devices.tools.run(number, call_id, name, arguments)
            case do.CancelTool(call_id=call_id):
                devices.tools.cancel(call_id)
            case do.JudgeWake(word=word, was_wanted=was_wanted, sample=sample):
                devices.wake.judge(word, was_wanted, sample)
            case do.RefuseAsk(request=request, reason=reason):
                devices.control.refuse(request, reason)
            case do.Announce(number=number, text=text):
                devices.announcer.announce(number, text)
            case do.StopAnnouncing(number=number):
                devices.announcer.stop(number)
            case do.NoteDecision(tool=tool, decision=decision, reason=reason, asker=asker):
                devices.audit.note(tool, decision, reason, asker.value)
            case do.Exit():
                self._exit_asked = True
            case (
                do.OpenCapture()
                | do.CloseCapture()
                | do.OpenUplink()
                | do.CloseUplink()
                | do.MarkUplink()
                | do.StopPlayout()
                | do.SetPlayoutLevel()
                | do.PlayCue()
                | do.StartRinging()
                | do.StopRinging()
            ):
                _tell_audio(effect, devices.capture, devices.player)
            case _:
                _tell_session(effect, devices.sessions)

    def _start_timer(self, timer: Timer, epoch: int, seconds: float) -> None:
        self._stop_timer(timer)
        self._timers[timer] = self._loop.call_later(seconds, self._inbox.put_nowait, TimedOut(timer, epoch))

    def _stop_timer(self, timer: Timer) -> None:
        if running := self._timers.pop(timer, None):
            running.cancel()


_AudioEffect = (
    do.OpenCapture
    | do.CloseCapture
    | do.OpenUplink
    | do.CloseUplink
    | do.MarkUplink
    | do.StopPlayout
    | do.SetPlayoutLevel
    | do.PlayCue
    | do.StartRinging
    | do.StopRinging
)
_SessionEffect = (
    do.OpenSession
    | do.CloseSession
    | do.SendText
    | do.SendToolOutput
    | do.SendNote
    | do.CommitUtterance
    | do.CreateResponse
    | do.CancelResponse
    | do.TruncateItem
    | do.DeleteItem
    | do.TellFacts
    | do.ForgetFacts
)


def _tell_audio(effect: _AudioEffect, capture: Capture, player: Player) -> None:
    match effect:
        case do.OpenCapture():
            capture.open()
        case do.CloseCapture():
            capture.close()
        case do.OpenUplink(session=number, since_sample=since_sample):
            capture.open_uplink(number, since_sample)
        case do.CloseUplink():
            capture.close_uplink()
        case do.MarkUplink():
            capture.mark_uplink()
        case do.StopPlayout():
            player.stop()
        case do.SetPlayoutLevel(level=level):
            player.set_level(level)
        case do.PlayCue(cue=cue):
            player.cue(cue)
        case do.StartRinging():
            player.start_ringing()
        case do.StopRinging():
            player.stop_ringing()
        case _:
            assert_never(effect)


def _tell_session(effect: _SessionEffect, sessions: Sessions) -> None:
    match effect:
        case do.OpenSession(session=number):
            sessions.open(
                number,
                effect.endpoint,
                continues=effect.continues,
                resend=effect.resend,
                after_seconds=effect.after_seconds,
            )
        case do.CloseSession(session=number):
            sessions.close(number)
        case do.SendText(session=number, text=text):
            sessions.send_text(number, text)
        case do.SendToolOutput(session=number, call_id=call_id, output=output):
            sessions.send_tool_output(number, call_id, output)
        case do.SendNote(session=number, text=text):
            sessions.send_note(number, text)
        case do.CommitUtterance(session=number):
            sessions.commit_utterance(number)
        case do.CreateResponse(session=number, aloud=aloud, resume=resume):
            sessions.create_response(number, aloud=aloud, resume=resume)
        case do.CancelResponse(session=number, response_id=response_id):
            sessions.cancel_response(number, response_id)
        case do.TruncateItem(session=number, item_id=item_id, played_ms=played_ms):
            sessions.truncate(number, item_id, played_ms)
        case do.DeleteItem(session=number, item_id=item_id):
            sessions.delete_item(number, item_id)
        case do.TellFacts(session=number):
            sessions.tell_facts(number)
        case do.ForgetFacts(session=number):
            sessions.forget_facts(number)
        case _:
            assert_never(effect)


def _kind(value: object) -> str:
    return type(value).__name__


def _kinds(effects: Sequence[do.Effect]) -> str:
    """Names only: an effect may hold what somebody said."""
    return " ".join(_kind(effect) for effect in effects) or "nothing to do"
