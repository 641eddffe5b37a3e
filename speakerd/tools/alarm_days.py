"""On which days an alarm rings, and when that is. Pure: the clock and its zone are arguments.

A day's time is looked up in the zone each time, so that neither summer time nor a clock that is set moves an alarm.
A time that summer time skips is an hour later, and of one that comes twice the first counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from speakerd.tools.clock import spoken_time

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONCE: frozenset[int] = frozenset()
REPEATS: Mapping[str, frozenset[int]] = {
    "once": ONCE,
    "every day": frozenset(range(7)),
    "weekdays": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
    **{day: frozenset((number,)) for number, day in enumerate(WEEKDAYS)},
}
"""How often an alarm can ring, by what it is called; Monday is 0."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A time of day at which to ring, once or on some days."""

    label: str
    """Empty when the user gave none."""
    at: time
    days: frozenset[int]
    """Empty: only once."""
    done: date
    """The last day on which it shall not ring, or not again."""
    rings: bool = False
    """It has rung for that day, and nobody has silenced it."""

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.label or spoken_time(self.at)} alarm"


def moment(day: date, at: time, zone: tzinfo | None) -> float:
    """Unix seconds of a day's time; None is this machine's zone."""
    return datetime.combine(day, at, zone).timestamp()


def local(unix_seconds: float, zone: tzinfo | None) -> datetime:
    """What a clock on the wall shows."""
    return datetime.fromtimestamp(unix_seconds, zone).replace(tzinfo=None)


def done_before(at: time, now: datetime) -> date:
    """What `done` is of an alarm that is set now, to ring at the next such time."""
    return now.date() if at <= now.time() else now.date() - _DAY


def believed(alarm: Alarm, now: datetime) -> Alarm:
    """The alarm, as if it was set now where what it has done lies days ahead: that clock was never right."""
    return replace(alarm, done=done_before(alarm.at, now)) if alarm.done > now.date() + _DAY else alarm


def awaited(alarm: Alarm) -> date:
    """The day for which it rings next, or rang too late."""
    day = alarm.done + _DAY
    while alarm.days and day.weekday() not in alarm.days:
        day += _DAY
    return day


def spoken_day(alarm: Alarm, now: datetime) -> str:
    """When it rings next, or how often, as it ends a sentence."""
    if alarm.days:
        words = next(words for words, days in REPEATS.items() if days == alarm.days)
        return words if words == "every day" else f"on {words if len(alarm.days) > 1 else words.capitalize() + 's'}"
    days = (awaited(alarm) - now.date()).days
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
