"""When each sample of a stream is captured or heard, smoothed: what a card says of its times is off by a millisecond.

Pure: a regression of time over position that forgets slowly. It also tells how fast the card really runs.
"""

from __future__ import annotations

_MEMORY_UPDATES = 2000
"""About 20 s of blocks of 10 ms."""
_PRIOR_SECONDS = 2.0
_PRIOR_UPDATES = 50
"""The nominal rate is believed like so many reports, so long apart."""
_JUMP_SECONDS = 0.05
"""A report that is further off is no jitter: samples were lost, or somebody set the clock."""


class StreamClock:
    """One stream's positions (samples) and times (seconds of any steady clock)."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._prior = _PRIOR_UPDATES * (_PRIOR_SECONDS * rate_hz) ** 2
        self._is_started = False

    @property
    def ppm(self) -> float:
        """How much faster than its nominal rate the stream runs, in parts per million."""
        return -self._slope() * self._rate_hz * 1e6 if self._is_started else 0.0

    def update(self, position: int, seconds: float) -> bool:
        """Take a report; returns False where it does not follow the others, and all begins anew from it."""
        if self._is_started and abs(seconds - self.seconds_at(position)) < _JUMP_SECONDS:
            self._take(position, seconds)
            return True
        followed = not self._is_started
        self._is_started = True
        self._first, self._origin, self._newest = seconds, position, position
        self._weight, self._x, self._r, self._xx, self._xr = 1.0, 0.0, 0.0, 0.0, 0.0
        return followed

    def seconds_at(self, position: float) -> float:
        """When this sample's turn was or will be; there must have been a report."""
        return self._nominal(position) + self._late(position - self._newest)

    def position_at(self, seconds: float) -> float:
        """Which sample's turn it is then."""
        slope = self._slope()
        behind = seconds - self._nominal(self._newest) - self._late(0.0)
        return self._newest + behind / (1 / self._rate_hz + slope)

    def _take(self, position: int, seconds: float) -> None:
        step = position - self._newest
        keep = 1 - 1 / _MEMORY_UPDATES
        self._xx = (self._xx - 2 * step * self._x + step * step * self._weight) * keep
        self._xr = (self._xr - step * self._r) * keep
        self._x = (self._x - step * self._weight) * keep
        late = seconds - self._nominal(position)
        self._r = self._r * keep + late
        self._weight = self._weight * keep + 1
        self._newest = position

    def _nominal(self, position: float) -> float:
        return self._first + (position - self._origin) / self._rate_hz

    def _late(self, x: float) -> float:
        """By how many seconds the sample `x` after the newest report is later than the nominal rate says."""
        return self._r / self._weight + self._slope() * (x - self._x / self._weight)

    def _slope(self) -> float:
        """Seconds by which each sample is later than the last one would have it."""
        spread = self._xx - self._x * self._x / self._weight
        return (self._xr - self._x * self._r / self._weight) / (spread + self._prior)
