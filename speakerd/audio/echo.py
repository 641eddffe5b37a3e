"""Takes our own sound out of what the microphone hears: WebRTC's canceller for people, Speex's linear one for words.

AEC3 leaves nothing of the echo, but mutes half of a talker beside it, so that the wake word goes deaf: 4 of 20 words at
an echo as loud as the voice. Speex's filter only subtracts what it can explain and leaves the voice as it was: all of
the words that are found in quiet. Its rest of echo would wake us, so a word counts only where AEC3 hears somebody, too.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from typing import Protocol

import numpy as np
import pywebrtc_audio
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ

_TAIL_MS = 200
"""How much of the room the linear filter knows."""
_SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h."""


class Canceller(Protocol):
    """Takes frames of 10 ms, in order: mono int16, both of the same length; one thread."""

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """What the near end is without the far end; late by the canceller's `delay_samples`."""


class EchoCanceller:
    """AEC3 at the card's own rate (8 to 192 kHz), which may be late or early by 40 ms at a time without harm."""

    def __init__(self, rate_hz: int) -> None:
        self._processor = _new_processor(rate_hz)
        self.delay_samples = _delay_samples(rate_hz)
        """How much later a sample comes out, at the card's rate."""

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """See Canceller."""
        clean: NDArray[np.int16] = self._processor.process(near, far)
        return clean


class LinearCanceller:
    """Speex's filter at 16 kHz; it delays nothing, and expects the echo within 200 ms."""

    delay_samples = 0

    def __init__(self) -> None:
        """Raises OSError where libspeexdsp is not installed."""
        self._library = _speex()
        frame_samples = WAKE_RATE_HZ // 100
        self._out = np.empty(frame_samples, np.int16)
        self._state = ctypes.c_void_p(
            self._library.speex_echo_state_init(frame_samples, WAKE_RATE_HZ * _TAIL_MS // 1000)
        )
        rate = ctypes.c_int(WAKE_RATE_HZ)
        self._library.speex_echo_ctl(self._state, _SET_SAMPLING_RATE, ctypes.byref(rate))

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """See Canceller."""
        near, far = np.ascontiguousarray(near), np.ascontiguousarray(far)
        self._library.speex_echo_cancellation(self._state, near.ctypes.data, far.ctypes.data, self._out.ctypes.data)
        return self._out.copy()

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self._library.speex_echo_state_destroy(self._state)


def linear_canceller() -> LinearCanceller | None:
    """A linear canceller; None where Debian's libspeexdsp1 is not installed."""
    try:
        return LinearCanceller()
    except OSError:
        return None


def _new_processor(rate_hz: int) -> pywebrtc_audio.AudioProcessor:
    return pywebrtc_audio.AudioProcessor(sample_rate=rate_hz, echo_cancellation=True)


@cache
def _delay_samples(rate_hz: int) -> int:
    """Measured, as it depends on the rate: 8 ms at 16 kHz, 9 ms at 48 kHz; takes about 10 ms."""
    frame = rate_hz // 100
    noise = np.random.default_rng(1).normal(0, 3000, 40 * frame).astype(np.int16)
    processor, silence = _new_processor(rate_hz), np.zeros(frame, np.int16)
    heard = np.concatenate([processor.process(part, silence) for part in noise.reshape(-1, frame)])
    spectra = np.fft.rfft(heard[20 * frame :], 80 * frame) * np.conj(np.fft.rfft(noise[20 * frame :], 80 * frame))
    return int(np.argmax(np.fft.irfft(spectra)[: 4 * frame]))


@cache
def _speex() -> ctypes.CDLL:
    library = ctypes.CDLL("libspeexdsp.so.1")
    library.speex_echo_state_init.restype = ctypes.c_void_p
    library.speex_echo_state_init.argtypes = [ctypes.c_int] * 2
    library.speex_echo_state_destroy.argtypes = [ctypes.c_void_p]
    library.speex_echo_cancellation.argtypes = [ctypes.c_void_p] * 4
    library.speex_echo_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    return library
