from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import onnx_files
from speakerd.errors import ModelError
from speakerd.wakeword import models
from speakerd.wakeword.inspection import checked_shapes, inspected

PATH = Path("/models/word.onnx")


@pytest.mark.parametrize("batch", [1, None])
@pytest.mark.parametrize("frames", [1, 16, 34, 64])
@pytest.mark.parametrize("output", [[1, 1], [None, 1], [None, None], [1], []])
def test_a_words_model_passes(batch: int | None, frames: int, output: Sequence[int | None]) -> None:
    assert checked_shapes(PATH, [[batch, frames, 96]], [output]) == frames


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [
        ([[1, 34, 96]], [[1, 7]], r"answers \[1, 7\] and not one score"),
        ([[1, 65, 96]], [[1, 1]], r"takes \[1, 65, 96\]"),
        ([[1, 0, 96]], [[1, 1]], r"takes \[1, 0, 96\]"),
        ([[1, None, 96]], [[1, 1]], r"takes \[1, \?, 96\]"),
        ([[2, 16, 96]], [[1, 1]], r"takes \[2, 16, 96\]"),
        ([[1, 16, 40]], [[1, 1]], r"takes \[1, 16, 40\]"),
        ([[1, 16, None]], [[1, 1]], r"takes \[1, 16, \?\]"),
        ([[16, 96]], [[1, 1]], r"takes \[16, 96\]"),
        ([[]], [[1, 1]], r"takes \[\]"),
        ([], [[1, 1]], "has 0 inputs and 1 outputs"),
        ([[1, 16, 96], [1]], [[1, 1]], "has 2 inputs and 1 outputs"),
        ([[1, 16, 96]], [[1, 1], [1, 1]], "has 1 inputs and 2 outputs"),
    ],
)
def test_other_shapes_are_refused(inputs: list[list[int | None]], outputs: list[list[int | None]], reason: str) -> None:
    with pytest.raises(ModelError, match=f"^{PATH} {reason}"):
        checked_shapes(PATH, inputs, outputs)


@pytest.mark.parametrize("word", models.catalogue().words)
def test_the_catalogues_words_are_words(word: str) -> None:
    folder = models.default_folder()
    models.fetch(folder)
    assert inspected(models.chosen(folder, word).path) == 16


@pytest.mark.parametrize("name", ["melspectrogram", "embedding_model"])
def test_the_front_end_is_no_word(name: str) -> None:
    folder = models.default_folder()
    models.fetch(folder)
    with pytest.raises(ModelError, match="is no openWakeWord model"):
        inspected(models.verified(folder, [])[name])


def test_a_made_model_of_classes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "timer.onnx"
    path.write_bytes(onnx_files.model([], {}, {"x": [1, 34, 96]}, {"y": [1, 7]}))
    with pytest.raises(ModelError, match="give a model of one word"):
        inspected(path)


@pytest.mark.parametrize(("name", "kind"), [("word.onnx", "ONNX"), ("word.tflite", "TensorFlow Lite")])
@pytest.mark.parametrize("content", [b"no model at all", b"TFL3TFL3TFL3"])
def test_another_file_is_refused(tmp_path: Path, name: str, kind: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} is not an? {kind} model"):
        inspected(tmp_path / name)
