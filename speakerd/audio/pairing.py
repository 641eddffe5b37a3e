"""Which of our own sound belongs to what a microphone of another clock hears, pure: both are paired by their times.

A far end that comes 20 ms late breaks every canceller, so it is given a little early; and as two crystals never agree,
a sample is left out or doubled now and then, which no canceller notices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.preroll import PrerollRing
from speakerd.audio.stream_clock import StreamClock

LEAD_MS = 8
"""How much earlier than it is heard our own sound is paired: more than the jitter of the times."""
_RING_SECONDS = 1
_JUMP_MS = 5
_SLIP_SAMPLES = 0.75


class Pairing:
    """Two streams at one nominal rate. Not thread-safe: the caller holds a lock."""

    def __init__(self, rate_hz: int) -> None:
        self.near_clock = StreamClock(rate_hz)
        self.far_clock = StreamClock(rate_hz)
        self._rate_hz = rate_hz
        self._ring = PrerollRing(rate_hz * _RING_SECONDS)
        self._captured = 0
        self._next: int | None = None
        """Position of the next sample of our own sound to hand out."""
        self._far_jumped = False

    def played(self, samples: NDArray[np.int16], seconds: float, *, was_lost: bool = False) -> None:
        """The card was given these samples, the first of which is heard at this time.

        `was_lost`: it ran dry before, so that earlier times say nothing of these.
        """
        if was_lost:
            self.far_clock = StreamClock(self._rate_hz)
        followed = self.far_clock.update(self._ring.end, seconds)
        self._far_jumped = self._far_jumped or was_lost or not followed
        self._ring.append(samples)

    def far_for(self, count: int, seconds: float, *, was_lost: bool = False) -> tuple[NDArray[np.int16], bool]:
        """What belongs to the next `count` captured samples, the first of which was heard at this time.

        Also whether it does not follow what was handed out before. `was_lost`: samples are missing before them.
        """
        if was_lost:
            self.near_clock = StreamClock(self._rate_hz)
        has_jumped = not self.near_clock.update(self._captured, seconds) or was_lost
        begin = self.near_clock.seconds_at(self._captured)
        self._captured += count
        if self._ring.end == 0:
            return np.zeros(count, np.int16), False
        wanted = self.far_clock.position_at(begin + LEAD_MS / 1000)
        if self._next is None:
            self._next = round(wanted)
        off = wanted - self._next
        is_anew = has_jumped or self._far_jumped or abs(off) > self._rate_hz * _JUMP_MS / 1000
        self._far_jumped = False
        start = round(wanted) if is_anew else self._next + _slip(off)
        self._next = start + count
        return self._read(start, count), is_anew

    def _read(self, start: int, count: int) -> NDArray[np.int16]:
        """Samples of the ring; silence where there are none (yet)."""
        found = np.zeros(count, np.int16)
        first, last = max(start, self._ring.start), min(start + count, self._ring.end)
        if first < last:
            found[first - start : last - start] = self._ring.read(first, last)
        return found


def _slip(samples_late: float) -> int:
    if abs(samples_late) <= _SLIP_SAMPLES:
        return 0
    return 1 if samples_late > 0 else -1
