"""Our own sound as the card is given it, at the rate of wake word and cancellers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ
from speakerd.audio.resample import Resampler


class FarEnd:
    """From the card's rate to 16 kHz; what is played after a silence begins anew."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler: Resampler | None = None

    def at_wake_rate(self, far: NDArray[np.int16], wanted: int) -> NDArray[np.int16]:
        """The next samples, about `wanted` of them; none where `far` has none.

        What the resampler holds back at first is made up for by silence, so that the near end is never ahead.
        """
        if not len(far):
            self._resampler = None
            return np.zeros(0, np.int16)
        if self._resampler is not None:
            return self._resampler.process(far)
        self._resampler = Resampler(self._rate_hz, WAKE_RATE_HZ)
        played = self._resampler.process(far)
        return np.concatenate((np.zeros(max(0, wanted - len(played)), np.int16), played))
