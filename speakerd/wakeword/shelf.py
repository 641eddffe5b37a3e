"""The folder of wake word models as its owner sees it: what `speakerd models` lists, adds and verifies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from speakerd.errors import ModelError
from speakerd.wakeword import added, models
from speakerd.wakeword.inspection import inspected

UNKNOWN_LICENCE = "unknown: ask its author"

Kind = Literal["catalogue", "added", "front end"]


@dataclass(frozen=True, slots=True)
class Row:
    """One model of the listing."""

    name: str
    kind: Kind
    file: str
    licence: str
    sha256: str
    """The first 12 digits of what the file's hash must be."""
    state: str
    """ok, missing or damaged."""


def listing(folder: Path) -> Sequence[Row]:
    """Every known model, words first; raises ModelError if a file or the record cannot be read."""
    known = models.catalogue()
    return [
        *(_row(folder, name, "catalogue", model) for name, model in known.words.items()),
        *(_row(folder, name, "added", model) for name, model in added.read(folder).items()),
        *(_row(folder, name, "front end", model) for name, model in known.front_end.items()),
    ]


def add(folder: Path, path_or_name: str, sha256: str = "", name: str = "", licence: str = UNKNOWN_LICENCE) -> Row:
    """Copy a custom model into the folder and record it, or fetch a catalogue's one by name; raises ModelError."""
    catalogue_word = models.catalogue().words.get(path_or_name)
    if catalogue_word is not None:
        models.fetch(folder)
        models.chosen(folder, path_or_name, sha256)
        return _row(folder, path_or_name, "catalogue", catalogue_word)
    source = added.checked(Path(path_or_name).expanduser(), sha256)
    inspected(source.path)
    chosen_name = _free_name(folder, name or _name_from(source.path.stem), source.sha256)
    model = added.AddedModel(
        file=chosen_name + source.path.suffix.lower(),
        sha256=source.sha256,
        licence=licence,
        came_from=source.path.name,
        added_on=date.today().isoformat(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        added.write_whole(folder / model.file, source.content)
        added.write(folder, {**added.read(folder), chosen_name: model})
    except OSError as error:
        raise ModelError(
            f"the model cannot be written to {folder} ({error.strerror}): choose another with --folder."
        ) from error
    return _row(folder, chosen_name, "added", model)


def verify(folder: Path) -> Sequence[Row]:
    """The rows that are not ok; empty if every model is there and unchanged. Raises ModelError as `listing` does."""
    return [row for row in listing(folder) if row.state != "ok"]


def _row(folder: Path, name: str, kind: Kind, model: models.Model | added.AddedModel) -> Row:
    state = models.state(folder, model.file, model.sha256)
    return Row(name, kind, model.file, model.licence, model.sha256[:12], state)


def _name_from(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")


def _free_name(folder: Path, name: str, sha256: str) -> str:
    """The name if it can be given to this content; raises ModelError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise ModelError(f'"{name}" cannot name a wake word: choose a --name of small letters, digits, "_" and "-".')
    if name in models.catalogue().all:
        raise ModelError(f'the name "{name}" belongs to a model of the catalogue: choose another with --name.')
    present = added.read(folder).get(name)
    if present is not None and present.sha256 != sha256:
        raise ModelError(
            f'the name "{name}" belongs to {present.file} with the sha256 {present.sha256[:12]}… and not '
            f"{sha256[:12]}…: choose another with --name."
        )
    return name
