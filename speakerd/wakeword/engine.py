"""What scores the sound: an engine knows nothing of thresholds, and hears every frame in order."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 1280
"""80 ms, the step of openWakeWord's models."""
FRAME_RATE_HZ = SAMPLE_RATE_HZ / FRAME_SAMPLES
"""12.5 frames in a second."""
FEATURES = 96
"""How many numbers describe one frame's surroundings (the embedding model's output)."""


class Engine(Protocol):
    """Scores some wake words; one thread at a time."""

    @property
    def words(self) -> tuple[str, ...]:
        """The wake words, in the order of the scores."""

    def score(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        """Scores from 0 to 1, shape (words,), after the next 1280 samples (mono, 16 kHz); valid until the next call.

        Raises ValueError for any other array.
        """

    def rearm(self) -> None:
        """Go on as if silence had been heard until now; returns within microseconds."""


class Head(Protocol):
    """The small model of one wake word: features in, score out."""

    @property
    def feature_frames(self) -> int:
        """How many frames of features it looks at; 16 in openWakeWord's own models."""

    def __call__(self, features: NDArray[np.float32]) -> float:
        """Score from 0 to 1 of float32[feature_frames, 96], oldest first."""


def check_frame(frame: NDArray[np.int16]) -> None:
    """Raises ValueError unless this is int16[1280]."""
    if frame.dtype != np.int16 or frame.shape != (FRAME_SAMPLES,):
        raise ValueError(f"a frame is int16[{FRAME_SAMPLES}], not {frame.dtype}{list(frame.shape)}")
