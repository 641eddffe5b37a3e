"""openWakeWord's own Python engine on onnxruntime, with the state of its buffers in our hands.

Its `reset()` fills the buffers with features of random noise, after which ordinary speech fires now and then (8 of 300
trials; 54 with zeros). The features of digital silence are the safe ones (1 of 300, as without a reset): they are
computed once at load and put back by `rearm`. Its patience and debounce are not used either; `detection` does that.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FRAME_SAMPLES

_CONTEXT_SAMPLES = FRAME_SAMPLES + 480
"""What one step of the mel spectrogram reads: the frame and three windows' overlap before it."""

_SETTLING_FRAMES = 32
"""Frames after which nothing older counts: 10 fill the embedding's window, 16 more the word model's, and a reserve."""

_MADE_SOUND_FRAMES = 16

_MADE_SOUND_FEATURES = (-7.425, 8.392, -3.391, -10.661, -25.902, -8.509, 15.612, -11.488, 24.626, 14.308, 7.743, 3.444)
"""Every 8th feature after the made sound; onnxruntime with and without optimisation and plain numpy agree to 0.0001."""

_FEATURE_TOLERANCE = 0.05
"""500 times the rounding seen; neighbouring frames of the made sound differ by 5 on average."""

_MOST_SCORE_OF_SILENCE = 0.05


class OpenWakeWordEngine:
    """Scores one wake word with about 190 MB of memory; see Engine."""

    def __init__(self, word: Path, melspectrogram: Path, embedding_model: Path) -> None:
        """Load three verified .onnx files and check that they compute rightly here, in seconds; raises ModelError."""
        self._model = _loaded(word, melspectrogram, embedding_model)
        self._name = word.stem
        # The list of the last ten seconds that openWakeWord builds for every frame costs more than its word model.
        self._model.preprocessor.raw_data_buffer = deque(maxlen=_CONTEXT_SAMPLES)
        self._check_features()
        self._settle_in_silence()

    def score(self, frame: NDArray[np.int16]) -> float:
        """See Engine."""
        if frame.dtype != np.int16 or frame.shape != (FRAME_SAMPLES,):
            # openWakeWord would take floats as silence and answer a short frame with the last score.
            raise ValueError(f"a frame is int16[{FRAME_SAMPLES}], not {frame.dtype}{list(frame.shape)}")
        return float(self._model.predict(frame)[self._name])

    def rearm(self) -> None:
        """See Engine."""
        front_end = self._model.preprocessor
        front_end.raw_data_buffer.extend([0] * _CONTEXT_SAMPLES)
        # openWakeWord replaces these arrays and never writes into them, so the silent ones stay silent.
        front_end.melspectrogram_buffer = self._silent_mel
        front_end.feature_buffer = self._silent_features

    def _check_features(self) -> None:
        for frame in _made_sound():
            self.score(frame)
        features = self._model.preprocessor.feature_buffer[-1][::8]
        if not np.allclose(features, _MADE_SOUND_FEATURES, rtol=0, atol=_FEATURE_TOLERANCE):
            # onnxruntime 1.27.0 does so on SME processors.
            raise ModelError(
                "onnxruntime computes the wake word's features wrongly on this processor: install the version that "
                "speakerd[wake] names."
            )

    def _settle_in_silence(self) -> None:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        for _ in range(_SETTLING_FRAMES):
            score = self.score(silence)
        if not score < _MOST_SCORE_OF_SILENCE:
            raise ModelError(
                f"the wake word model {self._name} scores {score:.2f} for silence on this processor: install the "
                "onnxruntime that speakerd[wake] names."
            )
        self._silent_mel = self._model.preprocessor.melspectrogram_buffer
        self._silent_features = self._model.preprocessor.feature_buffer


def _loaded(word: Path, melspectrogram: Path, embedding_model: Path) -> Any:  # openwakeword ships no types
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it when it is imported
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as runtime
        from openwakeword.model import Model
    except ImportError as error:
        raise ModelError(f"the wake word engine cannot be imported ({error}): install speakerd[wake].") from error
    try:
        return Model(
            wakeword_models=[str(word)],
            inference_framework="onnx",
            melspec_model_path=str(melspectrogram),
            embedding_model_path=str(embedding_model),
            ncpu=1,
        )
    except (runtime.Fail, runtime.InvalidProtobuf, runtime.InvalidGraph, runtime.NotImplemented) as error:
        paths = (word, melspectrogram, embedding_model)
        broken = next((path for path in paths if str(path) in str(error)), word.parent)
        raise ModelError(
            f"onnxruntime cannot load {broken} ({type(error).__name__}): delete it and run scripts/fetch-models."
        ) from error


def _made_sound() -> NDArray[np.int16]:
    """A rising sawtooth with gaps, shape (frames, 1280); whole numbers only, so that it is the same everywhere."""
    n = np.arange(_MADE_SOUND_FRAMES * FRAME_SAMPLES, dtype=np.int64)
    sawtooth = ((n * n // 40 + n * 9) % 1024 - 512) * 12
    sounding = n // 1600 % 3 != 2
    made_sound: NDArray[np.int16] = (sawtooth * sounding).astype(np.int16)
    return made_sound.reshape(_MADE_SOUND_FRAMES, FRAME_SAMPLES)
