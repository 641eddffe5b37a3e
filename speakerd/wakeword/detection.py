"""When a row of scores is a detection. Pure: time is the position in samples, so there is no clock.

One stretch of frames at or above the threshold is at most one detection, however long it lasts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detected:
    """The detector's claim that the wake word was said."""

    score: float
    """The highest score of the stretch so far."""
    sample: int
    """Position (16 kHz samples) at which the frame ended that completed the patience."""


class Detection:
    """Threshold, patience and refractory over one score for each frame, without gaps."""

    def __init__(self, threshold: float, patience_frames: int, refractory_samples: int) -> None:
        self._threshold = threshold
        self._patience_frames = patience_frames
        self._refractory_samples = refractory_samples
        self._deaf_until_sample = 0
        self._frames = 0
        self._peak = 0.0
        self._reported = False

    def feed(self, score: float, end_sample: int) -> Detected | None:
        """Take the score of the frame that ends at a position in 16 kHz samples."""
        if score < self._threshold:
            self._end_stretch()
            return None
        self._frames += 1
        self._peak = max(self._peak, score)
        if self._reported or self._frames < self._patience_frames or end_sample < self._deaf_until_sample:
            return None
        self._reported = True
        self._deaf_until_sample = end_sample + self._refractory_samples
        return Detected(self._peak, end_sample)

    def reset(self) -> None:
        """Forget everything, the refractory too: positions may begin anew at 0."""
        self._deaf_until_sample = 0
        self._end_stretch()

    def _end_stretch(self) -> None:
        self._frames = 0
        self._peak = 0.0
        self._reported = False
