"""WAV files as the frames that the ears hear: whatever rate and channels they have, read piece by piece."""

from __future__ import annotations

import math
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ, WakeFramer, one_channel
from speakerd.audio.resample import Resampler
from speakerd.errors import RecordingError
from speakerd.wakeword.engine import FRAME_SAMPLES

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
MOST_CHANNELS = 8
_BITS = (16, 24, 32)
_LONGEST_PHASES = 50_000
"""A rate that has no simple ratio to 16 kHz would need a filter of hundreds of megabytes."""
_PIECE_FRAMES = 16_384
SILENCE_AFTER_SECONDS = 1
"""A score comes late: a file that is cut at the end of the word needs silence after it."""


def wav_files(paths: Iterable[Path]) -> list[Path]:
    """The files, and those *.wav that are in a folder; raises RecordingError where there is none."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(entry for entry in path.iterdir() if entry.suffix.lower() == ".wav")
        if not inside:
            raise RecordingError(f"There is no .wav file in {path}: name files, or another folder.")
        found += inside
    return found


def wav_frames(path: Path) -> Iterator[NDArray[np.int16]]:
    """Frames of int16[1280] at 16 kHz, one second of silence at the end; raises RecordingError."""
    framer = WakeFramer()
    for piece in _at_wake_rate(path):
        yield from framer.cut(piece)
    yield from framer.cut(np.zeros(-len(framer.waiting) % FRAME_SAMPLES, np.int16))


def _at_wake_rate(path: Path) -> Iterator[NDArray[np.int16]]:
    try:
        with wave.open(str(path), "rb") as file:
            resampler = Resampler(_checked_rate(path, file), WAKE_RATE_HZ)
            while pcm := file.readframes(_PIECE_FRAMES):
                yield resampler.process(_mono(pcm, file.getnchannels(), file.getsampwidth()))
            yield resampler.drain()
            yield np.zeros(SILENCE_AFTER_SECONDS * WAKE_RATE_HZ, np.int16)
    except (wave.Error, EOFError) as error:
        raise RecordingError(f"{path} is no WAV file of whole-number PCM: convert it, as with `sox`.") from error
    except OSError as error:
        raise RecordingError(f"{path} cannot be read ({error.strerror}): check its name.") from error


def _checked_rate(path: Path, file: wave.Wave_read) -> int:
    rate_hz, channels, bits = file.getframerate(), file.getnchannels(), 8 * file.getsampwidth()
    if bits not in _BITS:
        raise RecordingError(f"{path} has samples of {bits} bits: convert it to 16, 24 or 32 bits.")
    if not 1 <= channels <= MOST_CHANNELS:
        raise RecordingError(f"{path} has {channels} channels: convert it to {MOST_CHANNELS} at most.")
    has_simple_ratio = max(rate_hz, WAKE_RATE_HZ) // math.gcd(rate_hz, WAKE_RATE_HZ) <= _LONGEST_PHASES
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ or not has_simple_ratio:
        raise RecordingError(f"{path} has a rate of {rate_hz} Hz: convert it to 16000 Hz.")
    return rate_hz


def _mono(pcm: bytes, channels: int, sample_bytes: int) -> NDArray[np.int16] | NDArray[np.float32]:
    """The mean of the channels; an incomplete last frame is left out."""
    frame_bytes = channels * sample_bytes
    pcm = pcm[: len(pcm) - len(pcm) % frame_bytes]
    if sample_bytes == 2:
        return one_channel(pcm, channels, 0)
    mean = _wide(pcm, sample_bytes).reshape(-1, channels).mean(axis=1)
    scaled: NDArray[np.float32] = (mean / 2**31).astype(np.float32)
    return scaled


def _wide(pcm: bytes, sample_bytes: int) -> NDArray[np.int32]:
    """Samples of 24 or 32 bits on the scale of 32."""
    if sample_bytes == 4:
        return np.frombuffer(pcm, "<i4")
    padded = np.zeros((len(pcm) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
    return padded.reshape(-1).view("<i4")
