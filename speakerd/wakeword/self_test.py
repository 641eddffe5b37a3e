"""Whether the features come out right on this processor: a made sound whose features are known.

onnxruntime 1.27.0 computes exactly this embedding model wrongly on SME processors, and numpy 2.5.5 does on QEMU's
"max"; a speaker that hears wrongly would only seem deaf.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FRAME_SAMPLES

SETTLING_FRAMES = 16
"""Frames after which the embedding model knows nothing older: 10, and a reserve. A word's model adds its own frames."""

_MADE_SOUND_FRAMES = 16
_MADE_SOUND_FEATURES = (-7.425, 8.392, -3.391, -10.661, -25.902, -8.509, 15.612, -11.488, 24.626, 14.308, 7.743, 3.444)
"""Every 8th feature after the made sound; onnxruntime with and without optimisation and plain numpy agree to 0.0001."""
_FEATURE_TOLERANCE = 0.05
"""500 times the rounding seen; neighbouring frames of the made sound differ by 5 on average."""
_MOST_SCORE_OF_SILENCE = 0.05


def made_sound() -> NDArray[np.int16]:
    """A rising sawtooth with gaps, shape (16, 1280); whole numbers only, so that it is the same everywhere."""
    n = np.arange(_MADE_SOUND_FRAMES * FRAME_SAMPLES, dtype=np.int64)
    sawtooth = ((n * n // 40 + n * 9) % 1024 - 512) * 12
    sounding = n // 1600 % 3 != 2
    sound: NDArray[np.int16] = (sawtooth * sounding).astype(np.int16)
    return sound.reshape(_MADE_SOUND_FRAMES, FRAME_SAMPLES)


def check_features(features: NDArray[np.float32], runtime: str) -> None:
    """Compare the 96 features after the made sound with the known ones; raises ModelError."""
    if not np.allclose(features[::8], _MADE_SOUND_FEATURES, rtol=0, atol=_FEATURE_TOLERANCE):
        raise ModelError(
            f"{runtime} computes the wake word's features wrongly on this processor: install the versions of "
            "scripts/lock/runtime.txt; if they are, and this is an ARM processor, set OPENBLAS_CORETYPE=ARMV8."
        )


def check_silence(word: str, score: float, runtime: str) -> None:
    """Raises ModelError if a word scores for digital silence (not a number counts as a score)."""
    if not score < _MOST_SCORE_OF_SILENCE:
        raise ModelError(
            f"the wake word model {word} scores {score:.2f} for silence with {runtime}: it cannot be used on this "
            "processor; choose another word."
        )
