"""Which engine scores the words: ours where it knows the models, openWakeWord's own where the owner says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from speakerd.errors import ModelError, UnknownOperatorError
from speakerd.wakeword import models
from speakerd.wakeword.engine import Engine, Head
from speakerd.wakeword.numpy_head import NumpyHead
from speakerd.wakeword.silence_gate import SilenceGate
from speakerd.wakeword.streaming_engine import StreamingEngine


def engines(name: str, words: Mapping[str, Path], folder: Path) -> tuple[Engine, Engine | None]:
    """The engine "streaming" or "openwakeword" for checked models by word, and one for the far end; raises ModelError.

    Both are for one thread, because they share the words' models. openwakeword costs too much to hear the far end, too.
    """
    front_end = models.verified(folder, [])
    if name == "openwakeword":
        from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine

        return OpenWakeWordEngine(words, front_end["melspectrogram"], front_end["embedding_model"]), None
    heads = {word: head(path) for word, path in words.items()}
    near, far = (StreamingEngine(heads, front_end["melspectrogram"], front_end["embedding_model"]) for _ in range(2))
    return SilenceGate(near), SilenceGate(far)


def head(path: Path) -> Head:
    """A word's model in numpy, or in an inference runtime where numpy does not know it; raises ModelError."""
    from speakerd.wakeword import runtime_heads

    if path.suffix.lower() == ".tflite":
        return runtime_heads.tflite_head(path)
    try:
        return NumpyHead(path)
    except UnknownOperatorError as unknown:
        try:
            return runtime_heads.onnxruntime_head(path)
        except ModelError as error:
            raise ModelError(f"{unknown} {error}") from error
