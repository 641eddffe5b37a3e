"""The fake sound card's ALSA plugin: compiled at first use and kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from speakerd.errors import AudioDeviceError

_NAMES = ("fakecard.c", "fakecard_files.c", "fakecard_trouble.c", "fakecard.h")
_SOURCES = [Path(__file__).with_name(name) for name in _NAMES]
_NEEDS = "apt install gcc libc6-dev libasound2-dev"


def built_plugin() -> Path:
    """The compiled plugin, built whenever the source has changed; raises AudioDeviceError where that cannot be done."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "speakerd"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()
    plugin = cache / f"fakecard-{digest}.so"
    if not plugin.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = Path(folder) / plugin.name
            _compile(built)
            built.replace(plugin)
    return plugin


def _compile(target: Path) -> None:
    command = ["gcc", "-O2", "-shared", "-fPIC", "-DPIC", "-o", str(target)]
    command += [str(source) for source in _SOURCES if source.suffix == ".c"] + ["-lasound"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise AudioDeviceError(f"The fake sound card needs a C compiler: {_NEEDS}.") from error
    if result.returncode == 0:
        return
    if "alsa/" in result.stderr or "-lasound" in result.stderr:
        raise AudioDeviceError(f"The fake sound card needs the headers of ALSA: {_NEEDS}.")
    raise AudioDeviceError(f"{_SOURCES[0]} cannot be compiled: {result.stderr.strip()}")
