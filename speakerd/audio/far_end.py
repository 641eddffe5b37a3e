"""What our own loudspeaker plays, for the wake word: it must know when it is our own voice that says the word."""

from __future__ import annotations

from speakerd.audio import wire
from speakerd.audio.pcm import WAKE_RATE_HZ, WakeFramer, samples_of
from speakerd.audio.resample import Resampler
from speakerd.ports import Ears


class FarEnd:
    """Turns the playout's pieces into frames for the ears; audio thread only."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._rate_hz = 0
        self._framer = WakeFramer()

    def hear(self, report: wire.PlayoutFrame) -> None:
        """Hand on what was just given to the card; what is played after a silence follows directly."""
        if report.rate_hz != self._rate_hz:
            self._rate_hz = report.rate_hz
            self._to_wake = Resampler(report.rate_hz, WAKE_RATE_HZ)
        for frame in self._framer.cut(self._to_wake.process(samples_of(report.pcm))):
            self._ears.hear_playout(frame)
