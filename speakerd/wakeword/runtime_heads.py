"""Heads that an inference runtime computes, for models that the numpy form does not know.

The runtimes are imported when the first such model is loaded: whoever has none of these models needs none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FEATURES, Head
from speakerd.wakeword.inspection import checked_shapes, tflite_interpreter, tflite_shapes


def onnxruntime_head(path: Path) -> Head:
    """The head of a checked .onnx file, computed by onnxruntime in the caller's thread; raises ModelError."""
    session, failures = _onnx_session(path)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if any(tensor.type != "tensor(float)" for tensor in (*inputs, *outputs)):
        raise ModelError(f"{path} does not work with float32, so it is no openWakeWord model: give another file.")
    shapes = ([_sizes(tensor.shape) for tensor in side] for side in (inputs, outputs))
    name = inputs[0].name if inputs else ""

    def answer(features: NDArray[np.float32]) -> NDArray[np.float32]:
        answered: NDArray[np.float32] = session.run(None, {name: features})[0]
        return answered

    return _tried(path, checked_shapes(path, *shapes), answer, failures)


def tflite_head(path: Path) -> Head:
    """The head of a checked .tflite file, computed by LiteRT in the caller's thread; raises ModelError."""
    interpreter = tflite_interpreter(path)
    feature_frames = checked_shapes(path, *tflite_shapes(path, interpreter))
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    failures: tuple[type[Exception], ...] = (ValueError, RuntimeError)
    try:
        interpreter.resize_tensor_input(source, [1, feature_frames, FEATURES])
        interpreter.allocate_tensors()
    except failures as error:
        raise _unusable(path, error) from error

    def answer(features: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(source, features)
        interpreter.invoke()
        answered: NDArray[np.float32] = interpreter.get_tensor(target)
        return answered

    return _tried(path, feature_frames, answer, failures)


class _RuntimeHead:
    """Implements Head with a function that takes float32[1, feature_frames, 96]."""

    def __init__(self, feature_frames: int, answer: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self.feature_frames = feature_frames
        """See Head."""
        self._answer = answer

    def __call__(self, features: NDArray[np.float32]) -> float:
        """See Head."""
        return float(self._answer(features[np.newaxis]).item())


def _onnx_session(path: Path) -> tuple[Any, tuple[type[Exception], ...]]:  # onnxruntime ships no types
    """A session, and the errors that it may raise."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it when it is imported
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as runtime
    except ImportError as error:
        raise ModelError(
            f"{path} needs onnxruntime, which cannot be imported ({error}): install speakerd[onnx]."
        ) from error
    failures: tuple[type[Exception], ...] = (
        ValueError,
        runtime.Fail,
        runtime.InvalidArgument,
        runtime.InvalidGraph,
        runtime.InvalidProtobuf,
        runtime.NotImplemented,
        runtime.RuntimeException,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), failures
    except failures as error:
        raise _unusable(path, error) from error


def _tried(
    path: Path,
    feature_frames: int,
    answer: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    failures: tuple[type[Exception], ...],
) -> Head:
    """A head that has answered once, as shapes in a file may be left open."""
    head = _RuntimeHead(feature_frames, answer)
    try:
        head(np.zeros((feature_frames, FEATURES), np.float32))
    except failures as error:
        raise _unusable(path, error) from error
    return head


def _sizes(shape: list[Any]) -> list[int | None]:
    return [size if isinstance(size, int) else None for size in shape]


def _unusable(path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().split("\n", 1)[0].rstrip(".")
    return ModelError(f"the wake word model {path} cannot be computed ({reason}): give another file.")
