"""When an utterance begins and ends. The decision is pure; voice is told from noise by pocketsphinx's WebRTC detector.

Any split of the same sound into pieces gives the same result.
"""

from __future__ import annotations

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, bytes_of, rms_dbfs, samples_of
from speakerd.audio.resample import Resampler
from speakerd.audio.utterances import Change, Utterances

FRAME_MS = 30
_FRAME_SAMPLES = WAKE_RATE_HZ * FRAME_MS // 1000
_WINDOW_FRAMES = 5
_VOICED_TO_BEGIN = 3
_LEARNING_FRAMES = 5
"""The detector takes its first 4 frames for speech, whatever they are; the pre-roll is longer, so no word is lost."""
_QUIETEST_DBFS = -55.0
"""Below this nobody speaks to the speaker, whatever the sound is like."""
_FIRST_FLOOR_DBFS = -50.0
"""Taken for the room's noise until it is known: a session may begin in the middle of a word."""
_LOWEST_FLOOR_DBFS = -70.0
"""Digital silence says nothing about the noise that comes after it."""
_FLOOR_RISE_DB = 0.03
"""How fast the noise may be found to have grown, per frame: 1 dB a second is slower than any sentence."""
_ABOVE_FLOOR_DB = 6.0


def utterances(silence_ms: int) -> Utterances:
    """The pure half, for frames of 30 ms."""
    return Utterances(silence_ms, frame_ms=FRAME_MS, window_frames=_WINDOW_FRAMES, voiced_to_begin=_VOICED_TO_BEGIN)


class Endpointer:
    """Finds utterances in a stream of mono 16-bit PCM at 24 kHz.

    `threshold` from 0 to 1 is how sure the detector must be that a frame is voiced.
    """

    def __init__(self, silence_ms: int, threshold: float = 0.5) -> None:
        self._utterances = utterances(silence_ms)
        strictness = min(3, int(threshold * 4) + 1)
        self._detector = pocketsphinx.Vad(strictness, WAKE_RATE_HZ, FRAME_MS / 1000)
        self._resampler = Resampler(SESSION_RATE_HZ, WAKE_RATE_HZ)
        self._waiting: NDArray[np.int16] = np.zeros(0, np.int16)
        self._odd_byte = b""
        self._floor_dbfs = _FIRST_FLOOR_DBFS
        self._learning_frames = _LEARNING_FRAMES

    def feed(self, pcm24k: bytes) -> list[Change]:
        """What changed during the next piece of sound."""
        data = self._odd_byte + pcm24k
        whole = len(data) & ~1
        self._odd_byte = data[whole:]
        fresh = self._resampler.process(samples_of(data[:whole]))
        samples = np.concatenate((self._waiting, fresh))
        count = len(samples) // _FRAME_SAMPLES
        self._waiting = samples[count * _FRAME_SAMPLES :]
        frames = samples[: count * _FRAME_SAMPLES].reshape(count, _FRAME_SAMPLES)
        changes = (self._utterances.feed(self._is_voiced(frame)) for frame in frames)
        return [change for change in changes if change is not None]

    def _is_voiced(self, frame: NDArray[np.int16]) -> bool:
        # The detector keeps a noise estimate, so it must hear every frame.
        detected = bool(self._detector.is_speech(bytes_of(frame)))
        level_dbfs = rms_dbfs(frame)
        self._floor_dbfs = max(_LOWEST_FLOOR_DBFS, min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB))
        self._learning_frames = max(0, self._learning_frames - 1)
        return (
            detected
            and not self._learning_frames
            and level_dbfs > max(_QUIETEST_DBFS, self._floor_dbfs + _ABOVE_FLOOR_DB)
        )
