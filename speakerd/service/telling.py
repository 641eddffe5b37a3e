"""Tells the outside what happens: followers of the control socket, and systemd's status line.

An observer of the daemon's loop; it decides nothing. Transcripts pass through memory only.
"""

from __future__ import annotations

from collections.abc import Mapping

from speakerd.core import events as on
from speakerd.core.lights import light
from speakerd.core.state import Idle, Listening, State
from speakerd.service.control import ControlServer
from speakerd.service.notify import Notifier


class Telling:
    """Call it with each event and the states around it, in the loop's thread."""

    def __init__(self, control: ControlServer, notifier: Notifier) -> None:
        self._control = control
        self._notifier = notifier
        self._asks: set[int] = set()
        self._is_ready = False

    def __call__(self, event: on.Event, before: State, after: State) -> None:
        """Publish what changed."""
        if isinstance(event, on.CardFound | on.CardLost) and not self._is_ready:
            self._is_ready = True
            self._notifier.ready()
        if snapshot(before) != snapshot(after):
            self._control.publish({"event": "phase", **snapshot(after)})
            self._notifier.status(str(snapshot(after)["light"]))
        match event:
            case on.Transcribed(talker=talker, text=text):
                self._control.publish({"event": "transcript", "talker": talker.value, "text": text})
            case on.ToolCalled(name=name):
                self._control.publish({"event": "tool", "name": name})
            case on.TextAsked(request=request):
                self._asks.add(request)
        if isinstance(after.phase, Idle | Listening):
            self._end_asks(before, after)

    def _end_asks(self, before: State, after: State) -> None:
        for request in self._asks:
            if after.fault and after.fault is not before.fault:
                self._control.refuse(request, f"The assistant could not answer: {after.fault.value}.")
            self._control.publish({"event": "answered", "request": request})
        self._asks.clear()


def snapshot(state: State) -> Mapping[str, object]:
    """What the speaker tells of itself."""
    return {
        "phase": type(state.phase).__name__.lower(),
        "light": light(state).value,
        "muted": state.muted,
        "ringing": bool(state.ringing),
        "card": state.card.value,
        "fault": state.fault.value if state.fault else None,
    }
