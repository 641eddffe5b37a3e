"""The small models in numpy against onnxruntime, operator by operator; and what cannot be computed is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onnx_files import Attributes, model, node, tensor
from speakerd.errors import ModelError, UnknownOperatorError
from speakerd.wakeword.engine import FEATURES
from speakerd.wakeword.numpy_head import NumpyHead
from test_wakeword_streaming import WORDS, paths

RNG = np.random.default_rng(11)
FEATURES_SEEN = [(RNG.standard_normal((16, FEATURES)) * scale).astype(np.float32) for scale in (0, 1, 5, 20)]


def by_onnxruntime(path: Path, features: np.ndarray) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return float(session.run(None, {session.get_inputs()[0].name: features[None]})[0].reshape(()))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("features", FEATURES_SEEN, ids=["zeros", "small", "usual", "large"])
def test_pretrained_models(word: str, features: np.ndarray) -> None:
    assert NumpyHead(paths()[word])(features) == pytest.approx(by_onnxruntime(paths()[word], features), abs=1e-5)


def small_net(path: Path, *middle: bytes, constants: dict[str, np.ndarray] | None = None) -> Path:
    """Flatten, a product down to 8 numbers `h`, what is given from `h` to `y`, a mean, a sigmoid."""
    first = (RNG.standard_normal((FEATURES * 16, 8)) * 0.02).astype(np.float32)
    last = RNG.standard_normal((8, 1)).astype(np.float32)
    nodes = [
        node("Flatten", ["x"], ["flat"], {"axis": 1}),
        node("MatMul", ["flat", "first"], ["h"]),
        *middle,
        node("MatMul", ["y", "last"], ["logit"]),
        node("Sigmoid", ["logit"], ["score"]),
    ]
    tensors = {"first": first, "last": last, **(constants or {})}
    path.write_bytes(model(nodes, tensors, {"x": [1, 16, FEATURES]}, {"score": [1, 1]}))
    return path


EIGHT = {name: (RNG.standard_normal(8) + 2).astype(np.float32) for name in "ab"}
SQUARE = {"a": (RNG.standard_normal((8, 8)) * 0.5).astype(np.float32), "b": EIGHT["b"]}
TWO = {"a": np.array(2.0, np.float32)}
CASES: dict[str, tuple[str, list[str], Attributes, dict[str, np.ndarray]]] = {
    "Identity": ("Identity", ["h"], {}, {}),
    "Relu": ("Relu", ["h"], {}, {}),
    "LeakyRelu": ("LeakyRelu", ["h"], {"alpha": 0.1}, {}),
    "Tanh": ("Tanh", ["h"], {}, {}),
    "Sigmoid": ("Sigmoid", ["h"], {}, {}),
    "Add": ("Add", ["h", "a"], {}, EIGHT),
    "Sub": ("Sub", ["h", "a"], {}, EIGHT),
    "Mul": ("Mul", ["h", "a"], {}, EIGHT),
    "Div": ("Div", ["h", "a"], {}, EIGHT),
    "Pow": ("Pow", ["h", "a"], {}, TWO),
    "Gemm": ("Gemm", ["h", "a", "b"], {"transB": 1}, SQUARE),
    "LayerNormalization": ("LayerNormalization", ["h", "a", "b"], {"axis": -1, "epsilon": 1e-5}, EIGHT),
}


@pytest.mark.parametrize("name", CASES)
def test_operators(name: str, tmp_path: Path) -> None:
    op, inputs, attributes, constants = CASES[name]
    path = small_net(tmp_path / "made.onnx", node(op, inputs, ["y"], attributes), constants=constants)
    head = NumpyHead(path)
    assert head.feature_frames == 16
    for features in FEATURES_SEEN:
        assert head(features) == pytest.approx(by_onnxruntime(path, features), abs=1e-5)


@pytest.mark.parametrize(
    ("middle", "constants", "reason"),
    [
        (node("Erf", ["h"], ["y"]), {}, "uses the operator Erf, which needs an inference runtime"),
        (node("Gemm", ["h", "a"], ["y"], {"alpha": 0.5}), SQUARE, "uses a scaled matrix product"),
        (node("ReduceMean", ["h"], ["y"], {"axes": [0, 1]}), {}, "uses a mean over several axes"),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    middle: bytes, constants: dict[str, np.ndarray], reason: str, tmp_path: Path
) -> None:
    path = small_net(tmp_path / "made.onnx", middle, constants=constants)
    with pytest.raises(UnknownOperatorError, match=rf"made\.onnx {reason}"):
        NumpyHead(path)


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = small_net(tmp_path / "made.onnx", node("Add", ["h", "a"], ["y"]), constants={"a": np.ones(7, np.float32)})
    with pytest.raises(ModelError, match=r"made\.onnx is not a wake word's model"):
        NumpyHead(path)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38])
def test_features_out_of_all_bounds_give_no_warning_and_no_crash(value: float) -> None:
    with np.errstate(all="ignore"):
        NumpyHead(paths()["hey_jarvis"])(np.full((16, FEATURES), value, np.float32))


def test_a_tensor_by_list_or_by_bytes_is_the_same(tmp_path: Path) -> None:
    features = FEATURES_SEEN[2]
    scores = []
    for as_list in (False, True):
        first = np.full((FEATURES * 16, 1), 1e-3, np.float32)
        nodes = [
            node("Flatten", ["x"], ["flat"], {"axis": 1}),
            node("MatMul", ["flat", "w"], ["y"]),
            node("Sigmoid", ["y"], ["s"]),
        ]
        path = tmp_path / f"{as_list}.onnx"
        path.write_bytes(
            model(nodes, {}, {"x": [1, 16, 96]}, {"s": [1, 1]}, raw_tensors=[tensor("w", first, as_list=as_list)])
        )
        scores.append(NumpyHead(path)(features))
    assert scores[0] == scores[1]
