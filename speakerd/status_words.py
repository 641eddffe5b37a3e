"""The running speaker's status and events in words, for its owner's terminal. Pure.

What another version of the daemon tells and we don't know is shown as it is, or left out where it is an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WIDTH = 12
_MOST_DECISIONS = 5
_TOLD = {"event", "phase", "light", "muted", "ringing", "announcing", "card", "fault"} | {
    "endpoint",
    "endpoints",
    "budget",
    "decisions",
}
"""Keys that have words of their own; hearing's figures follow with their names."""
_SPENDING = {"today_usd": "today", "month_usd": "this month", "conversation_usd": "in the last conversation"}


def status_lines(snapshot: Mapping[str, Any]) -> list[str]:
    """A snapshot in words."""
    lines = [
        _line("phase", snapshot.get("phase")),
        _line("light", snapshot.get("light")),
        _line("microphone", "closed (muted)" if snapshot.get("muted") else "open"),
        _line("sound card", snapshot.get("card")),
        _line("fault", snapshot.get("fault")),
    ]
    busy = {"ringing": "a timer rings", "announcing": "it says something in its own voice"}
    lines += [_line("sound", words) for key, words in busy.items() if snapshot.get(key)]
    if "endpoint" in snapshot:
        lines += [_line("endpoint", snapshot["endpoint"]), *_endpoints(snapshot.get("endpoints") or ())]
    if isinstance(snapshot.get("budget"), dict):
        lines += _budget(snapshot["budget"])
    lines += _decisions(snapshot.get("decisions") or ())
    return lines + [f"{key:<{_WIDTH}} {_word(value)}" for key, value in snapshot.items() if key not in _TOLD]


def event_line(event: Mapping[str, Any]) -> str | None:
    """An event in words; None for one that says nothing to an owner."""
    match event:
        case {"event": "transcript", "talker": talker, "text": text}:
            return _line("you" if talker == "user" else str(talker), printable(str(text)))
        case {"event": "tool", "name": name}:
            return _line("tool", printable(str(name)))
        case {"event": "phase", "phase": phase, "light": light}:
            return _line("phase", ", ".join(_phase_words(event, str(phase), str(light))))
    return None


def printable(text: str) -> str:
    """Without what could steer a terminal: the words come from elsewhere."""
    return "".join(mark if mark.isprintable() or mark == "\n" else " " for mark in text)


def _phase_words(event: Mapping[str, Any], phase: str, light: str) -> Iterator[str]:
    yield phase
    if light != phase:
        yield light
    if event.get("muted") and light != "muted":
        yield "muted"
    if event.get("endpoint"):
        yield f"endpoint {event['endpoint']}"


def _endpoints(endpoints: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for known in endpoints:
        fault = f" ({known['fault']})" if known.get("fault") else ""
        yield _line("", f"{known.get('name')}: {known.get('state')}{fault}")


def _budget(budget: Mapping[str, Any]) -> Iterator[str]:
    caps = budget.get("caps") or {}
    if budget.get("day") is None:
        yield _line("spent", "not known yet")
    for key, when in _SPENDING.items():
        if budget.get(key) is None:
            continue
        cap = f" of {caps[key]:.2f}" if caps.get(key) is not None else ""
        yield _line("spent", f"{budget[key]:.4f}{cap} USD {when}")


def _decisions(decisions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The latest, of which the status has more."""
    for known in decisions[-_MOST_DECISIONS:]:
        words = f"{known.get('tool')} {known.get('decision')} ({known.get('reason')}), asked by {known.get('asker')}"
        yield _line("tool", printable(f"{words}, {known.get('at')}"))


def _line(name: str, value: object) -> str:
    return f"{name:<{_WIDTH}} {_word(value)}"


def _word(value: object) -> str:
    return "none" if value is None else str(value)
