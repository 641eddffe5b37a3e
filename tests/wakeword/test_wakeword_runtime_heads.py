from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import onnx_files
from speakerd.errors import ModelError
from speakerd.wakeword import models
from speakerd.wakeword.engine import Head
from speakerd.wakeword.runtime_heads import onnxruntime_head, tflite_head

ONNX_WORDS = [word for word, model in models.catalogue().words.items() if model.file.endswith(".onnx")]


def path_of(word: str) -> Path:
    models.fetch(models.default_folder())
    return models.chosen(models.default_folder(), word).path


def features(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 12, (16, 96)).astype(np.float32)


@pytest.mark.parametrize("word", ONNX_WORDS)
def test_onnxruntime_answers_as_a_plain_session_does(word: str) -> None:
    import onnxruntime

    plain = onnxruntime.InferenceSession(str(path_of(word)), providers=["CPUExecutionProvider"])
    head = onnxruntime_head(path_of(word))
    assert head.feature_frames == 16
    for seed in range(20):
        (expected,) = plain.run(None, {plain.get_inputs()[0].name: features(seed)[None]})
        assert head(features(seed)) == pytest.approx(float(expected.item()), abs=1e-6)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_tflite_answers_in_scores_and_depends_on_its_features() -> None:
    head = tflite_head(path_of("ok_nabu"))
    scores = [head(features(seed)) for seed in range(20)]
    assert head.feature_frames == 16
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1
    assert scores == [head(features(seed)) for seed in range(20)]


@pytest.mark.parametrize("load", [onnxruntime_head, tflite_head])
def test_a_broken_file_is_named(tmp_path: Path, load: Callable[[Path], Head]) -> None:
    path = tmp_path / "word.model"
    path.write_bytes(b"no model at all")
    with pytest.raises(ModelError, match=r"word\.model .*(copy it again|give another file)\.$"):
        load(path)


def test_an_operator_that_nobody_knows_is_said(tmp_path: Path) -> None:
    path = tmp_path / "word.onnx"
    nodes = [onnx_files.node("Imagined", ["x"], ["y"])]
    path.write_bytes(onnx_files.model(nodes, {}, {"x": [1, 16, 96]}, {"y": [1, 1]}))
    with pytest.raises(ModelError, match=r"word\.onnx cannot be computed \(.*Imagined"):
        onnxruntime_head(path)


def test_an_answer_whose_open_shape_turns_out_wrong_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "word.onnx"
    nodes = [onnx_files.node("Relu", ["x"], ["y"])]
    path.write_bytes(onnx_files.model(nodes, {}, {"x": [1, 16, 96]}, {"y": ["a", "b", "c"]}))
    with pytest.raises(ModelError, match=r"word\.onnx answers \[1, 16, 96\] and not one score"):
        onnxruntime_head(path)


@pytest.mark.parametrize(
    ("load", "module", "extra"),
    [(onnxruntime_head, "onnxruntime", "onnx"), (tflite_head, "ai_edge_litert.interpreter", "tflite")],
)
def test_without_the_runtime_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, load: Callable[[Path], Head], module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError, match=rf"install speakerd\[{extra}\]\.$"):
        load(Path("word"))
