"""Takes our own sound out of what the microphone hears: WebRTC's canceller for people, Speex's linear one for words.

AEC3 leaves nothing of the echo, but mutes half of a talker beside it, so that the wake word goes deaf: 4 of 20 words at
an echo as loud as the voice. Speex's filter only subtracts what it can explain and leaves the voice as it was: all of
the words that are found in quiet. Its rest of echo would wake us, so a word counts only where AEC3 hears somebody, too.
"""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
import pywebrtc_audio
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ

_TAIL_MS = 200
"""How much of the room the linear filter knows."""
_SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h."""


FRAME_SAMPLES = WAKE_RATE_HZ // 100
"""Both take whole frames of 10 ms at 16 kHz."""
DELAY_SAMPLES = 128
"""How much later than it was heard a sample comes out of AEC3: 8 ms; the linear filter delays nothing."""


class EchoCanceller:
    """AEC3. Its far end may be late by up to 0.4 s and move by 40 ms at a time; one thread."""

    def __init__(self) -> None:
        # AudioProcessor does the same to the sound, and looks for a voice in it besides.
        self._processor = pywebrtc_audio.EchoCanceller(sample_rate=WAKE_RATE_HZ)

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """The near end without the far end: mono int16 in whole frames, all of the same length."""
        if not len(near):  # which the library refuses
            return near
        clean: NDArray[np.int16] = self._processor.process(near, far)
        return clean


class LinearCanceller:
    """Speex's filter, which expects the echo within 200 ms; one thread."""

    def __init__(self) -> None:
        """Raises OSError where libspeexdsp is not installed."""
        self._library = _speex()
        self._state = ctypes.c_void_p(
            self._library.speex_echo_state_init(FRAME_SAMPLES, WAKE_RATE_HZ * _TAIL_MS // 1000)
        )
        rate = ctypes.c_int(WAKE_RATE_HZ)
        self._library.speex_echo_ctl(self._state, _SET_SAMPLING_RATE, ctypes.byref(rate))

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """See EchoCanceller.process."""
        near, far, clean = np.ascontiguousarray(near), np.ascontiguousarray(far), np.empty(len(near), np.int16)
        for start in range(0, 2 * len(near), 2 * FRAME_SAMPLES):
            self._library.speex_echo_cancellation(
                self._state, near.ctypes.data + start, far.ctypes.data + start, clean.ctypes.data + start
            )
        return clean

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            self._library.speex_echo_state_destroy(self._state)


def linear_canceller() -> LinearCanceller | None:
    """A linear canceller; None where Debian's libspeexdsp1 is not installed."""
    try:
        return LinearCanceller()
    except OSError:
        return None


@cache
def _speex() -> ctypes.CDLL:
    library = ctypes.CDLL("libspeexdsp.so.1")
    library.speex_echo_state_init.restype = ctypes.c_void_p
    library.speex_echo_state_init.argtypes = [ctypes.c_int] * 2
    library.speex_echo_state_destroy.argtypes = [ctypes.c_void_p]
    library.speex_echo_cancellation.argtypes = [ctypes.c_void_p] * 4
    library.speex_echo_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    return library
