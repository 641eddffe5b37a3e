"""What sounds in the fake card's room: mixed into mic.raw, where several may speak at once."""

from __future__ import annotations

import fcntl
import os
from io import FileIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MIX_FRAMES = 24_000
"""Mixed at once, so that nobody waits long for the room."""


def mix_into(
    file: FileIO, dtype: np.dtype[Any], channels: int, start: int, sound: NDArray[np.float32], channel: int | None
) -> None:
    """Add mono sound of -1 to 1 to an open mic.raw from frame `start` on, in all channels or one."""
    for at in range(0, len(sound), _MIX_FRAMES):
        fcntl.flock(file, fcntl.LOCK_EX)  # others in the room speak at the same time
        _add(file.fileno(), dtype, channels, start + at, sound[at : at + _MIX_FRAMES], channel)
        fcntl.flock(file, fcntl.LOCK_UN)


def _add(
    file: int, dtype: np.dtype[Any], channels: int, start: int, sound: NDArray[np.float32], channel: int | None
) -> None:
    offset = start * channels * dtype.itemsize
    size = len(sound) * channels * dtype.itemsize
    there = np.frombuffer(os.pread(file, size, offset).ljust(size, b"\0"), dtype)
    room = there.reshape(-1, channels).astype(np.float64)
    full_scale = -float(np.iinfo(dtype).min)
    loud = np.rint(sound.astype(np.float64) * full_scale)
    if channel is None:
        room += loud[:, None]
    else:
        room[:, channel] += loud
    np.clip(room, -full_scale, full_scale - 1, out=room)
    os.pwrite(file, room.astype(dtype).tobytes(), offset)


def pink_noise(frames: int, level_dbfs: float, seed: int) -> NDArray[np.float32]:
    """Noise of -1 to 1 with a power of 1/f that joins its own beginning without a click."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, frames)
    noise *= 10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2))
    return noise.astype(np.float32)
