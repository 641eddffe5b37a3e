"""When an utterance begins and ends in what a client sends: the speaker's own endpointing, on sound at 24 kHz.

Any split of the same sound into pieces gives the same result.
"""

from __future__ import annotations

from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, samples_of
from speakerd.audio.resample import Resampler
from speakerd.audio.voice import Change, Endpointing, Levels, SpeechBegan, SpeechOver

__all__ = ["Change", "Endpointer", "SpeechBegan", "SpeechOver"]


class Endpointer:
    """Finds utterances in a stream of mono 16-bit PCM at 24 kHz.

    `threshold` from 0 to 1 is how sure the detector must be that a frame is voiced.
    """

    def __init__(self, silence_ms: int, threshold: float = 0.5) -> None:
        self._endpointing = Endpointing(silence_ms)
        self._levels = Levels(threshold)
        self._resampler = Resampler(SESSION_RATE_HZ, WAKE_RATE_HZ)
        self._odd_byte = b""

    def feed(self, pcm24k: bytes) -> list[Change]:
        """What changed during the next piece of sound."""
        data = self._odd_byte + pcm24k
        whole = len(data) & ~1
        self._odd_byte = data[whole:]
        fresh = self._resampler.process(samples_of(data[:whole]))
        changes = (self._endpointing.feed(level_dbfs, is_voice) for level_dbfs, is_voice in self._levels.of(fresh))
        return [change for change in changes if change is not None]
