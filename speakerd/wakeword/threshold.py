"""A threshold that learns from mistakes, within bounds. Pure: time is the position in samples.

What is learned is an offset to the base, so that it holds by day and by night: an activation after which nobody spoke
raises it, a wanted one that had to be said twice lowers it, and in hours without either it is forgotten.
"""

from __future__ import annotations

from collections import deque

from speakerd.wakeword.engine import SAMPLE_RATE_HZ

LOWEST = 0.05
HIGHEST = 0.99
"""An adaptive threshold beyond these would hear everything or nothing."""

STEP_SHARE = 0.25
"""Share of the range that one mistake is worth: four of a kind reach the bound."""
HALF_LIFE_SAMPLES = 6 * 3600 * SAMPLE_RATE_HZ
"""After a night, the noise of an evening with guests is mostly forgotten."""
REPEATED_WITHIN_SAMPLES = 10 * SAMPLE_RATE_HZ
"""Who was not heard says it again within so long."""
SAME_UTTERANCE_SAMPLES = SAMPLE_RATE_HZ // 2
"""Nobody says the word again faster than this; a bump nearer to the detection belongs to its own word."""

_BUMP_ENDS_AFTER_FRAMES = 2
_MISSES_KEPT = 16


class AdaptiveThreshold:
    """The offset of one word's threshold, never more than the range either way; a range of 0 is a fixed threshold."""

    _sample: int | None
    _peak: float
    _frames_below: int

    def __init__(self, adaptive_range: float) -> None:
        self._range = adaptive_range
        self._offset = 0.0
        self._misses: deque[int] = deque(maxlen=_MISSES_KEPT)
        self._forget_times()

    def of(self, base: float) -> float:
        """The threshold as it now is for a base; within the range around it and from 0.05 to 0.99 unless fixed."""
        if self._range == 0:
            return base
        return _clamped(_clamped(base + self._offset, base - self._range, base + self._range), LOWEST, HIGHEST)

    def hear(self, score: float, base: float, end_sample: int) -> None:
        """Take a frame's score, for its peaks that nearly reached the threshold, and the time, for forgetting."""
        if self._range == 0:
            return
        if self._sample is not None:
            self._offset *= 0.5 ** (max(0, end_sample - self._sample) / HALF_LIFE_SAMPLES)
        self._sample = end_sample
        if score >= max(LOWEST, base - self._range):
            self._peak = max(self._peak, score)
            self._frames_below = 0
            return
        self._frames_below += 1
        if self._frames_below == _BUMP_ENDS_AFTER_FRAMES:
            if 0 < self._peak < self.of(base):
                self._misses.append(end_sample)
            self._peak = 0.0

    def judge(self, was_wanted: bool, sample: int) -> None:
        """Learn whether somebody wanted the detection at a position; of those wanted, only a repeated one counts."""
        if not was_wanted:
            self._move(STEP_SHARE)
            return
        ages = [sample - missed for missed in self._misses]
        if any(SAME_UTTERANCE_SAMPLES <= age <= REPEATED_WITHIN_SAMPLES for age in ages):
            self._move(-STEP_SHARE)
        # What happened before it is answered by it; what happened since may yet be repeated.
        self._misses = deque((missed for missed in self._misses if missed > sample), maxlen=_MISSES_KEPT)

    def change(self, adaptive_range: float) -> None:
        """Use another range from now on; what was learned is kept as far as it allows."""
        self._range = adaptive_range
        self._move(0)

    def reset(self) -> None:
        """Positions begin anew; what was learned stays."""
        self._misses.clear()
        self._forget_times()

    def _forget_times(self) -> None:
        self._sample = None
        self._peak = 0.0
        self._frames_below = 0

    def _move(self, share: float) -> None:
        self._offset = _clamped(self._offset + share * self._range, -self._range, self._range)


def _clamped(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
