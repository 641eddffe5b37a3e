"""The echo room, pure: what a loudspeaker plays comes back to a microphone, with room noise and people who speak.

The way of the far end: band limit 150 Hz to 7 kHz, non-linearity, impulse response of the room, delay. Sound is
float32 of -1 to 1 between int16 at both ends. acoustics_room.py joins it to fake sound cards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from speakerd.demo.acoustics_filters import (
    Convolver,
    Interpolator,
    Signal,
    active_rms,
    at_rate,
    band_response,
    convolved,
    decibels,
    distorted,
    room_response,
    to_float,
    to_int16,
)
from speakerd.demo.fakecard_sound import pink_noise

_ECHO_DIRECT_DB = 8.0
"""The microphone is a hand's breadth from the loudspeaker: the direct sound dominates."""
_NEAR_DIRECT_DB = 0.0
"""A talker at about 1.5 m."""
_REFERENCE_DBFS = -20.0
_NOISE_SECONDS = 10
_SCENE_HZ = 16_000
_CHAIN_HZ = 48_000


Times = TypeVar("Times", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """What kind of room it is; every chance in it comes from `seed`."""

    delay_ms: float = 80.0
    """From leaving the loudspeaker to reaching the microphone; on a fake card less than 60 cannot be kept."""
    jump: tuple[float, float] | None = None
    """(at_seconds, ms): from then on the delay is longer by so much."""
    nonlinearity: float = 1.2
    """Of the loudspeaker: 1.2 is mild, 4 strong, 0 none."""
    rt60_seconds: float = 0.35
    echo_gain_db: float = 0.0
    """RMS of active speech at the microphone relative to that in the loudspeaker's samples, for speech of -20 dBFS."""
    noise_dbfs: float | None = -62.0
    """RMS of the pink room noise; None is none."""
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.delay_ms, self.delay_ms + (self.jump[1] if self.jump else 0.0)) < 0:
            raise ValueError("An echo cannot come before its sound: make the delay longer, or the jump shorter.")

    def delay_seconds(self, at_seconds: Times) -> Times:
        """The delay of what reaches the microphone at a time."""
        jump_at, jump_ms = self.jump or (0.0, 0.0)
        return (jump_ms * (at_seconds >= jump_at) + self.delay_ms) / 1000


class Acoustics:
    """One loudspeaker, one microphone and one clock, as a stream in frames of 20 ms."""

    def __init__(self, settings: RoomSettings | None = None, rate_hz: int = _CHAIN_HZ) -> None:
        self.settings = settings or RoomSettings()
        self.rate_hz = rate_hz
        self.frame = rate_hz // 50
        """Samples of a frame."""
        room = _echo_response(self.settings, rate_hz)
        self._band = Convolver(band_response(rate_hz), self.frame)
        self._room = Convolver(room, self.frame)
        self.noise = Noise(self.settings, rate_hz)
        self._echo = np.zeros(self._longest_delay(), np.float32)
        self._passed = 0

    def process(self, far: NDArray[np.int16]) -> NDArray[np.int16]:
        """The next whole frames of the microphone for the next of the loudspeaker, at the same times."""
        if len(far) % self.frame:
            raise ValueError(f"The room takes whole frames of {self.frame} samples, not {len(far)}.")
        pieces = [self.echo(frame) for frame in to_float(far).reshape(-1, self.frame)]
        line = np.concatenate([self._echo, *pieces])
        now = np.arange(self._passed, self._passed + len(far))
        delay = np.rint(self.settings.delay_seconds(now / self.rate_hz) * self.rate_hz).astype(int)
        heard = line[len(self._echo) + now - self._passed - delay]
        self._echo = line[len(far) :]
        self._passed += len(far)
        return to_int16(heard + self.noise.next(len(far)))

    def echo(self, far: Signal) -> Signal:
        """The next frame of the echo without its delay, for the next frame of the loudspeaker."""
        return self._room.process(distorted(self._band.process(far), self.settings.nonlinearity))

    def _longest_delay(self) -> int:
        longest = self.settings.delay_ms + max(0.0, self.settings.jump[1] if self.settings.jump else 0.0)
        return round(longest * self.rate_hz / 1000) + 1


