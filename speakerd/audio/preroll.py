"""The ring that remembers the last seconds of capture, pure: each sample has one absolute position for ever."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class PrerollRing:
    """The latest `capacity` samples (mono int16), addressed by capture position."""

    def __init__(self, capacity: int) -> None:
        self._ring = np.zeros(capacity, np.int16)
        self._oldest = 0
        self.end = 0
        """Position after the newest sample."""

    @property
    def start(self) -> int:
        """Position of the oldest sample that is still held."""
        return max(self._oldest, self.end - len(self._ring))

    def append(self, samples: NDArray[np.int16]) -> None:
        """Take the next samples; the oldest ones are forgotten."""
        kept = samples[-len(self._ring) :]
        self.end += len(samples)
        place = (self.end - len(kept)) % len(self._ring)
        first = min(len(kept), len(self._ring) - place)
        self._ring[place : place + first] = kept[:first]
        self._ring[: len(kept) - first] = kept[first:]

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """A copy of the samples from `start` up to `end`; raises IndexError unless all of them are held."""
        if not self.start <= start <= end <= self.end:
            raise IndexError(f"Samples {start} to {end} are not held: the ring has {self.start} to {self.end}.")
        place = start % len(self._ring)
        first = self._ring[place : place + end - start]
        return np.concatenate((first, self._ring[: end - start - len(first)]))

    def restart(self, position: int) -> None:
        """Forget everything; the next sample has this position. Positions never go back: raises ValueError."""
        if position < self.end:
            raise ValueError(f"Position {position} lies before {self.end}: positions only go forward.")
        self._oldest = self.end = position
