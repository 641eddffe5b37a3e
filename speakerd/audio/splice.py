"""One stream for the uplink out of two: the sound as it is, and without our echo while that may be heard. Pure.

Both have the same positions, but the second comes later by two resamplers: nothing is left out or said twice when one
takes the other's place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ
from speakerd.audio.resample import Resampler

_KEPT_SAMPLES = 480
"""How much of the plain sound is remembered: 20 ms, more than the other is late."""
_SETTLING_SAMPLES = 48
"""2 ms: what a resampler makes of the first samples lacks those before them."""

Sound = NDArray[np.int16]


class Splice:
    """Plain sound at 24 kHz, clean sound at 16 kHz; positions are samples at 24 kHz from the beginning of both."""

    def __init__(self) -> None:
        self._plain = np.zeros(0, np.int16)
        self._plain_end = 0
        self._end = 0
        """Position after the last sample that was handed on."""
        self._clean: Resampler | None = None
        self._clean_end = self._clean_from = 0

    @property
    def needs_plain(self) -> bool:
        """Whether the next of the plain sound is handed on even where there is clean sound."""
        return self._clean is None or self._end < self._clean_from

    def plain(self, samples: Sound) -> Sound:
        """The next of the plain sound, which is handed on."""
        self._keep(samples)
        self._clean = None
        missing = self._plain_from(self._end)
        self._end = self._plain_end
        return missing

    def clean(self, samples: Sound, clean: Sound, start: int) -> Sound:
        """The next of the plain sound, and of the clean one from a position at 16 kHz on, which is handed on."""
        self._keep(samples)
        if self._clean is None:
            self._clean = Resampler(WAKE_RATE_HZ, SESSION_RATE_HZ)
            self._clean_end = start * SESSION_RATE_HZ // WAKE_RATE_HZ
            self._clean_from = self._clean_end + _SETTLING_SAMPLES
        fresh = self._clean.process(clean)
        self._clean_end += len(fresh)
        # Plain sound never comes behind the clean one, so it reaches to where that begins to be whole.
        plain = self._plain_from(self._end)[: max(0, self._clean_from - self._end)]
        new = max(0, self._clean_end - max(self._end + len(plain), self._clean_from))
        self._end += len(plain) + new
        return np.concatenate((plain, fresh[len(fresh) - new :]))

    def _plain_from(self, position: int) -> Sound:
        return self._plain[len(self._plain) - (self._plain_end - position) :]

    def _keep(self, samples: Sound) -> None:
        self._plain = np.concatenate((self._plain[-_KEPT_SAMPLES:], samples))
        self._plain_end += len(samples)
