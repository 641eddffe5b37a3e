"""16 kHz mono sound as float64 from -1 to 1, and as int16 WAV files that are written whole or not at all."""

from __future__ import annotations

import io
import math
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
Sound = NDArray[np.float64]
_QUIET = 10 ** (-45 / 20)
"""Relative to the loudest window; a final /s/ lies about 15 dB above it."""
_WINDOW_SAMPLES = 80


def write(path: Path, sound: Sound) -> None:
    """Writes mono int16 at 16 kHz; what is beyond full scale is clipped."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.clip(np.round(sound * 32768), -32768, 32767).astype("<i2").tobytes())
    write_bytes(path, content.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file that is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def read(path: Path) -> Sound:
    """The sound of a file that `write` wrote."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def seconds(path: Path) -> float:
    """How long a WAV file lasts."""
    with wave.open(str(path)) as file:
        return float(file.getnframes() / file.getframerate())


def from_wav(content: bytes) -> Sound:
    """16 kHz sound of a mono int16 WAV of any rate, even one whose header (a pipe's) lies about the length."""
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        return resampled(samples, file.getframerate())


def resampled(sound: Sound, from_hz: int, to_hz: int = SAMPLE_RATE_HZ) -> Sound:
    """The whole sound at another rate, band-limited by its spectrum."""
    if from_hz == to_hz or not len(sound):
        return sound
    divisor = math.gcd(from_hz, to_hz)
    down, up = from_hz // divisor, to_hz // divisor
    blocks = _smooth(len(sound) // down + 64)  # the silence after the end keeps it from ringing into the start
    spectrum = np.fft.rfft(sound, down * blocks)[: min(down, up) * blocks // 2 + 1]
    return np.fft.irfft(spectrum, up * blocks)[: round(len(sound) * to_hz / from_hz)] * (up / down)


def rms(sound: Sound) -> float:
    """Root of the mean square; 0 for nothing."""
    return float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0


def amplitude(decibels: float) -> float:
    """The factor that so many dB are."""
    return float(10 ** (decibels / 20))


def trimmed(sound: Sound) -> Sound:
    """The sound from its first to its last window of 5 ms that is less than 45 dB below the loudest one."""
    windows = np.pad(sound, (0, -len(sound) % _WINDOW_SAMPLES)).reshape(-1, _WINDOW_SAMPLES)
    loudness = np.sqrt(np.mean(np.square(windows), axis=1))
    audible = np.flatnonzero(loudness > loudness.max(initial=0) * _QUIET)
    if not len(audible):
        return sound[:0]
    return sound[audible[0] * _WINDOW_SAMPLES : (audible[-1] + 1) * _WINDOW_SAMPLES]


def white(samples: int, seed: int) -> Sound:
    """White noise with an RMS of 1."""
    noise = np.random.default_rng(seed).standard_normal(samples)
    return noise / rms(noise)


def coloured(samples: int, seed: int, exponent: float) -> Sound:
    """Noise whose power falls with frequency to the exponent (1: pink, 2: brown) from 40 Hz up; RMS 1."""
    spectrum = np.fft.rfft(white(samples, seed))
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(spectrum * np.maximum(hz, 40) ** (-exponent / 2), samples)
    return noise / rms(noise)


def _smooth(least: int) -> int:
    """The next number whose Fourier transform is fast."""
    number = least
    while True:
        rest = number
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1
