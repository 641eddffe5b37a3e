"""Wake word models that the owner brought: what may be one, and the folder's record of them.

A hash says which file it is, not that it is harmless: .onnx and .tflite are data, pickles are programs and are never
opened. This file imports the standard library only, as `models` does.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from speakerd.errors import ModelError

RECORD = "added.toml"
"""The file in the models' folder that lists the added ones."""
SUFFIXES = (".onnx", ".tflite")
_MOST_BYTES = 20_000_000
"""The largest of openWakeWord's word models has 1.7 MB."""
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")


@dataclass(frozen=True, slots=True)
class AddedModel:
    """One entry of the record."""

    file: str
    sha256: str
    licence: str
    came_from: str
    """The file's name before it was added."""
    added_on: str
    """The date, as in 2026-11-23."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be a word's model, as it was when it was checked."""

    path: Path
    content: bytes
    sha256: str


def checked(path: Path, *expected_sha256: str) -> CheckedFile:
    """The file if it can be a model and has each hash that is not empty; raises ModelError."""
    if path.suffix.lower() in _PICKLES:
        raise ModelError(f"{path} is a pickle, which can run any program: give a model as .onnx or .tflite.")
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{path} is not a wake word model: give a file that ends in .onnx or .tflite.")
    content = _content(path)
    if not content:
        raise ModelError(f"the model {path} is empty: copy it again.")
    if content.startswith(b"\x80"):
        raise ModelError(f"{path} is a pickle whatever its name says, which can run any program: give another file.")
    sha256 = hashlib.sha256(content).hexdigest()
    for expected in expected_sha256:
        if expected and expected.lower() != sha256:
            raise ModelError(
                f"the model {path} has the sha256 {sha256[:12]}… and not {expected.lower()[:12]}…: "
                "copy the right file, or correct the hash."
            )
    return CheckedFile(path, content, sha256)


def read(folder: Path) -> Mapping[str, AddedModel]:
    """The record by name, empty if there is none; raises ModelError if it cannot be used."""
    path = folder / RECORD
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        record = {name: AddedModel(**entry) for name, entry in table.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}): correct it, or delete it and add the models again.") from error
    for name, model in record.items():
        if not all(isinstance(value, str) for value in asdict(model).values()) or Path(model.file).name != model.file:
            raise ModelError(f"{path} is damaged (the entry {name}): correct it, or delete it and add the model again.")
    return record


def write(folder: Path, record: Mapping[str, AddedModel]) -> None:
    """Replace the record; raises OSError."""
    lines = ["# Wake word models added with `speakerd models add`; a model whose sha256 differs is not loaded."]
    for name, model in sorted(record.items()):
        entries = (f"{key} = {_quoted(value)}" for key, value in asdict(model).items())
        lines += ["", f"[{name}]", *entries]
    write_whole(folder / RECORD, ("\n".join(lines) + "\n").encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader never sees half a file; raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"there is no file {path}: correct the path of the wake word's model.")
        if (size_bytes := path.stat().st_size) > _MOST_BYTES:
            raise ModelError(
                f"{path} has {size_bytes / 1e6:.0f} MB, too much for a wake word's model (at most 20): "
                "give another file."
            )
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read ({error.strerror}): check its permissions.") from error


def _quoted(text: str) -> str:
    """A TOML string, which is JSON's as long as nothing in it is a control character."""
    return json.dumps("".join(letter for letter in text if letter.isprintable()), ensure_ascii=False)
