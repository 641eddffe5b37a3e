"""Reading .onnx files: what is written is read, and no damage does worse than one sentence."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnx_files import model, node
from speakerd.errors import ModelError
from speakerd.wakeword.onnx_graph import read_graph

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)
CONTENT = model(
    [node("Gemm", ["x", "w"], ["y"], {"alpha": 0.5, "transB": 1, "axes": [-1, 2]})],
    {"w": WEIGHTS},
    {"x": ["batch", 2], "w": [2, 3]},
    {"y": ["batch", 3]},
)


def test_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    path.write_bytes(CONTENT)
    graph = read_graph(path)
    (gemm,) = graph.nodes
    assert (gemm.op, gemm.inputs, gemm.outputs) == ("Gemm", ("x", "w"), ("y",))
    assert gemm.attributes == {"alpha": 0.5, "transB": 1, "axes": (-1, 2)}
    assert (graph.tensors["w"] == WEIGHTS).all()
    assert graph.inputs == {"x": (None, 2)}, "constants are no inputs"
    assert graph.outputs == {"y": (None, 3)}


@given(st.data())
def test_no_damage_is_worse_than_a_model_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "made.onnx"
    damaged = bytearray(CONTENT[: data.draw(st.integers(0, len(CONTENT)))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(damaged) - 1)), max_size=4)) if damaged else []:
        damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    with suppress(ModelError):
        read_graph(path)


@pytest.mark.parametrize("content", [b"", CONTENT[:50], b"\x80\x04pickle", b"not a model"])
def test_damage_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"made\.onnx is not an ONNX model, or is damaged: fetch or copy it again\.$"):
        read_graph(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx cannot be read \(No such file or directory\)"):
        read_graph(tmp_path / "none.onnx")
