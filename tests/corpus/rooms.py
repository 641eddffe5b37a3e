"""Made rooms: what a far microphone hears of a voice. Pure and seeded; every room conserves energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.sound import SAMPLE_RATE_HZ, Sound


@dataclass(frozen=True, slots=True)
class Room:
    """What decides how a room sounds."""

    decay_seconds: float
    """Until the reverberation has fallen by 60 dB (RT60)."""
    direct_db: float
    """Energy of the direct sound over that of all reflections."""
    reflection_ms: tuple[float, float]
    """When the first reflections come after the direct sound."""


ROOMS = {
    "dry": None,
    "small": Room(decay_seconds=0.25, direct_db=6, reflection_ms=(2, 15)),
    "large": Room(decay_seconds=0.7, direct_db=0, reflection_ms=(8, 50)),
}
_EARLY = 6
_EARLY_SHARE = 0.4
"""Of the reflected energy; the rest is the decaying tail."""


def impulse(room: str, seed: int) -> Sound:
    """The impulse response: energy 1, the direct sound at sample 0, so that words end when they were spoken."""
    shape = ROOMS[room]
    if shape is None:
        return np.ones(1)
    rng = np.random.default_rng(seed)
    samples = round(shape.decay_seconds * SAMPLE_RATE_HZ)
    instants = np.arange(samples) / SAMPLE_RATE_HZ
    first, last = shape.reflection_ms
    tail = rng.standard_normal(samples) * 10 ** (-3 * instants / shape.decay_seconds)
    tail[: round(first / 1000 * SAMPLE_RATE_HZ)] = 0
    early = np.zeros(samples)
    at = np.sort(rng.uniform(first, last, _EARLY)) / 1000
    early[np.round(at * SAMPLE_RATE_HZ).astype(int)] = rng.choice((-1, 1), _EARLY) * first / (at * 1000)
    reflected = _energy(early, _EARLY_SHARE) + _energy(tail, 1 - _EARLY_SHARE)
    direct = 10 ** (shape.direct_db / 10)
    reflected = _energy(reflected, 1 / (1 + direct))
    reflected[0] = np.sqrt(direct / (1 + direct))
    return reflected


def heard_in(sound: Sound, room: str, seed: int) -> Sound:
    """The sound with the room's reverberation after its end."""
    response = impulse(room, seed)
    samples = len(sound) + len(response) - 1
    length = 1 << samples.bit_length()
    return np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(response, length), length)[:samples]


def _energy(sound: Sound, energy: float) -> Sound:
    scaled: Sound = sound * np.sqrt(energy / np.sum(np.square(sound)))
    return scaled
