"""What the microphone hears of the room, made of what it sends: at the rates that are wanted, our own sound taken out.

Without a canceller (the card cancels its own echo, or there is none) every sample passes at once and unchanged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.echo_path import EchoPath, Heard
from speakerd.audio.far_end import FarEnd
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, mean_of
from speakerd.audio.resample import Resampler
from speakerd.audio.voice import Levels


class NearEnd:
    """One run of the capture stream; audio thread only."""

    def __init__(
        self,
        rate_hz: int,
        channels: int = 1,
        *,
        cancels_echo: bool,
        wants_levels: bool = False,
        hears_words: bool = True,
    ) -> None:
        """`wants_levels`: tell level and voice of every 10 ms. `hears_words`: there is a wake word to listen for."""
        self._channels = channels
        self._to_session = Resampler(rate_hz, SESSION_RATE_HZ)
        self._to_wake = Resampler(rate_hz, WAKE_RATE_HZ)
        held_seconds = self._to_wake.delay_seconds
        self._echo_path = EchoPath(rate_hz, held_seconds, hears_words=hears_words) if cancels_echo else None
        self._far_end = FarEnd(rate_hz)
        self._levels = Levels()
        self._wants_levels = wants_levels

    @property
    def echo_delay_ms(self) -> float | None:
        """How long our own sound takes until the microphone hears it; None until it is known."""
        return self._echo_path.echo_delay_ms if self._echo_path else None

    def process(self, near: NDArray[np.int16], far: NDArray[np.int16], *, was_lost: bool = False) -> Heard:
        """Take the next samples at the card's rate, interleaved, and mono what is played beside them (empty: silence).

        `was_lost`: samples are missing just before these, in one direction or the other.
        """
        mono = near if self._channels == 1 else mean_of(near, self._channels)
        if self._echo_path is not None and not self._echo_path.needs_session(sounds=len(far) > 0):
            session = self._to_session.skip(mono)
        else:
            session = self._to_session.process(mono)
        wake = self._to_wake.process(mono)
        if self._echo_path is not None:
            if was_lost:
                self._echo_path.samples_lost()
            return self._echo_path.process(session, wake, far, wants_levels=self._wants_levels)
        levels = tuple(self._levels.of(wake)) if self._wants_levels else ()
        return Heard(session, wake, self._far_end.at_wake_rate(far, len(wake)), wake, wake, levels=levels)
