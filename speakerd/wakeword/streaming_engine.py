"""openWakeWord's scores at a small part of its cost, with numpy alone: see `mel`, `embedding` and `numpy_head`.

Nothing is computed twice and nothing is allocated after the start. A score depends on about two seconds of sound, so
nothing can drift; the snapshot of digital silence, taken once, is where every stream begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword.embedding import EMBEDDING_FRAMES, StreamingEmbedding
from speakerd.wakeword.engine import FEATURES, FRAME_SAMPLES, Head, check_frame
from speakerd.wakeword.mel import MelSpectrogram
from speakerd.wakeword.self_test import SETTLING_FRAMES, check_features, check_silence, made_sound

_TURNS = 16
"""How often the features move back to the start of their buffer: once in so many frames."""


class StreamingEngine:
    """Implements Engine with about 10 MB beside numpy."""

    def __init__(self, words: Mapping[str, Head], melspectrogram: Path, embedding_model: Path) -> None:
        """Load openWakeWord's two front-end files and check that they compute rightly here; raises ModelError."""
        self.words = tuple(words)
        """See Engine."""
        self._heads = tuple(words.values())
        self._mel = MelSpectrogram(melspectrogram)
        self._embedding = StreamingEmbedding(embedding_model)
        self._context = max(head.feature_frames for head in self._heads)
        self._features = np.zeros((self._context + _TURNS, FEATURES), np.float32)
        self.memory_frames = self._context + EMBEDDING_FRAMES
        """A score depends on so many frames before its own, and on nothing older."""
        self._end = self._context
        """Where in the buffer the next features go."""
        self._scores = np.zeros(len(self._heads), np.float32)
        self._check()

    def score(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        """See Engine."""
        self.feel(frame)
        for number, head in enumerate(self._heads):
            self._scores[number] = head(self._features[self._end - head.feature_frames : self._end])
        return self._scores

    def feel(self, frame: NDArray[np.int16]) -> None:
        """Take a frame as `score` does, without asking for its scores."""
        check_frame(frame)
        if self._end == len(self._features):
            self._features[: self._context] = self._features[_TURNS:]
            self._end = self._context
        self._features[self._end] = self._embedding.features(self._mel.rows(frame))
        self._end += 1

    def rearm(self) -> None:
        """See Engine."""
        self._mel.rearm()
        self._embedding.recall(self._silence)
        self._features[: self._context] = self._silent_features
        self._end = self._context

    def _check(self) -> None:
        for frame in made_sound():
            self.feel(frame)
        check_features(self._features[self._end - 1], "numpy")
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        for _ in range(SETTLING_FRAMES + self._context):
            self.score(silence)
        for word, score in zip(self.words, self._scores, strict=True):
            check_silence(word, float(score), "numpy")
        self._silence = self._embedding.memory()
        self._silent_features = self._features[self._end - self._context : self._end].copy()
