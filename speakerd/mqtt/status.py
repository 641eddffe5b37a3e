"""What the speaker tells of itself: never what was said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from speakerd.core.events import Event, WakeWordHeard
from speakerd.core.lights import light
from speakerd.core.state import State

_NANO_PER_USD = 1_000_000_000
_SAME_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is worth telling and not in the core's state."""

    volume: float
    """From 0 to 1."""
    next_timer_unix_seconds: float | None = None
    """When the next timer is due."""


def status(state: State, facts: Facts) -> Mapping[str, object]:
    """The message at `Device.status_topic`."""
    due = facts.next_timer_unix_seconds
    return {
        "state": light(state).value,
        "muted": "ON" if state.muted else "OFF",
        "volume_percent": round(facts.volume * 100),
        "cost_today_usd": round(state.spent.today_nano_usd / _NANO_PER_USD, 4) if state.spent else None,
        "next_timer": None if due is None else datetime.fromtimestamp(round(due), UTC).isoformat(),
    }


def settled(facts: Facts, before: Facts | None) -> Facts:
    """The facts without what is no news: the same timer's time, told anew, differs by a moment."""
    due, known = facts.next_timer_unix_seconds, before.next_timer_unix_seconds if before else None
    if due is None or known is None or abs(due - known) >= _SAME_SECONDS:
        return facts
    return Facts(facts.volume, known)


def wake(event: Event) -> Mapping[str, object] | None:
    """The message at `Device.wake_topic`, if this event is one to tell there."""
    match event:
        case WakeWordHeard(word=word):
            return {"event_type": "wake", "word": word}
        case _:
            return None
