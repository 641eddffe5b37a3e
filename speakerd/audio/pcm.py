"""Sound as numbers, pure: everything between modules is mono int16; bytes are little-endian; float32 runs from -1 to 1.

Rates are named here once: the wake word and the session each have their own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

WAKE_RATE_HZ = 16_000
"""Rate of the wake word's frames, and of capture positions in events."""
WAKE_FRAME_SAMPLES = 1280
"""Samples of one frame for the wake word: 80 ms."""
SESSION_RATE_HZ = 24_000
"""Rate of audio to and from an endpoint."""

_INT16: np.dtype[np.int16] = np.dtype("<i2")
_INT32: np.dtype[np.int32] = np.dtype("<i4")
_LEAST, _MOST = np.array(-32768.0), np.array(32767.0)


class WakeFramer:
    """Cuts samples at 16 kHz into frames for the wake word; what is too short for one waits for more."""

    def __init__(self) -> None:
        self.waiting = np.zeros(0, np.int16)
        """Samples after the last whole frame."""

    def cut(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """The frames that are whole now, shape (frames, 1280)."""
        together = np.concatenate((self.waiting, samples))
        whole = len(together) - len(together) % WAKE_FRAME_SAMPLES
        self.waiting = together[whole:]
        return together[:whole].reshape(-1, WAKE_FRAME_SAMPLES)


def samples_of(pcm: bytes) -> NDArray[np.int16]:
    """Samples of 16-bit little-endian PCM, read-only; an odd last byte is left out."""
    return np.frombuffer(pcm, _INT16, len(pcm) // 2)


def bytes_of(samples: NDArray[np.int16]) -> bytes:
    """16-bit little-endian PCM of int16 samples."""
    return samples.astype(_INT16, copy=False).tobytes()


def to_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Samples of int16 as float32 from -1 to just under 1."""
    scaled: NDArray[np.float32] = np.divide(samples, 32768, dtype=np.float32)
    return scaled


def to_int16(samples: NDArray[np.int16] | NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples from -1 to 1 as int16, rounded, and clipped where they are louder; int16 stays as it is."""
    if samples.dtype == np.int16:
        return samples.astype(np.int16, copy=False)
    return clip_int16(samples.astype(np.float64) * 32768)


def clip_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Samples on the scale of int16, rounded and clipped."""
    rounded: NDArray[np.floating] = np.rint(samples)
    np.minimum(np.maximum(rounded, _LEAST, out=rounded), _MOST, out=rounded)  # half the time of `clip`
    return rounded.astype(np.int16)


def one_channel(
    pcm: bytes, channels: int, channel: int, gain: float = 1.0, *, is_32_bit: bool = False
) -> NDArray[np.int16]:
    """Mono of interleaved frames of 16 or 32 bits: one channel, counted from 1, or (0) the mean of all; rounded."""
    frames: NDArray[Any] = np.frombuffer(pcm, _INT32 if is_32_bit else _INT16).reshape(-1, channels)
    if channel or channels == 1:
        one: NDArray[np.integer] | NDArray[np.float64] = frames[:, max(0, channel - 1)]
        if gain == 1.0 and not is_32_bit:
            return np.ascontiguousarray(one, np.int16)
    else:
        one, gain = _sum_of(frames), gain / channels
    return clip_int16(one * (gain / 65536 if is_32_bit else gain))


def mean_of(interleaved: NDArray[np.int16], channels: int) -> NDArray[np.float64]:
    """Mono of interleaved samples on the scale of int16, not rounded: what filters it does so."""
    mean = _sum_of(interleaved.reshape(-1, channels))
    mean *= 1 / channels
    return mean


def on_all_channels(mono: NDArray[np.int16], channels: int, *, is_32_bit: bool = False) -> bytes:
    """Interleaved frames of 16 or 32 bits with the same sample on each channel."""
    samples = mono.astype(_INT32) << 16 if is_32_bit else mono.astype(_INT16, copy=False)
    return samples.tobytes() if channels == 1 else samples.repeat(channels).tobytes()


def ms_of(samples: int, rate_hz: int) -> int:
    """Whole milliseconds in a count of samples, rounded down."""
    return samples * 1000 // rate_hz


def samples_in(ms: int, rate_hz: int) -> int:
    """Whole samples in a stretch of milliseconds, rounded down."""
    return ms * rate_hz // 1000


def peak_dbfs(samples: NDArray[np.int16]) -> float:
    """Level of the largest sample; full scale is 0, silence is minus infinity."""
    return _decibels(float(np.abs(samples.astype(np.int32)).max(initial=0)))


def rms_dbfs(samples: NDArray[np.int16]) -> float:
    """Root mean square; a square wave of full scale is 0, silence is minus infinity."""
    if not len(samples):
        return -math.inf
    exact = samples.astype(np.float64)
    return _decibels(math.sqrt(float(np.dot(exact, exact)) / len(samples)))


def frames_dbfs(samples: NDArray[np.int16], frame_samples: int) -> list[float]:
    """`rms_dbfs` of each frame; there are only whole ones."""
    frames = samples.astype(np.float64).reshape(-1, frame_samples)
    return [_decibels(math.sqrt(energy / frame_samples)) for energy in np.vecdot(frames, frames).tolist()]


def _sum_of(frames: NDArray[np.integer]) -> NDArray[np.float64]:
    """All channels of each frame together: in a third of the time that a sum over the axis takes."""
    total: NDArray[np.float64] = frames[:, 0].astype(np.float64)
    for other in range(1, frames.shape[1]):
        total += frames[:, other]
    return total


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude / 32768) if amplitude > 0 else -math.inf
