from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.errors import ModelError
from speakerd.wakeword import added
from speakerd.wakeword.added import AddedModel

CONTENT = b"\x08\x08 a model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MODEL = AddedModel("computer.onnx", SHA256, "unknown: ask its author", "Computer v2.onnx", "2026-11-23")


@pytest.mark.parametrize("name", ["word.onnx", "word.tflite", "WORD.ONNX"])
@pytest.mark.parametrize("expected", [(), ("",), (SHA256,), (SHA256.upper(), "")])
def test_a_model_passes_with_its_hash_or_without_one(tmp_path: Path, name: str, expected: tuple[str, ...]) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENT)
    assert added.checked(path, *expected) == added.CheckedFile(path, CONTENT, SHA256)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("word.pkl", CONTENT, "is a pickle, which can run any program"),
        ("word.joblib", CONTENT, "is a pickle, which can run any program"),
        ("word.pt", CONTENT, "is a pickle, which can run any program"),
        ("word.onnx", b"\x80\x04\x95", "is a pickle whatever its name says"),
        ("word.wav", CONTENT, "is not a wake word model: give a file that ends in .onnx or .tflite"),
        ("word", CONTENT, "is not a wake word model: give a file that ends in .onnx or .tflite"),
        ("word.onnx", b"", "is empty: copy it again"),
        ("word.tflite", bytes(20_000_001), "has 20 MB, too much for a wake word's model"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(reason)) as raised:
        added.checked(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)


def test_a_folder_or_nothing_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for name in ("folder.onnx", "nothing.onnx"):
        with pytest.raises(ModelError, match=f"there is no file .*{name}"):
            added.checked(tmp_path / name)


def test_another_hash_names_the_file_and_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "word.onnx"
    path.write_bytes(CONTENT)
    with pytest.raises(ModelError) as raised:
        added.checked(path, "ab" * 32)
    assert str(raised.value) == (
        f"the model {path} has the sha256 {SHA256[:12]}… and not abababababab…: "
        "copy the right file, or correct the hash."
    )


def test_the_record_is_written_for_people(tmp_path: Path) -> None:
    added.write(tmp_path, {"computer": MODEL})
    assert (tmp_path / "added.toml").read_text().splitlines() == [
        "# Wake word models added with `speakerd models add`; a model whose sha256 differs is not loaded.",
        "",
        "[computer]",
        'file = "computer.onnx"',
        f'sha256 = "{SHA256}"',
        'licence = "unknown: ask its author"',
        'came_from = "Computer v2.onnx"',
        'added_on = "2026-11-23"',
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["added.toml"]


@given(came_from=st.text(), licence=st.text())
def test_any_name_can_be_read_again(tmp_path_factory: pytest.TempPathFactory, came_from: str, licence: str) -> None:
    folder = tmp_path_factory.mktemp("models")
    added.write(folder, {"word": AddedModel("word.onnx", SHA256, licence, came_from, "2026-11-23")})
    read = added.read(folder)["word"]
    assert read.came_from == "".join(letter for letter in came_from if letter.isprintable())
    assert read.licence == "".join(letter for letter in licence if letter.isprintable())


def test_no_record_is_an_empty_one(tmp_path: Path) -> None:
    assert added.read(tmp_path) == {}
    assert added.read(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    "record",
    [
        "[word",
        "word = 1",
        '[word]\nfile = "word.onnx"',
        '[word]\nfile = "../word.onnx"\nsha256 = ""\nlicence = ""\ncame_from = ""\nadded_on = ""',
        '[word]\nfile = "word.onnx"\nsha256 = 5\nlicence = ""\ncame_from = ""\nadded_on = ""',
        "\udcff",
    ],
    ids=["not TOML", "no table", "keys missing", "outside the folder", "a number", "not UTF-8"],
)
def test_a_damaged_record_is_said(tmp_path: Path, record: str) -> None:
    (tmp_path / "added.toml").write_bytes(record.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=r"added\.toml is damaged .*: correct it, or delete it"):
        added.read(tmp_path)
