"""What our own loudspeaker plays, for the wake word: it must know when it is our own voice that says the word."""

from __future__ import annotations

import numpy as np

from speakerd.audio import wire
from speakerd.audio.pcm import WAKE_RATE_HZ, samples_of
from speakerd.audio.resample import Resampler
from speakerd.ports import Ears

FRAME_SAMPLES = 1280
"""Samples at 16 kHz of one frame for the wake word."""


class FarEnd:
    """Turns the playout's pieces into frames for the ears; audio thread only."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._rate_hz = 0
        self._unheard = np.zeros(0, np.int16)

    def hear(self, report: wire.PlayoutFrame) -> None:
        """Hand on what was just given to the card; what is played after a silence follows directly."""
        if report.rate_hz != self._rate_hz:
            self._rate_hz = report.rate_hz
            self._to_wake = Resampler(report.rate_hz, WAKE_RATE_HZ)
        unheard = np.concatenate((self._unheard, self._to_wake.process(samples_of(report.pcm))))
        whole = len(unheard) - len(unheard) % FRAME_SAMPLES
        self._unheard = unheard[whole:]
        for start in range(0, whole, FRAME_SAMPLES):
            self._ears.hear_playout(unheard[start : start + FRAME_SAMPLES])
