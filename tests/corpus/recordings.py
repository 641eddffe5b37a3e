"""Recorded speech and music out of Debian packages, which are fetched and unpacked but never installed."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from corpus.plan import seed
from corpus.sound import SAMPLE_RATE_HZ, Sound, amplitude, resampled, white, write, write_bytes
from corpus.voices import Missing

Kind = Literal["speech", "music"]


@dataclass(frozen=True, slots=True)
class Package:
    """Some sound files of a Debian package."""

    name: str
    kind: Kind
    folder: str
    """Below the package's root; `*` stands for any one name."""
    licence: str
    """In short; the package's own copyright file is kept beside the sound."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of about five minutes."""

    path: str
    kind: Kind
    source: str
    licence: str


PACKAGES = (
    Package("flight-of-the-amazon-queen", "speech", "usr/share/scummvm", "freely distributable (its own licence)"),
    Package("asterisk-core-sounds-en-wav", "speech", "usr/share/asterisk", "CC-BY-SA-3.0"),
    Package("asterisk-core-sounds-es-wav", "speech", "usr/share/asterisk", "CC-BY-SA-3.0"),
    Package("asterisk-core-sounds-fr-wav", "speech", "usr/share/asterisk", "CC-BY-SA-3.0"),
    Package("fillets-ng-data-cs", "speech", "usr/share/games/fillets-ng/sound", "GPL-2+"),
    Package("klettres-data", "speech", "usr/share/klettres", "GPL-2+"),
    Package("ktuberling-data", "speech", "usr/share/ktuberling", "GPL-2+, CC-BY, CC0"),
    Package("wesnoth-1.16-music", "music", "usr/share/games/wesnoth/*/data/core/music", "GPL-2+"),
    Package("fillets-ng-data", "music", "usr/share/games/fillets-ng/music", "GPL-2+"),
)
NEVER = (
    Missing("beneath-a-steel-sky", "its speech is packed in a format (RNC) for which we have no decoder"),
    Missing(
        "asterisk-core-sounds-*-g722", "the same sentences are taken from the -wav packages, which need no decoder"
    ),
    Missing(
        "tuxpaint-stamps-default",
        "161 MB of download for short clips in many languages, part of them sounds of animals",
    ),
)
_FILE_SAMPLES = 300 * SAMPLE_RATE_HZ
_GAP_SAMPLES = 3 * SAMPLE_RATE_HZ // 10
_SOUNDS = {".wav", ".ogg", ".opus", ".flac", ".mp3"}
_GAME_ENTRY_BYTES = 21


def recordings(package: Package, folder: Path) -> tuple[list[Recording], list[Missing]]:
    """Its files under `folder`, made if they are not there yet, and what could not be had."""
    made = folder / package.kind / f"{package.name}.json"
    if not made.exists():
        if find_spec("soundfile") is None:
            return [], [Missing(package.name, "soundfile is not installed: run scripts/corpus without --quick")]
        with tempfile.TemporaryDirectory(prefix="speakerd-corpus-") as scratch:
            try:
                version = _unpack(package, Path(scratch))
            except (OSError, subprocess.CalledProcessError) as error:
                return [], [Missing(package.name, f"not to be had with apt-get download: {_said(error)}")]
            _keep_licence(package, Path(scratch), folder)
            found, broken = _convert(package, version, Path(scratch), folder)
        if not found:
            return [], [Missing(package.name, f"no sound could be read in {package.folder}")]
        content = {"files": [asdict(recording) for recording in found], "unreadable": broken}
        write_bytes(made, json.dumps(content, indent=1).encode())
    content = json.loads(made.read_text())
    broken = content["unreadable"]
    missing = [Missing(package.name, f"{len(broken)} sounds cannot be read, first {broken[0]}")] if broken else []
    return [Recording(**fields) for fields in content["files"]], missing


def game_entries(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of Flight of the Amazon Queen's archive, whose speech is one MP3 per sentence."""
    if not archive.startswith(b"QTBL"):
        raise ValueError("This is no archive of Flight of the Amazon Queen: it must begin with QTBL.")
    for number in range(int.from_bytes(archive[13:15], "big")):
        entry = archive[15 + _GAME_ENTRY_BYTES * number :][:_GAME_ENTRY_BYTES]
        start, size = int.from_bytes(entry[13:17], "big"), int.from_bytes(entry[17:21], "big")
        yield entry[:12].rstrip(b"\0").decode("ascii"), archive[start : start + size]


def _unpack(package: Package, scratch: Path) -> str:
    """Fetches and unpacks it below `scratch`; returns the version."""
    subprocess.run(
        ["apt-get", "download", "-qq", package.name], cwd=scratch, capture_output=True, text=True, check=True
    )
    archive = next(scratch.glob("*.deb"))
    fields = ["dpkg-deb", "--field", str(archive), "Version"]
    version: str = subprocess.run(fields, capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["dpkg-deb", "-x", archive, scratch], capture_output=True, text=True, check=True)
    archive.unlink()
    return version


def _keep_licence(package: Package, scratch: Path, folder: Path) -> None:
    for path in scratch.glob("usr/share/doc/*/copyright"):
        write_bytes(folder / "licences" / f"{package.name}.txt", path.read_bytes())


def _convert(package: Package, version: str, scratch: Path, folder: Path) -> tuple[list[Recording], list[str]]:
    found: list[Recording] = []
    broken: list[str] = []
    for number, sound in enumerate(_packed(_decoded(package, scratch, broken), package.kind)):
        path = f"{package.kind}/{package.name}-{number:03d}.wav"
        hiss = white(len(sound), seed(path)) * amplitude(-72)
        write(folder / path, sound + hiss)
        found.append(Recording(path, package.kind, f"apt: {package.name} {version}", package.licence))
    return found, broken


def _decoded(package: Package, scratch: Path, broken: list[str]) -> Iterator[Sound]:
    """Every sound in the order of the names, mono at 16 kHz; names what libsndfile cannot read."""
    soundfile = import_module("soundfile")
    for name, content in _contents(package, scratch):
        try:
            samples, hz = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            broken.append(name)
            continue
        yield resampled(samples.mean(axis=1).astype(np.float64), int(hz))


def _contents(package: Package, scratch: Path) -> Iterator[tuple[str, bytes]]:
    paths = sorted(path for top in scratch.glob(package.folder) for path in top.rglob("*") if path.is_file())
    for path in paths:
        if path.name == "queen.1c":
            entries = sorted(game_entries(path.read_bytes()))
            yield from ((name, content) for name, content in entries if name.endswith(".SB"))
        elif path.suffix in _SOUNDS and not path.is_symlink():
            yield str(path.relative_to(scratch)), path.read_bytes()


def _packed(sounds: Iterator[Sound], kind: Kind) -> Iterator[Sound]:
    """Files of five minutes; between sentences there is a short pause."""
    gap = np.zeros(_GAP_SAMPLES if kind == "speech" else 0)
    waiting: list[Sound] = []
    samples = 0
    for sound in sounds:
        waiting += [sound, gap]
        samples += len(sound) + len(gap)
        if samples >= _FILE_SAMPLES:
            yield np.concatenate(waiting)
            waiting, samples = [], 0
    if samples:
        yield np.concatenate(waiting)


def _said(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr).strip().splitlines()[-1] if error.stderr else str(error)
    return str(error)
