"""A test tone, and whether the microphone heard it; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, bytes_of

TONE_HZ = 880
TONE_SECONDS = 1.5

_AMPLITUDE = 8000
_EDGE_SECONDS = 0.05
_LEAST_RISE_DB = 10.0


def tone() -> bytes:
    """Mono 16-bit PCM at 24 kHz, soft at both ends."""
    seconds = np.arange(round(TONE_SECONDS * SESSION_RATE_HZ)) / SESSION_RATE_HZ
    edge = np.clip(np.minimum(seconds, TONE_SECONDS - seconds) / _EDGE_SECONDS, 0.0, 1.0)
    return bytes_of(np.rint(_AMPLITUDE * edge * np.sin(2 * np.pi * TONE_HZ * seconds)).astype(np.int16))


def rise_db(before: Sequence[NDArray[np.int16]], during: Sequence[NDArray[np.int16]]) -> float | None:
    """How much louder the tone's pitch was while it was played; None where too little was heard to tell."""
    if not before or not during:
        return None
    # The tone fills most of its time; the card's delay and both edges are in the rest.
    quiet, loud = (float(np.percentile([_power(sound) for sound in part], 75)) for part in (before, during))
    return 10 * float(np.log10(max(loud, 1e-3) / max(quiet, 1e-3)))


def is_heard(rise: float) -> bool:
    """Whether it cannot have been the room."""
    return rise >= _LEAST_RISE_DB


def _power(sound: NDArray[np.int16]) -> float:
    """Of the tone's pitch in a piece of sound at 16 kHz."""
    wide = sound.astype(np.float64) * np.hanning(len(sound))
    turning = np.exp(-2j * np.pi * TONE_HZ * np.arange(len(sound)) / WAKE_RATE_HZ)
    return float(abs(np.dot(wide, turning) / max(1, len(sound))) ** 2)
