"""Writes into the journal how long was waited for answers and tools. An observer; it decides nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from speakerd.core import events as on
from speakerd.core.state import Idle, Speaking, State
from speakerd.service.fields import fields, identifier

_log = logging.getLogger(__name__)


class Waits:
    """Call it with each event and the states around it, in the loop's thread."""

    def __init__(self, now_seconds: Callable[[], float] = time.monotonic) -> None:
        """`now_seconds` is a clock that never jumps."""
        self._now_seconds = now_seconds
        self._turn_ended_at: float | None = None
        self._calls: dict[str, tuple[str, float]] = {}
        """Tools that are being run, by the id of the call."""

    def __call__(self, event: on.Event, before: State, after: State) -> None:
        """Log what is over."""
        match event:
            case on.SpeechStopped() | on.UtteranceEnded() | on.UplinkClosed() | on.TextAsked():
                self._turn_ended_at = self._now_seconds()
            case on.AnswerStarted() if isinstance(after.phase, Speaking) and not isinstance(before.phase, Speaking):
                self._tell_answer(event)
            case on.ToolCalled(call_id=call_id, name=name):
                self._calls[call_id] = name, self._now_seconds()
            case on.ToolFinished(call_id=call_id) if call_id in self._calls:
                self._tell_tool(event, *self._calls.pop(call_id))
        if isinstance(after.phase, Idle):
            self._turn_ended_at = None
            self._calls.clear()

    def _tell_answer(self, event: on.AnswerStarted) -> None:
        if self._turn_ended_at is None:
            return
        latency_ms = self._since_ms(self._turn_ended_at)
        self._turn_ended_at = None
        about = {"session": event.session, "item": identifier(event.item_id), "latency_ms": latency_ms}
        _log.info("The answer began after %d ms.", latency_ms, extra=fields(**_facts(event), **about))

    def _tell_tool(self, event: on.ToolFinished, name: str, began_at: float) -> None:
        latency_ms = self._since_ms(began_at)
        about = {"session": event.session, "tool": identifier(name), "latency_ms": latency_ms}
        _log.debug("A tool took %d ms.", latency_ms, extra=fields(**_facts(event), **about))

    def _since_ms(self, at_seconds: float) -> int:
        return round(1000 * (self._now_seconds() - at_seconds))


def _facts(event: on.Event) -> dict[str, object]:
    return {"event": type(event).__name__}
