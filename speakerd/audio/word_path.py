"""The wake word's own way: a voice must come through as it was, so only a linear filter may take out our own sound.

See audio/echo.py for why people and wake words need different cancellers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.echo import linear_canceller
from speakerd.audio.echo_delay import EchoDelay
from speakerd.audio.pcm import WAKE_RATE_HZ, samples_in

_EARLY_MS = 40
"""The echo is looked for from so long before the delay that was found."""
_NEAR_ENOUGH_MS = 40.0
"""The filter's 200 ms reach over a change of the delay up to this."""

Sound = NDArray[np.int16]


class WordPath:
    """Takes whole frames of 10 ms, mono int16 at 16 kHz; audio thread only."""

    def __init__(self) -> None:
        self._canceller = linear_canceller()
        self._delay = EchoDelay()
        self._shift_ms = 0.0
        """How much later the far end is given to the filter than it is played."""
        self._far = np.zeros(0, np.int16)
        """What waits for its time."""

    @property
    def delay_ms(self) -> float | None:
        """By how much our own sound is later in the near end than in the far end; None until it is known."""
        return self._delay.delay_ms

    def begin(self) -> None:
        """Our own sound begins after a silence."""
        self._far = np.zeros(samples_in(round(self._shift_ms), WAKE_RATE_HZ), np.int16)
        self._delay.restart()

    def process(self, near: Sound, far: Sound) -> Sound:
        """The near end without the echo, as far as that is linear; as it is where libspeexdsp is not installed."""
        if self._delay.feed(near, far):
            self._follow_delay()
        if self._canceller is None:
            return near
        line = np.concatenate((self._far, far))
        due, self._far = line[: len(near)], line[len(near) :]
        return self._canceller.process(near, due)

    def _follow_delay(self) -> None:
        """The filter knows 200 ms of the room: it is shown those in which the echo comes."""
        wanted_ms = max(0.0, (self._delay.delay_ms or 0.0) - _EARLY_MS)
        if abs(wanted_ms - self._shift_ms) <= _NEAR_ENOUGH_MS:
            return
        wanted = samples_in(round(wanted_ms), WAKE_RATE_HZ)
        missing = max(0, wanted - len(self._far))
        self._far = np.concatenate((np.zeros(missing, np.int16), self._far))[-wanted:] if wanted else self._far[:0]
        self._shift_ms = wanted_ms
        self._canceller = linear_canceller()
