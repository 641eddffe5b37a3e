from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

import onnx_files
from speakerd.errors import ModelError
from speakerd.wakeword import added, models, shelf


def word_file(path: Path, op: str = "Identity", classes: int = 1) -> Path:
    """A file with the shapes of a word's model."""
    path.write_bytes(onnx_files.model([onnx_files.node(op, ["x"], ["y"])], {}, {"x": [1, 16, 96]}, {"y": [1, classes]}))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the catalogue's models."""
    models.fetch(models.default_folder())
    copied = tmp_path / "models"
    copied.mkdir()
    for model in models.catalogue().all.values():
        shutil.copy(models.default_folder() / model.file, copied)
    return copied


def test_lists_everything_and_its_state(folder: Path, tmp_path: Path) -> None:
    shelf.add(folder, str(word_file(tmp_path / "Computer v2.onnx")), licence="CC0")
    (folder / "alexa_v0.1.onnx").unlink()
    (folder / "computer_v2.onnx").write_bytes(b"changed")
    rows = {row.name: row for row in shelf.listing(folder)}
    assert {name: row.kind for name, row in rows.items()} == {
        **dict.fromkeys(models.catalogue().words, "catalogue"),
        "computer_v2": "added",
        "melspectrogram": "front end",
        "embedding_model": "front end",
    }
    assert (rows["computer_v2"].licence, rows["hey_jarvis"].licence) == ("CC0", "CC BY-NC-SA 4.0")
    assert rows["hey_jarvis"].sha256 == "94a13cfe6007"
    assert {row.name: row.state for row in shelf.verify(folder)} == {"alexa": "missing", "computer_v2": "damaged"}


def test_an_added_model_can_be_chosen_by_name(folder: Path, tmp_path: Path) -> None:
    source = word_file(tmp_path / "computer.onnx")
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    row = shelf.add(folder, str(source), sha256, "my-word")
    assert row == shelf.Row("my-word", "added", "my-word.onnx", shelf.UNKNOWN_LICENCE, sha256[:12], "ok")
    assert added.read(folder)["my-word"].came_from == "computer.onnx"
    source.unlink()
    assert models.chosen(folder, "my-word") == models.WordModel("my-word", folder / "my-word.onnx")
    (folder / "my-word.onnx").write_bytes(b"changed")
    with pytest.raises(ModelError, match=sha256[:12]):
        models.chosen(folder, "my-word")


def test_adding_again_changes_nothing_but_repairs(folder: Path, tmp_path: Path) -> None:
    source = word_file(tmp_path / "computer.onnx")
    shelf.add(folder, str(source))
    (folder / "computer.onnx").unlink()
    assert shelf.add(folder, str(source)).state == "ok"
    assert shelf.verify(folder) == []


def test_another_content_does_not_take_a_name(folder: Path, tmp_path: Path) -> None:
    shelf.add(folder, str(word_file(tmp_path / "computer.onnx")))
    before = (folder / "computer.onnx").read_bytes()
    other = word_file(tmp_path / "computer.onnx", "Relu")
    with pytest.raises(ModelError, match=r'the name "computer" belongs to computer\.onnx'):
        shelf.add(folder, str(other))
    assert (folder / "computer.onnx").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hey_jarvis", "belongs to a model of the catalogue"),
        ("melspectrogram", "belongs to a model of the catalogue"),
        ("../word", "cannot name a wake word"),
        ("Word", "cannot name a wake word"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(folder: Path, tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        shelf.add(folder, str(word_file(tmp_path / "word.onnx")), name=name)
    assert not (folder / "added.toml").exists()


def test_a_model_of_several_classes_is_not_added(folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(ModelError, match="give a model of one word"):
        shelf.add(folder, str(word_file(tmp_path / "timer.onnx", classes=7)))
    assert sorted(folder.iterdir()) == before


def test_a_catalogues_word_is_fetched_by_name(folder: Path) -> None:
    (folder / "alexa_v0.1.onnx").unlink()
    assert shelf.add(folder, "alexa").state == "ok"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be written to /proc/speakerd"):
        shelf.add(Path("/proc/speakerd"), str(word_file(tmp_path / "word.onnx")))
