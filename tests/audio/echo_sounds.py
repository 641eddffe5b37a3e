"""Sounds for tests of echo: noise like speech, and a small linear room without noise of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import clip_int16

RATE_HZ = 16_000
Sound = NDArray[np.int16]


def speech_shaped(seconds: float, seed: int, rms: float = 3_000, rate_hz: int = RATE_HZ) -> Sound:
    """Syllables of noise with the spectrum of speech: most of it is below 1 kHz, and four times a second it is soft."""
    count = round(seconds * rate_hz)
    hz = np.fft.rfftfreq(count, 1 / rate_hz)
    white = np.random.default_rng(seed).standard_normal(count)
    shaped = np.fft.irfft(np.fft.rfft(white) * (hz < 7_000) / np.sqrt(1 + (hz / 500) ** 3), count)
    shaped *= np.clip(np.sin(2 * np.pi * 2 * np.arange(count) / rate_hz), 0.02, 1)
    return clip_int16(shaped * rms / np.sqrt(np.mean(shaped**2)))


def echo_of(far: Sound, delay_ms: float, gain: float = 0.5) -> Sound:
    """What a room of 50 ms makes of it."""
    random = np.random.default_rng(2)
    response = random.normal(0, 0.16, 800) * np.exp(-np.arange(800) / 150)
    response[0] = 1.0
    wet = np.convolve(far.astype(float), response * gain)
    delayed = np.concatenate((np.zeros(round(delay_ms * RATE_HZ / 1000)), wet))[: len(far)]
    return clip_int16(delayed + random.normal(0, 3, len(far)))


def in_pieces(process: Callable[[Sound, Sound], Sound], near: Sound, far: Sound, piece: int = 320) -> Sound:
    """What a canceller makes of pieces of 20 ms."""
    starts = range(0, len(near), piece)
    return np.concatenate([process(near[at : at + piece], far[at : at + piece]) for at in starts])
