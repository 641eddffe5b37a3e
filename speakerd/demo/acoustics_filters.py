"""The sound of a small room as filters, pure: what a loudspeaker, the air and the walls do to a sound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

_LOW_HZ, _HIGH_HZ = 150.0, 7000.0
_BAND_SECONDS = 0.02
_REFLECTIONS = 8
_TAIL_BEGINS_SECONDS = 0.002
_LOBES = 16
"""Zero crossings of the interpolating sinc on each side; half will do where no sound is near the Nyquist frequency."""
_ROOMY_HZ = 40_000
_PHASES = 2048
_KAISER_BETA = 8.0
_SLICE = 5000
"""Samples that are interpolated at once, so that a long sound needs little memory."""


class Convolver:
    """A stream through a long impulse response, in frames of one length: uniformly partitioned overlap-save.

    Output comes with no delay but the response's own.
    """

    def __init__(self, response: Signal, frame: int) -> None:
        self._frame = frame
        parts = math.ceil(len(response) / frame)
        padded = np.zeros((parts, 2 * frame), np.float32)
        padded[:, :frame] = np.pad(response, (0, parts * frame - len(response))).reshape(parts, frame)
        self._parts = np.fft.rfft(padded, axis=1)
        self._spectra = np.zeros((2 * parts, frame + 1), np.complex64)
        """The spectra of the last inputs, newest first, twice over: a window of it is always in order."""
        self._at = 0
        self._silent_frames = 0
        self._input = np.zeros(2 * frame, np.float32)

    def process(self, sound: Signal) -> Signal:
        """The next frame of output for the next frame of input."""
        count = len(self._parts)
        self._silent_frames = 0 if sound.any() else self._silent_frames + 1
        if self._silent_frames > count + 1:
            return np.zeros(self._frame, np.float32)  # all that it remembers is silence
        self._input[: self._frame] = self._input[self._frame :]
        self._input[self._frame :] = sound
        self._at = (self._at - 1) % count
        self._spectra[self._at] = self._spectra[self._at + count] = np.fft.rfft(self._input)
        spectrum = np.einsum("pf,pf->f", self._spectra[self._at : self._at + count], self._parts)
        return np.fft.irfft(spectrum, 2 * self._frame)[self._frame :].astype(np.float32, copy=False)


class Interpolator:
    """Reads a sound of one rate between its samples, for a stream of about another rate."""

    def __init__(self, from_hz: float, to_hz: float) -> None:
        ratio = max(1.0, from_hz / to_hz)
        lobes = _LOBES // 2 if min(from_hz, to_hz) >= _ROOMY_HZ else _LOBES
        self.reach = math.ceil(lobes * ratio)
        """How many samples it needs before and after a place."""
        taps = np.arange(1 - self.reach, self.reach + 1)
        distances = taps[None, :] - np.arange(_PHASES)[:, None] / _PHASES
        window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (distances / self.reach) ** 2, 0, 1)))
        rows = np.sinc(distances / ratio) * window
        self._rows = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)

    def read(self, sound: Signal, places: NDArray[np.float64]) -> Signal:
        """The sound at places from reach - 1 to len(sound) - reach - 1."""
        steps = np.rint(places * _PHASES).astype(np.int64)
        first = steps // _PHASES + 1 - self.reach
        # All windows of the sound without a copy, as sliding_window_view makes them in ten times the time.
        shape, stride = (len(sound) - 2 * self.reach + 1, 2 * self.reach), sound.itemsize
        windows: Signal = np.ndarray(shape, np.float32, np.ascontiguousarray(sound), 0, (stride, stride))
        output: Signal = np.einsum("ij,ij->i", windows[first], self._rows[steps % _PHASES])
        return output

    def read_long(self, sound: Signal, places: NDArray[np.float64]) -> Signal:
        """The same for any number of places, also outside of the sound, where there is silence."""
        padded = np.pad(sound, (self.reach, self.reach + 1))
        inside = np.clip(places + self.reach, self.reach - 1, len(padded) - self.reach - 1)
        starts = range(0, len(places), _SLICE)
        pieces = [self.read(padded, inside[start : start + _SLICE]) for start in starts]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def band_response(rate_hz: int) -> Signal:
    """What a small loudspeaker lets pass: 150 Hz to 7 kHz, 12 dB per octave, without a delay."""
    frames = 4 * round(rate_hz * _BAND_SECONDS)
    s = 1j * np.fft.rfftfreq(frames, 1 / rate_hz)
    high_pass = (s / _LOW_HZ) ** 2 / ((s / _LOW_HZ) ** 2 + math.sqrt(2) * s / _LOW_HZ + 1)
    low_pass = 1 / ((s / _HIGH_HZ) ** 2 + math.sqrt(2) * s / _HIGH_HZ + 1)
    response = np.fft.irfft(high_pass * low_pass, frames)
    return response[: round(rate_hz * _BAND_SECONDS)].astype(np.float32)


def room_response(rate_hz: int, rt60_seconds: float, direct_to_reverberant_db: float, seed: int) -> Signal:
    """A room's impulse response until it is 60 dB weaker: the direct sound (1 at time 0), then a decaying tail.

    The tail is a few single reflections and noise. With `rt60_seconds` 0 there is no room at all.
    """
    random = np.random.default_rng(seed)
    seconds = np.arange(max(1, round(rt60_seconds * rate_hz))) / rate_hz
    tail = random.standard_normal(len(seconds))
    early = random.uniform(_TAIL_BEGINS_SECONDS, 0.02, _REFLECTIONS)
    places = np.rint(early * rate_hz).astype(int)
    places = places[places < len(tail)]
    tail[places] += random.choice([-1, 1], len(places)) * math.sqrt(rate_hz / 1000)
    tail *= (seconds >= _TAIL_BEGINS_SECONDS) * 10 ** (-3 * seconds / (rt60_seconds or 1))
    energy = float(np.sum(tail**2))
    if energy:
        tail *= 10 ** (-direct_to_reverberant_db / 20) / math.sqrt(energy)
    tail[0] = 1
    return tail.astype(np.float32)


def distorted(sound: Signal, strength: float) -> Signal:
    """What a loudspeaker at its limits does: 1.2 is mild, 4 strong, 0 nothing; quiet sounds pass unchanged."""
    if not strength:
        return sound
    output: Signal = np.arctan(np.float32(strength) * sound) / np.float32(strength)
    return output


def convolved(sound: Signal, response: Signal) -> Signal:
    """A whole sound through an impulse response, at once and as long as it was."""
    size = 1 << (len(sound) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(sound.astype(np.float32), size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32, copy=False)


def at_rate(sound: Signal, from_hz: int, to_hz: int) -> Signal:
    """A whole sound at another rate."""
    if from_hz == to_hz:
        return sound
    places = np.arange(math.ceil(len(sound) * to_hz / from_hz), dtype=np.float64) * (from_hz / to_hz)
    return Interpolator(from_hz, to_hz).read_long(sound, places)


def active_rms(sound: NDArray[np.floating], rate_hz: int) -> float:
    """The RMS of a sound while it is active: of its frames of 20 ms within 30 dB of the loudest one; 0 of silence."""
    frame = rate_hz // 50
    whole = sound[: len(sound) - len(sound) % frame] if len(sound) >= frame else sound
    power = np.mean(whole.astype(np.float64).reshape(-1, min(frame, len(whole) or 1)) ** 2, axis=1)
    if not len(power) or not power.max():
        return 0.0
    return math.sqrt(float(np.mean(power[power >= power.max() / 1000])))


def to_float(pcm: NDArray[np.int16]) -> Signal:
    """Samples of 16 bits as -1 to 1."""
    return pcm.astype(np.float32) / np.float32(32768)


def to_int16(sound: Signal) -> NDArray[np.int16]:
    """Sound of -1 to 1 as a microphone delivers it: clipped."""
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def decibels(level_db: float) -> np.float32:
    """A level in dB as a factor."""
    return np.float32(10 ** (level_db / 20))
