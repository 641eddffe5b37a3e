"""What scores the sound: an engine knows nothing of thresholds, and hears every frame in order."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 1280
"""80 ms, the step of openWakeWord's models."""


class Engine(Protocol):
    """Scores one wake word; one thread at a time."""

    def score(self, frame: NDArray[np.int16]) -> float:
        """Score from 0 to 1 after the next 1280 samples (mono, 16 kHz); raises ValueError for any other array."""

    def rearm(self) -> None:
        """Go on as if silence had been heard until now; returns within microseconds."""
