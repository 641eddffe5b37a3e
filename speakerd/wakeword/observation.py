"""What the ears observed in one frame, for whoever looks on: the meter of `wake-test`, the control socket, a test.

Nobody's decision follows from an observation. It is made only while somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import peak_dbfs

SILENCE_DBFS = -100.0
"""The level of digital silence: below what one bit of 16 makes (-90.3), and a number that JSON has."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame of 80 ms."""

    scores: Mapping[str, float]
    """Score from 0 to 1 of each wake word, the first word of the settings first."""
    thresholds: Mapping[str, float]
    """The threshold that counts now, for each wake word."""
    end_sample: int
    """Capture position (16 kHz samples) after the frame."""
    level_dbfs: float
    """Peak of the frame; full scale is 0, digital silence SILENCE_DBFS."""
    detected: str | None = None
    """The wake word that this frame completed."""


Observe = Callable[[Observation], None]
"""Takes the observation of every frame; called in the audio thread, and must return at once."""


def frame_level_dbfs(frame: NDArray[np.int16]) -> float:
    """Peak of a frame, at least SILENCE_DBFS."""
    return max(SILENCE_DBFS, peak_dbfs(frame))


def observation_of(message: Mapping[str, object]) -> Observation:
    """The observation in a "score" event of the control socket; raises ValueError if there is none."""
    match message:
        case {
            "scores": dict(scores),
            "thresholds": dict(thresholds),
            "end_sample": int(end_sample),
            "level_dbfs": int() | float() as level_dbfs,
            "detected": str() | None as detected,
        } if scores.keys() == thresholds.keys() != set() and _are_numbers(scores) and _are_numbers(thresholds):
            return Observation(scores, thresholds, end_sample, float(level_dbfs), detected)
    raise ValueError("this is no observation")


def _are_numbers(table: Mapping[str, object]) -> bool:
    return all(isinstance(value, int | float) for value in table.values())