class Noise:
    """Pink room noise without an end; it repeats itself every 10 seconds."""

    def __init__(self, settings: RoomSettings, rate_hz: int) -> None:
        level = settings.noise_dbfs
        frames = rate_hz * _NOISE_SECONDS
        self._period = np.zeros(1, np.float32) if level is None else pink_noise(frames, level, settings.seed)
        self._at = 0

    def next(self, frames: int) -> Signal:
        """The next samples."""
        at, end = self._at, self._at + frames
        self._at = end % len(self._period)
        if end <= len(self._period):
            return self._period[at:end].copy()
        return self._period[np.arange(at, end) % len(self._period)]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a microphone hears at 16 kHz, and the parts of which that is the sum; `far` is what was played."""

    far: NDArray[np.int16]
    mic: NDArray[np.int16]
    echo: Signal
    near: Signal
    noise: Signal


def scene(
    far: NDArray[np.int16],
    near_at: Sequence[tuple[float, NDArray[np.int16]]] = (),
    settings: RoomSettings | None = None,
    *,
    near_dbfs: float = -30.0,
    drift_ppm: float = 0.0,
) -> Scene:
    """A whole scene at 16 kHz at once, as long as the far end; near-end speech begins at its seconds.

    `near_dbfs` is the RMS of each active speech at the microphone; `drift_ppm` is how much faster the microphone's
    clock runs than the loudspeaker's.
    """
    room = settings or RoomSettings()
    seconds = np.arange(len(far)) / (_SCENE_HZ * (1 + drift_ppm / 1e6))
    dry = at_rate(_whole_echo(at_rate(to_float(far), _SCENE_HZ, _CHAIN_HZ), room), _CHAIN_HZ, _SCENE_HZ)
    places = (seconds - room.delay_seconds(seconds)) * _SCENE_HZ
    echo = Interpolator(_SCENE_HZ, _SCENE_HZ).read_long(dry, places)
    near = np.zeros(len(far), np.float32)
    for at_seconds, pcm in near_at:
        start = round(at_seconds * _SCENE_HZ)
        speech = spoken(pcm, _SCENE_HZ, near_dbfs, room, _SCENE_HZ)[: len(near) - start]
        near[start : start + len(speech)] += speech
    noise = Noise(room, _SCENE_HZ).next(len(far))
    return Scene(far, to_int16(echo + near + noise), echo, near, noise)


def heard(
    far: NDArray[np.int16],
    near_at: Sequence[tuple[float, NDArray[np.int16]]] = (),
    settings: RoomSettings | None = None,
    *,
    near_dbfs: float = -30.0,
    drift_ppm: float = 0.0,
) -> NDArray[np.int16]:
    """What the microphone of a `scene` hears."""
    return scene(far, near_at, settings, near_dbfs=near_dbfs, drift_ppm=drift_ppm).mic


def calibrated(settings: RoomSettings, far: NDArray[np.int16], echo_dbfs: float) -> RoomSettings:
    """The same room with the gain at which the echo of this far end, 16 kHz, has an active RMS of `echo_dbfs`."""
    is_dbfs = 20 * math.log10(active_rms(scene(far, settings=settings).echo, _SCENE_HZ))
    return replace(settings, echo_gain_db=settings.echo_gain_db + echo_dbfs - is_dbfs)


def spoken(pcm: NDArray[np.int16], rate_hz: int, level_dbfs: float, settings: RoomSettings, to_hz: int) -> Signal:
    """Near-end speech as it reaches the microphone, with its reverberation; `level_dbfs` is its active RMS there."""
    tail = np.zeros(round(settings.rt60_seconds * to_hz), np.float32)
    speech = np.concatenate((at_rate(to_float(pcm), rate_hz, to_hz), tail))
    response = room_response(to_hz, settings.rt60_seconds, _NEAR_DIRECT_DB, settings.seed + 1)
    reverberant = convolved(speech, response)
    loudness = active_rms(reverberant, to_hz)
    return reverberant * (decibels(level_dbfs) / np.float32(loudness)) if loudness else reverberant


def _whole_echo(far: Signal, settings: RoomSettings) -> Signal:
    band = convolved(far, band_response(_CHAIN_HZ))
    return convolved(distorted(band, settings.nonlinearity), _echo_response(settings, _CHAIN_HZ))


def _echo_response(settings: RoomSettings, rate_hz: int) -> Signal:
    """The room's response, scaled so that speech-shaped noise of -20 dBFS comes back with the echo's gain."""
    response = room_response(rate_hz, settings.rt60_seconds, _ECHO_DIRECT_DB, settings.seed)
    speech = _speech_shaped(rate_hz, settings.seed)
    band = convolved(speech, band_response(rate_hz))
    echo = convolved(distorted(band, settings.nonlinearity), response)
    gain = decibels(settings.echo_gain_db + _REFERENCE_DBFS) / np.float32(active_rms(echo, rate_hz))
    return response * gain


def _speech_shaped(rate_hz: int, seed: int) -> Signal:
    """Two seconds of noise with the long-term spectrum of speech: flat to 500 Hz, then 9 dB less per octave."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(2 * rate_hz))
    hz = np.fft.rfftfreq(2 * rate_hz, 1 / rate_hz)
    noise = np.fft.irfft(spectrum * (hz > 100) / np.sqrt(1 + (hz / 500) ** 3))
    return noise.astype(np.float32) * decibels(_REFERENCE_DBFS) / np.float32(np.sqrt(np.mean(noise**2)))
