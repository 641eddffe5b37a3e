"""The speaker's ears: every frame is scored, always; only what follows from a score is decided elsewhere.

A frame left out would blunt the word around it (a gap of 0.2 s takes a score from 0.999 to 0.56), so nothing here looks
at what the speaker is doing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.core.events import WakeWordHeard
from speakerd.ports import Post
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.detection import Detection
from speakerd.wakeword.engine import SAMPLE_RATE_HZ, Engine
from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine

Observe = Callable[[float, int], None]
"""Takes (score, capture position in 16 kHz samples) of every frame; called in the audio thread."""


def ears(settings: WakeWordSettings, post: Post, observe: Observe | None = None) -> WakeWordEars:
    """Ears with openWakeWord and verified models, in a few seconds; raises ModelError."""
    folder = Path(settings.models_folder) if settings.models_folder else models.default_folder()
    paths = models.verified(folder, [settings.word])
    engine = OpenWakeWordEngine(paths[settings.word], paths["melspectrogram"], paths["embedding_model"])
    return WakeWordEars(settings, engine, post, observe)


class WakeWordEars:
    """Implements ports.Ears; its methods are for the audio thread only, its attributes may be read from any."""

    frames_scored: int
    """How many frames were scored; the watchdog's proof of hearing."""
    last_sample: int
    """Capture position (16 kHz samples) after the last scored frame."""

    def __init__(self, settings: WakeWordSettings, engine: Engine, post: Post, observe: Observe | None = None) -> None:
        self.frames_scored = 0
        self.last_sample = 0
        self._word = settings.word
        self._engine = engine
        self._post = post
        self._observe = observe
        self._detection = Detection(
            settings.threshold, settings.patience_frames, round(settings.refractory_seconds * SAMPLE_RATE_HZ)
        )

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """See Ears; posts WakeWordHeard."""
        score = self._engine.score(frame)
        self.frames_scored += 1
        self.last_sample = end_sample
        detected = self._detection.feed(score, end_sample)
        if detected is not None:
            self._post(WakeWordHeard(self._word, detected.score, detected.sample))
        if self._observe is not None:
            self._observe(score, end_sample)

    def rearm(self) -> None:
        """See Ears."""
        self._engine.rearm()
        self._detection.reset()
