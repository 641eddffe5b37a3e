"""Kitchen timers: on the device, without a network, and not lost when the speaker restarts.

While the speaker runs only the monotonic clock counts, so a clock that is set by the network moves no timer. The file
holds wall-clock times, as the monotonic clock does not outlive a boot. A timer that rings stays in it until it is
silenced: whenever the power fails, it rings again, and never once it was silenced.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from speakerd.core.events import AlarmRang
from speakerd.errors import ToolError
from speakerd.ports import Post
from speakerd.tools.labels import plain_label
from speakerd.tools.spoken import spoken_duration, spoken_list
from speakerd.tools.timers_file import LONGEST_SECONDS, SavedTimer, load_timers, save_timers

MOST_TIMERS = 20
LONGEST_DELAY_SECONDS = 3600
"""A timer that ran out while the speaker was off still rings, unless it would be later than this."""

_log = logging.getLogger(__name__)


class Handle(Protocol):
    """A call that was scheduled."""

    def cancel(self) -> None:
        """Do not make it."""


class Scheduler(Protocol):
    """What timers need of an asyncio loop."""

    def time(self) -> float:
        """Monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[int], None], number: int, /) -> Handle:
        """Call back with the number at that time."""


@dataclass(frozen=True, slots=True)
class _Timer:
    label: str
    seconds: int
    due: float
    """In the scheduler's seconds."""
    handle: Handle

    @property
    def name(self) -> str:
        return _name(self.label or _as_adjective(self.seconds))


class Timers:
    """The running timers, those of the last run included; one that is due posts AlarmRang with its spoken name.

    Belongs to the scheduler's thread. The file is written at each change; when it cannot be, timers work until the
    next restart.
    """

    def __init__(
        self, file: Path, post: Post, scheduler: Scheduler, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._post = post
        self._scheduler = scheduler
        self._wall_clock = wall_clock
        self._numbers = itertools.count(1)
        self._timers: dict[int, _Timer] = {}
        self._ringing: list[_Timer] = []
        for saved in load_timers(file):
            self._restore(saved)

    def set(self, seconds: int, label: str = "") -> str:
        """Start a timer, anew if the label has one; returns what to say. Raises ToolError."""
        if not 1 <= seconds <= LONGEST_SECONDS:
            raise ToolError("A timer can run for one second to 24 hours: say for how long.")
        label = plain_label(label, "timer")
        same = [number for number, timer in self._timers.items() if label and timer.label == label]
        if len(self._timers) - len(same) >= MOST_TIMERS:
            raise ToolError(f"There are {MOST_TIMERS} timers already: cancel one first.")
        for number in same:
            self._forget(number)
        self._start(label, seconds, self._scheduler.time() + seconds)
        self._save()
        name = _name(label).capitalize() if label else "Timer"
        return f"{name} set {'again ' if same else ''}for {spoken_duration(seconds)}."

    def cancel(self, label: str = "") -> str:
        """Stop one timer; returns what to say. Raises ToolError where none or more than one could be meant."""
        meant = self._meant(label)
        if len({self._timers[number].name for number in meant}) > 1:
            raise ToolError(f"Say which timer to cancel: running are {self._spoken_names(meant)}.")
        name = self._timers[meant[0]].name
        self._forget(meant[0])
        self._save()
        return f"The {name} is cancelled."

    def cancel_all(self) -> str:
        """Stop all timers; returns what to say."""
        count = len(self._timers)
        for number in list(self._timers):
            self._forget(number)
        self._save()
        return "No timer is running." if count == 0 else "All timers are cancelled."

    def report(self, label: str = "") -> str:
        """How much time is left, soonest first, or that no timer is running. Raises ToolError for an unknown label."""
        if not label and not self._timers:
            return "No timer is running."
        now = self._scheduler.time()
        left = [(self._timers[number].name, round(self._timers[number].due - now)) for number in self._meant(label)]
        return " ".join(f"The {name} has {spoken_duration(max(1, seconds))} left." for name, seconds in left)

    def next_due_unix_seconds(self) -> float | None:
        """When the soonest timer is due, by the wall clock of now; None if none is running."""
        if not self._timers:
            return None
        return min(timer.due for timer in self._timers.values()) + self._wall_clock() - self._scheduler.time()

    def silenced(self, names: AbstractSet[str]) -> None:
        """Forget those of these names that have rung."""
        left = [timer for timer in self._ringing if timer.name not in names]
        if len(left) < len(self._ringing):
            self._ringing = left
            self._save()

    def _meant(self, label: str) -> list[int]:
        """Numbers of the timers that a label can mean, soonest first; never empty."""
        plain = plain_label(label, "timer")
        wanted = _name(plain)
        soonest = sorted(self._timers, key=lambda number: self._timers[number].due)
        meant = [number for number in soonest if not plain or self._timers[number].name == wanted]
        if not self._timers:
            raise ToolError("No timer is running.")
        if not meant:
            raise ToolError(f"There is no {wanted}: running are only {self._spoken_names(soonest)}.")
        return meant

    def _spoken_names(self, numbers: Sequence[int]) -> str:
        return spoken_list([f"the {self._timers[number].name}" for number in numbers])

    def _start(self, label: str, seconds: int, due: float) -> None:
        number = next(self._numbers)
        self._timers[number] = _Timer(label, seconds, due, self._scheduler.call_at(due, self._ring, number))

    def _forget(self, number: int) -> None:
        self._timers.pop(number).handle.cancel()

    def _ring(self, number: int) -> None:
        timer = self._timers.pop(number)
        self._ringing.append(timer)
        self._save()
        self._post(AlarmRang(timer.name))

    def _restore(self, saved: SavedTimer) -> None:
        # A clock that was set back, or not set yet after a boot, must not make the timer longer than it was.
        left = min(saved.due_unix_seconds - self._wall_clock(), saved.seconds)
        if left < -LONGEST_DELAY_SECONDS:
            _log.info("A timer that ran out %d minutes ago, while the speaker was off, is forgotten.", -left // 60)
            return
        left = min(left, 0.0) if saved.rings else left
        self._start(saved.label, saved.seconds, self._scheduler.time() + left)

    def _save(self) -> None:
        offset = self._wall_clock() - self._scheduler.time()
        running = [SavedTimer(timer.label, timer.seconds, timer.due + offset) for timer in self._timers.values()]
        ringing = [SavedTimer(timer.label, timer.seconds, timer.due + offset, rings=True) for timer in self._ringing]
        save_timers(self._file, running + ringing)


def _name(label: str) -> str:
    """What a timer is called; a snoozed alarm is called as the alarm."""
    return label if label.endswith(" alarm") else f"{label} timer"


def _as_adjective(seconds: int) -> str:
    """A duration before a noun: `five minute`, `one hour five minute`."""
    words = spoken_duration(seconds).replace(",", "").replace(" and ", " ").split()
    return " ".join(word.removesuffix("s") if word in ("hours", "minutes", "seconds") else word for word in words)
