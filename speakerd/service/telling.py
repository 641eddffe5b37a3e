"""Tells the outside what happens: followers of the control socket, and systemd's status line.

An observer of the daemon's loop; it decides nothing. Transcripts pass through memory only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from speakerd.core import events as on
from speakerd.core.derived import may_bill, serving
from speakerd.core.effects import announcement_item
from speakerd.core.endpoints import standing
from speakerd.core.lights import light
from speakerd.core.state import Announcement, Idle, Listening, State
from speakerd.settings_budget import NANO_PER_USD

NOT_ANSWERED = "The assistant could not answer: see what `speakerd status` says."
NOT_SPOKEN = "It was not spoken to its end: something else went before, or it cannot be spoken; see the log."


class Outlet(Protocol):
    """The control socket, as `control` has it."""

    def publish(self, event: Mapping[str, object]) -> None:
        """Tell an event to whom it concerns."""

    def refuse(self, request: int, reason: str) -> None:
        """End a request with the reason why it was not done."""


class Manager(Protocol):
    """The service manager, as `notify` has it."""

    def ready(self) -> None:
        """Say that the start is over."""

    def status(self, text: str) -> None:
        """Show a line."""


class Telling:
    """Call it with each event and the states around it, in the loop's thread."""

    def __init__(self, control: Outlet, notifier: Manager) -> None:
        self._control = control
        self._notifier = notifier
        self._asks: set[int] = set()
        self._is_ready = False
        self._status = ""
        self._told_of: State | None = None
        self._told: Mapping[str, object] = {}
        """The snapshot of that state, which the next one follows."""

    def __call__(self, event: on.Event, before: State, after: State) -> None:
        """Publish what changed."""
        if isinstance(event, on.CardFound | on.CardLost) and not self._is_ready:
            self._is_ready = True
            self._notifier.ready()
        if after is not before:
            told = self._told if self._told_of is before else snapshot(before)
            self._told_of, self._told = after, snapshot(after)
            self._tell(told, self._told)
        match event:
            case on.Transcribed(talker=talker, text=text):
                self._control.publish({"event": "transcript", "talker": talker.value, "text": text})
            case on.ToolCalled(name=name):
                self._control.publish({"event": "tool", "name": name})
            case on.TextAsked():
                self._begin_ask(event, before, after)
            case on.SayAsked(request=request) if request not in _says(after):
                # Whoever was refused by the core already is told nothing more.
                self._control.refuse(request, NOT_SPOKEN)
        if isinstance(after.phase, Idle | Listening):
            self._end_asks(before, after)
        self._end_says(event, before, after)

    def _tell(self, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        if after != before:
            self._control.publish({"event": "phase", **after})
            self._show(str(after["light"]))

    def _show(self, status: str) -> None:
        if status != self._status:
            self._status = status
            self._notifier.status(status)

    def _begin_ask(self, event: on.TextAsked, before: State, after: State) -> None:
        if after.epoch == before.epoch:
            # Nothing was begun for it. Whoever was refused by the core already is told nothing more.
            self._control.refuse(event.request, NOT_ANSWERED)
        else:
            self._asks.add(event.request)

    def _end_asks(self, before: State, after: State) -> None:
        for request in self._asks:
            if after.fault and after.fault is not before.fault:
                self._control.refuse(request, f"The assistant could not answer: {after.fault.value}.")
            self._control.publish({"event": "answered", "request": request})
        self._asks.clear()

    def _end_says(self, event: on.Event, before: State, after: State) -> None:
        left = _says(after)
        for request, announcement in _says(before).items():
            if request in left:
                continue
            item_id = announcement_item(announcement.number)
            was_heard = isinstance(event, on.PlayoutEnded) and event.item_id == item_id and not event.cut_short
            if not was_heard:
                self._control.refuse(request, NOT_SPOKEN)
            self._control.publish({"event": "answered", "request": request})


def _says(state: State) -> dict[int, Announcement]:
    """What is being said or waits to be, by the request that it was asked for with."""
    waiting = (state.announcing, *state.announcements)
    return {known.request: known for known in waiting if known is not None and known.request is not None}


def snapshot(state: State) -> Mapping[str, object]:
    """What the speaker tells of itself; `wire` has the words."""
    rules = state.rules.endpoints
    serves = serving(state)
    return {
        "phase": type(state.phase).__name__.lower(),
        "light": light(state).value,
        "muted": state.muted,
        "ringing": bool(state.ringing),
        "announcing": state.announcing is not None,
        "card": state.card.value,
        "fault": state.fault.value if state.fault else None,
        "endpoint": None if serves is None else rules[serves].name,
        "endpoints": _endpoints(state),
        "budget": _budget(state),
    }


def _endpoints(state: State) -> list[Mapping[str, object]]:
    faults = {failed.endpoint: failed.fault.value for failed in state.down}
    rules, affordable = state.rules.endpoints, may_bill(state)
    return [
        {
            "name": rule.name,
            "state": standing(rules, state.down, index, may_bill=affordable).value,
            "fault": faults.get(index),
        }
        for index, rule in enumerate(rules)
    ]


def _budget(state: State) -> Mapping[str, object]:
    spent, budget = state.spent, state.rules.budget
    return {
        "day": spent.day if spent else None,
        "today_usd": _usd(spent.today_nano_usd) if spent else None,
        "month_usd": _usd(spent.month_nano_usd) if spent else None,
        "conversation_usd": _usd(spent.conversation_nano_usd) if spent else None,
        "caps": {
            "warning_usd": _usd(budget.day_warning_nano_usd) or None,
            "today_usd": _usd(budget.day_cap_nano_usd) or None,
            "month_usd": _usd(budget.month_cap_nano_usd) or None,
            "conversation_usd": _usd(budget.conversation_cap_nano_usd) or None,
        },
    }


def _usd(nano_usd: int) -> float:
    return nano_usd / NANO_PER_USD
