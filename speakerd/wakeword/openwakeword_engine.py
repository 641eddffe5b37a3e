"""openWakeWord's own Python engine on onnxruntime, with the state of its buffers in our hands.

Its `reset()` fills the buffers with features of random noise, after which ordinary speech fires now and then (8 of 300
trials; 54 with zeros). The features of digital silence are the safe ones (1 of 300, as without a reset): they are
computed once at load and put back by `rearm`. Its patience and debounce are not used either; `detection` does that.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FRAME_SAMPLES, check_frame
from speakerd.wakeword.self_test import SETTLING_FRAMES, check_features, check_silence, made_sound

_CONTEXT_SAMPLES = FRAME_SAMPLES + 480
"""What one step of the mel spectrogram reads: the frame and three windows' overlap before it."""


class OpenWakeWordEngine:
    """Implements Engine with about 190 MB of memory: the reference, and the fallback beside `streaming`."""

    def __init__(self, words: Mapping[str, Path], melspectrogram: Path, embedding_model: Path) -> None:
        """Load checked .onnx files and check that they compute rightly here, in seconds; raises ModelError."""
        self.words = tuple(words)
        """See Engine."""
        _check_files(words)
        self._names = tuple(path.stem for path in words.values())
        self._scores = np.zeros(len(self.words), np.float32)
        self._model = _loaded(list(words.values()), melspectrogram, embedding_model)
        # The list of the last ten seconds that openWakeWord builds for every frame costs more than its word model.
        self._model.preprocessor.raw_data_buffer = deque(maxlen=_CONTEXT_SAMPLES)
        self._check()

    def score(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        """See Engine."""
        # openWakeWord would take floats as silence and answer a short frame with the last score.
        check_frame(frame)
        predictions = self._model.predict(frame)
        for number, name in enumerate(self._names):
            self._scores[number] = predictions[name]
        return self._scores

    def rearm(self) -> None:
        """See Engine."""
        front_end = self._model.preprocessor
        front_end.raw_data_buffer.extend([0] * _CONTEXT_SAMPLES)
        # openWakeWord replaces these arrays and never writes into them, so the silent ones stay silent.
        front_end.melspectrogram_buffer = self._silent_mel
        front_end.feature_buffer = self._silent_features

    def _check(self) -> None:
        front_end = self._model.preprocessor
        for frame in made_sound():
            self.score(frame)
        check_features(front_end.feature_buffer[-1], "onnxruntime")
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        for _ in range(SETTLING_FRAMES + max(self._model.model_inputs.values())):
            self.score(silence)
        for word, score in zip(self.words, self._scores, strict=True):
            check_silence(word, float(score), "onnxruntime")
        self._silent_mel = front_end.melspectrogram_buffer
        self._silent_features = front_end.feature_buffer


def _check_files(words: Mapping[str, Path]) -> None:
    for word, path in words.items():
        if path.suffix.lower() != ".onnx":
            # The package's own .tflite way needs tflite-runtime, which crashes under numpy 2.
            raise ModelError(
                f'the engine "openwakeword" takes .onnx only, and {word} is {path}: choose engine = "streaming".'
            )
    by_stem = {path.stem: path for path in words.values()}
    for path in words.values():
        if by_stem[path.stem] != path:
            raise ModelError(f"{path} and {by_stem[path.stem]} have one file name: rename one of them.")


def _loaded(words: list[Path], melspectrogram: Path, embedding_model: Path) -> Any:  # openwakeword ships no types
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it when it is imported
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as runtime
        from openwakeword.model import Model
    except ImportError as error:
        raise ModelError(
            f"the wake word engine cannot be imported ({error}): install speakerd[openwakeword]."
        ) from error
    try:
        # Custom verifier models, which are pickles, are never given.
        return Model(
            wakeword_models=[str(word) for word in words],
            inference_framework="onnx",
            melspec_model_path=str(melspectrogram),
            embedding_model_path=str(embedding_model),
            ncpu=1,
        )
    except (runtime.Fail, runtime.InvalidProtobuf, runtime.InvalidGraph, runtime.NotImplemented) as error:
        paths = (*words, melspectrogram, embedding_model)
        broken = next((path for path in paths if str(path) in str(error)), words[0].parent)
        raise ModelError(
            f"onnxruntime cannot load {broken} ({type(error).__name__}): delete it and run scripts/fetch-models."
        ) from error
