"""What rings, or rang a moment ago: it is silenced, and comes back after a while where the user is not ready for it.

An observer of the daemon's loop, so that whatever ends a ringing (a wake word, a press, time) is the end of it here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Protocol

from speakerd.core.events import Event, RingingStopAsked
from speakerd.core.state import State
from speakerd.errors import ToolError
from speakerd.ports import Post
from speakerd.tools.spoken import spoken_duration, spoken_list
from speakerd.tools.timers import Timers

SNOOZE_MINUTES = 9
_SNOOZABLE_SECONDS = 900.0
"""What was silenced longer ago is not meant any more."""


class Keeper(Protocol):
    """Keeps what rings until it is silenced."""

    def silenced(self, names: AbstractSet[str]) -> None:
        """Forget what rang under these names."""


class Bells:
    """Call it with each event and the states around it, in the loop's thread."""

    def __init__(self, timers: Timers, alarms: Keeper, post: Post, clock: Callable[[], float] = time.monotonic) -> None:
        self._timers = timers
        self._keepers: tuple[Keeper, ...] = (timers, alarms)
        self._post = post
        self._clock = clock
        self._ringing: frozenset[str] = frozenset()
        self._silenced: frozenset[str] = frozenset()
        self._silenced_at = 0.0

    def __call__(self, event: Event, before: State, after: State) -> None:
        """Know what rings; when the service ends, what rings is kept, and rings again when it is back."""
        self._ringing = after.ringing
        quiet = before.ringing - after.ringing
        if not quiet or after.stopping:
            return
        self._silenced, self._silenced_at = quiet, self._clock()
        for keeper in self._keepers:
            keeper.silenced(quiet)

    def stop(self) -> str:
        """Silence what rings; returns what to say."""
        if not self._ringing:
            return "Nothing is ringing."
        self._post(RingingStopAsked())
        return "It is quiet now."

    def snooze(self, minutes: int = SNOOZE_MINUTES) -> str:
        """Let what rings, or rang last, ring again later; returns what to say. Raises ToolError."""
        is_fresh = self._clock() - self._silenced_at <= _SNOOZABLE_SECONDS
        names = self._ringing or (self._silenced if is_fresh else frozenset())
        if not names:
            raise ToolError("Nothing has rung in the last minutes that could ring again.")
        for name in sorted(names):
            self._timers.set(minutes * 60, name)
        if self._ringing:
            self._post(RingingStopAsked())
        self._silenced = frozenset()
        spoken = spoken_list([f"the {name}" for name in sorted(names)])
        return f"{spoken[:1].upper()}{spoken[1:]} will ring again in {spoken_duration(minutes * 60)}."
