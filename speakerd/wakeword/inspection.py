"""Whether a file is a wake word's model: one array of features in, one score out.

Others are refused by their shapes before an engine loads them, so that nobody waits for a word that cannot be heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FEATURES
from speakerd.wakeword.onnx_graph import read_graph

Shape = Sequence[int | None]
"""None where a dimension is open."""

_MOST_FEATURE_FRAMES = 64


def inspected(path: Path) -> int:
    """How many feature frames the word's model looks at; raises ModelError if it is no word's model.

    Reading .tflite needs speakerd[tflite].
    """
    if path.suffix.lower() == ".tflite":
        interpreter = tflite_interpreter(path)
        return checked_shapes(path, *tflite_shapes(path, interpreter))
    graph = read_graph(path)
    return checked_shapes(path, list(graph.inputs.values()), list(graph.outputs.values()))


def checked_shapes(path: Path, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """The number of feature frames if these are a word's [1, N, 96] in and one number out; raises ModelError."""
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs, a wake word's model one each: "
            "give another file."
        )
    frames = inputs[0][1] if len(inputs[0]) == 3 else None
    if frames is None or not 1 <= frames <= _MOST_FEATURE_FRAMES or not _is_shape(inputs[0], (1, frames, FEATURES)):
        raise ModelError(
            f"{path} takes {_text(inputs[0])} and not [1, N, {FEATURES}] with N from 1 to {_MOST_FEATURE_FRAMES}, "
            "so it is no openWakeWord model: give another file."
        )
    if not all(size in (1, None) for size in outputs[0]):
        raise ModelError(
            f"{path} answers {_text(outputs[0])} and not one score, as a model of several classes does: "
            "give a model of one word."
        )
    return frames


def tflite_interpreter(path: Path) -> Any:  # ai-edge-litert ships no types
    """A file in LiteRT's interpreter, with one thread; raises ModelError."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ModelError(
            f"{path} needs LiteRT, which cannot be imported ({error}): install speakerd[tflite]."
        ) from error
    try:
        return Interpreter(model_path=str(path), num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} is not a TensorFlow Lite model, or is damaged: fetch or copy it again.") from error


def tflite_shapes(path: Path, interpreter: Any) -> tuple[list[Shape], list[Shape]]:
    """Shapes of the inputs and of the outputs; raises ModelError unless all are float32."""
    details = (interpreter.get_input_details(), interpreter.get_output_details())
    for tensor in (*details[0], *details[1]):
        if tensor["dtype"].__name__ != "float32":
            raise ModelError(
                f"{path} works with {tensor['dtype'].__name__} and not float32, so it is no openWakeWord model "
                "(microWakeWord's are another kind): give another file."
            )
    inputs, outputs = ([_open(tensor["shape_signature"].tolist()) for tensor in side] for side in details)
    return inputs, outputs


def _open(signature: list[int]) -> Shape:
    return [None if size < 0 else size for size in signature]


def _is_shape(shape: Shape, wanted: tuple[int, ...]) -> bool:
    """Whether they agree; a batch may be open."""
    return shape[0] in (None, wanted[0]) and tuple(shape[1:]) == wanted[1:]


def _text(shape: Shape) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
