"""A kitchen in which time stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from speakerd.core.events import AlarmRang, Event
from speakerd.tools.timers import Timers


class FakeTime:
    """A scheduler and a wall clock that stand still until a test moves them."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.monotonic = 1234.567
        self.wall = wall
        self._calls: list[FakeHandle] = []

    def time(self) -> float:
        return self.monotonic

    def wall_clock(self) -> float:
        return self.wall

    def call_at(self, when: float, callback: Callable[[int], None], number: int, /) -> FakeHandle:
        handle = FakeHandle(when, callback, number)
        self._calls.append(handle)
        return handle

    def advance(self, seconds: float) -> None:
        end, wall_end = self.monotonic + seconds, self.wall + seconds
        while due := [call for call in self._calls if call.when <= end and not call.is_cancelled]:
            first = min(due, key=lambda call: call.when)
            self._calls.remove(first)
            self.wall += max(0.0, first.when - self.monotonic)
            self.monotonic = max(self.monotonic, first.when)
            first.callback(first.number)
        self.monotonic, self.wall = end, wall_end


class FakeHandle:
    def __init__(self, when: float, callback: Callable[[int], None], number: int) -> None:
        self.when, self.callback, self.number = when, callback, number
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Kitchen:
    """A speaker's timers, its clocks and what rang; `restart` is a new process, possibly after some time."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state" / "timers.json"
        self.rang: list[Event] = []
        self.clocks = FakeTime()
        self.timers = self._new_timers()

    def restart(self, off_seconds: float = 0, wall_jump_seconds: float = 0) -> None:
        self.clocks = FakeTime(self.clocks.wall + off_seconds + wall_jump_seconds)
        self.timers = self._new_timers()

    def wait(self, seconds: float) -> list[str]:
        """The alarms that ring meanwhile, and are silenced."""
        rang = self.listen(seconds)
        self.timers.silenced(set(rang))
        return rang

    def listen(self, seconds: float) -> list[str]:
        """The alarms that ring meanwhile; nobody silences them."""
        self.rang.clear()
        self.clocks.advance(seconds)
        return [event.alarm for event in self.rang if isinstance(event, AlarmRang)]

    def _new_timers(self) -> Timers:
        return Timers(self.file, self.rang.append, self.clocks, self.clocks.wall_clock)
