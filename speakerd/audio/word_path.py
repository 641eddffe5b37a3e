"""The wake word's own way from the microphone: a voice must come through as it was, so only a linear filter is allowed.

See audio/echo.py for why people and wake words need different cancellers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.echo import linear_canceller
from speakerd.audio.echo_delay import EchoDelay
from speakerd.audio.pcm import WAKE_RATE_HZ, samples_in
from speakerd.audio.resample import Resampler

_FRAME_SAMPLES = WAKE_RATE_HZ // 100
_EARLY_MS = 40
"""The echo is looked for from so long before the delay that was found."""
_NEAR_ENOUGH_MS = 40.0
"""The filter's 200 ms reach over a change of the delay up to this."""

Sound = NDArray[np.int16]
_NOTHING = np.zeros(0, np.int16)


class WordPath:
    """From the card's rate to 16 kHz; audio thread only."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._to_wake = Resampler(rate_hz, WAKE_RATE_HZ)
        self._far_to_wake: Resampler | None = None
        self._canceller = linear_canceller()
        self._delay = EchoDelay()
        self._shift_ms = 0.0
        """How much later the far end is given to the filter than it is played."""
        self._near = self._far = _NOTHING
        """What waits for a whole frame, and for its time, while the canceller is at work."""
        self._is_at_work = False

    @property
    def delay_ms(self) -> float | None:
        """How long our own sound takes until the microphone hears it; None until it is known."""
        return self._delay.delay_ms

    def process(self, near: Sound, far: Sound, *, subtracts: bool) -> tuple[Sound, Sound]:
        """Near end and far end at 16 kHz; the latter is empty where `far` is. `subtracts`: take out our echo."""
        heard = self._to_wake.process(near)
        played = self._at_wake_rate(far, len(heard))
        if not subtracts or self._canceller is None:
            waiting, self._near, self._is_at_work = self._near, _NOTHING, False
            return (np.concatenate((waiting, heard)) if len(waiting) else heard), played
        if not self._is_at_work:
            self._is_at_work = True
            self._far = self._silence_before()
            self._delay.restart()
        if self._delay.feed(heard, played):
            self._follow_delay()
        self._near = np.concatenate((self._near, heard))
        self._far = np.concatenate((self._far, played))
        cleaned = []
        while min(len(self._near), len(self._far)) >= _FRAME_SAMPLES:
            cleaned.append(self._canceller.process(self._near[:_FRAME_SAMPLES], self._far[:_FRAME_SAMPLES]))
            self._near, self._far = self._near[_FRAME_SAMPLES:], self._far[_FRAME_SAMPLES:]
        return (np.concatenate(cleaned) if cleaned else _NOTHING), played

    def _follow_delay(self) -> None:
        """The filter knows 200 ms of the room: it is shown those in which the echo comes."""
        wanted_ms = max(0.0, (self._delay.delay_ms or 0.0) - _EARLY_MS)
        change_ms = wanted_ms - self._shift_ms
        if abs(change_ms) <= _NEAR_ENOUGH_MS:
            return
        self._shift_ms = wanted_ms
        shift = samples_in(round(change_ms), WAKE_RATE_HZ)
        if shift > 0:
            self._far = np.concatenate((np.zeros(shift, np.int16), self._far))
        else:
            self._far = self._far[-shift:]
        self._canceller = linear_canceller()

    def _silence_before(self) -> Sound:
        return np.zeros(samples_in(round(self._shift_ms), WAKE_RATE_HZ), np.int16)

    def _at_wake_rate(self, far: Sound, wanted: int) -> Sound:
        """After a silence the resampler begins anew: what it holds back at first is made up for by silence."""
        if not len(far):
            self._far_to_wake = None
            return _NOTHING
        if self._far_to_wake is not None:
            return self._far_to_wake.process(far)
        self._far_to_wake = Resampler(self._rate_hz, WAKE_RATE_HZ)
        played = self._far_to_wake.process(far)
        return np.concatenate((np.zeros(max(0, wanted - len(played)), np.int16), played))
