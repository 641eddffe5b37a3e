"""Which engine scores the words: ours where it knows the models, openWakeWord's own where the owner says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from speakerd.errors import ModelError
from speakerd.wakeword import models
from speakerd.wakeword.engine import Engine, Head
from speakerd.wakeword.inspection import inspected
from speakerd.wakeword.numpy_head import NumpyHead, UnknownOperatorError
from speakerd.wakeword.silence_gate import SilenceGate
from speakerd.wakeword.streaming_engine import StreamingEngine


def engine(name: str, words: Mapping[str, Path], folder: Path) -> Engine:
    """The engine "streaming" or "openwakeword" for checked models by word; raises ModelError."""
    front_end = models.verified(folder, [])
    if name == "openwakeword":
        from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine

        return OpenWakeWordEngine(words, front_end["melspectrogram"], front_end["embedding_model"])
    heads = {word: head(path) for word, path in words.items()}
    return SilenceGate(StreamingEngine(heads, front_end["melspectrogram"], front_end["embedding_model"]))


def head(path: Path) -> Head:
    """A word's model in numpy, or in an inference runtime where numpy does not know it; raises ModelError."""
    from speakerd.wakeword import runtime_heads

    if path.suffix.lower() == ".tflite":
        return runtime_heads.tflite_head(path)
    inspected(path)
    try:
        return NumpyHead(path)
    except UnknownOperatorError as unknown:
        try:
            return runtime_heads.onnxruntime_head(path)
        except ModelError as error:
            raise ModelError(f"{unknown} {error}") from error
