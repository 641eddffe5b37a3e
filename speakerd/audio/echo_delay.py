"""How long our own sound takes until the microphone hears it, pure: found by correlating both (GCC-PHAT, Knapp 1976).

Sound cards and loudspeakers add from 0 to several hundred milliseconds, and nobody tells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ, samples_in

MOST_DELAY_MS = 500

_WINDOW_SAMPLES = 1 << 15
"""2 s."""
_FFT_SAMPLES = 2 * _WINDOW_SAMPLES
_MOST_LAG = samples_in(MOST_DELAY_MS, WAKE_RATE_HZ)
_CLEAR_PEAK = 12.0
"""How far the peak must stand out of the correlation's root mean square; without an echo it is 3 to 5."""
_SAME_SAMPLES = samples_in(3, WAKE_RATE_HZ)
_QUIET_RMS = 30.0
"""Of 16-bit samples, -60 dBFS: less says nothing."""


class EchoDelay:
    """Feed it what is played and heard at the same time, mono int16 at 16 kHz; looks once in 2 s, which takes 3 ms."""

    def __init__(self) -> None:
        self.delay_ms: float | None = None
        """The last one that two looks agreed on; None before."""
        self._before: int | None = None
        self._near = np.zeros(_WINDOW_SAMPLES, np.float32)
        self._far = np.zeros(_WINDOW_SAMPLES, np.float32)
        self._count = 0

    def feed(self, near: NDArray[np.int16], far: NDArray[np.int16]) -> bool:
        """Take the next samples, as many of each; returns whether the delay is known better now."""
        taken = min(len(near), _WINDOW_SAMPLES - self._count)
        place = slice(self._count, self._count + taken)
        self._near[place], self._far[place] = near[:taken], far[:taken]
        self._count += taken
        if self._count < _WINDOW_SAMPLES:
            return False
        self._count = 0
        lag = _lag(self._near, self._far)
        agreed = lag is not None and self._before is not None and abs(lag - self._before) <= _SAME_SAMPLES
        self._before = lag
        if lag is None or not agreed:
            return False
        self.delay_ms = lag * 1000 / WAKE_RATE_HZ
        return True

    def restart(self) -> None:
        """What comes now does not follow what was fed last."""
        self._count = 0


def _lag(near: NDArray[np.float32], far: NDArray[np.float32]) -> int | None:
    """Samples by which the near end is late; None where no echo stands out."""
    if np.sqrt(np.mean(far**2)) < _QUIET_RMS:
        return None
    cross = np.fft.rfft(near, _FFT_SAMPLES) * np.conj(np.fft.rfft(far, _FFT_SAMPLES))
    size = np.abs(cross)
    correlation = np.fft.irfft(cross / (size + 1e-3 * size.max() + 1e-9))
    lags = correlation[:_MOST_LAG]
    peak = int(np.argmax(lags))
    spread = float(np.sqrt(np.mean(lags**2)))
    return peak if spread > 0 and lags[peak] >= _CLEAR_PEAK * spread else None
