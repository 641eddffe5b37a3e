"""Where somebody speaks, and when an utterance begins and ends; the decision is pure, the detector is WebRTC's.

Measured per 80 ms: 0.06 ms, a third of the wake word. Of frames of speech it finds 0.83 to 0.90 at 12 to 32 dB over the
noise; of pink noise, fan and hum none, of music three quarters: nothing here may act on its word alone.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import pywebrtc_audio
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ, frames_dbfs, samples_in
from speakerd.audio.utterances import Change, Utterances

FRAME_MS = 10
FRAME_SAMPLES = samples_in(FRAME_MS, WAKE_RATE_HZ)


_WINDOW_FRAMES = 15
_VOICED_TO_BEGIN = 8
_LEARNING_FRAMES = 15
"""The detector needs some frames to know the noise; the pre-roll is longer, so no word is lost."""
_QUIETEST_DBFS = -55.0
"""Below this nobody speaks to the speaker, whatever the sound is like."""
_FIRST_FLOOR_DBFS = -50.0
"""Taken for the room's noise until it is known: a session may begin in the middle of a word."""
_LOWEST_FLOOR_DBFS = -70.0
"""Digital silence says nothing about the noise that comes after it."""
_FLOOR_RISE_DB = 0.01
"""How fast the noise may be found to have grown, per frame: 1 dB a second is slower than any sentence."""
_ABOVE_FLOOR_DB = 6.0


_REMEMBERED_FRAMES = 500
"""5 s, of which the detector knows the noise: in made rooms it found as many voices as one that hears all. To hear so
many at once takes it 7 ms."""


class VoiceDetector:
    """Takes frames of 10 ms in order: 160 samples, mono int16 at 16 kHz; one thread."""

    def __init__(self, threshold: float = 0.5) -> None:
        """`threshold` from 0 to 1 is how sure it must be."""
        self._detector = pywebrtc_audio.VoiceDetector(sample_rate=WAKE_RATE_HZ)
        self._threshold = threshold

    def is_voice(self, frame: NDArray[np.int16]) -> bool:
        """Whether the next frame sounds like a voice."""
        return bool(self._detector.process(frame) > self._threshold)


class PatientDetector:
    """A voice detector that works only when it is asked, which saves nearly all of its time where that is seldom.

    Until then the latest frames wait: it must hear them first, to know the noise.
    """

    def __init__(self) -> None:
        self._detector = VoiceDetector()
        self._waiting: deque[NDArray[np.int16]] = deque(maxlen=_REMEMBERED_FRAMES)

    def take(self, frame: NDArray[np.int16]) -> None:
        """Hear the next frame, which must not change afterwards."""
        self._waiting.append(frame)

    def is_voice(self) -> bool:
        """Whether the frame that was taken last sounds like a voice; asked once of each."""
        is_voice = False
        while self._waiting:
            is_voice = self._detector.is_voice(self._waiting.popleft())
        return is_voice


class Levels:
    """Tells of each 10 ms its level, and whether it sounds like a voice; mono int16 at 16 kHz, in any pieces."""

    def __init__(self, threshold: float = 0.5) -> None:
        """`threshold`: see VoiceDetector."""
        self._voice = VoiceDetector(threshold)
        self._waiting = np.zeros(0, np.int16)

    def of(self, samples: NDArray[np.int16]) -> list[tuple[float, bool]]:
        """The frames that are whole now."""
        together = np.concatenate((self._waiting, samples)) if len(self._waiting) else samples
        whole = len(together) // FRAME_SAMPLES * FRAME_SAMPLES
        self._waiting = together[whole:]
        frames = together[:whole]
        voiced = [self._voice.is_voice(frame) for frame in frames.reshape(-1, FRAME_SAMPLES)]
        return list(zip(frames_dbfs(frames, FRAME_SAMPLES), voiced, strict=True))


class Endpointing:
    """Finds utterances in levels and voice: a frame counts where a voice stands out from the room's noise."""

    def __init__(self, silence_ms: int) -> None:
        """`silence_ms` of silence end an utterance."""
        self._utterances = Utterances(
            silence_ms, frame_ms=FRAME_MS, window_frames=_WINDOW_FRAMES, voiced_to_begin=_VOICED_TO_BEGIN
        )
        self._floor_dbfs = _FIRST_FLOOR_DBFS

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance goes on."""
        return self._utterances.is_speaking

    def feed(self, level_dbfs: float, is_voice: bool) -> Change | None:
        """Take the next frame of 10 ms."""
        self._floor_dbfs = max(_LOWEST_FLOOR_DBFS, min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB))
        reach = max(_QUIETEST_DBFS, self._floor_dbfs + _ABOVE_FLOOR_DB)
        is_known = self._utterances.frames >= _LEARNING_FRAMES
        return self._utterances.feed(is_voice and level_dbfs > reach and is_known)
