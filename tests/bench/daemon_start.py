"""How long the daemon takes from exec to READY=1, and what of it is the import of its code.

Cold means that the kernel was asked to forget the files that a start reads: what other processes hold in use stays.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import speakerd
from bench.audio_statistics import spread
from bench.daemon_stage import DaemonProcess, room
from bench.machine import service_environment
from speakerd.wakeword import models

_CALM_SECONDS = 0.5
_PACKAGES = ("speakerd", "numpy", "websockets", "pyaudio", "pocketsphinx")
_ENDINGS = {".pyc", ".so", ".onnx", ".toml", ".dict", ".bin", ".mdef", ""}
"""Code, wake words, and the data of the recogniser."""
_IMPORT = """
import time
began, worked = time.perf_counter(), time.process_time()
import speakerd.cli, speakerd.assembly, speakerd.service.journal
print(time.perf_counter() - began, time.process_time() - worked)
"""
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def starts(times: int, deadline: float) -> dict[str, Any]:
    """One cold start and some warm ones, until the deadline, with what they spent their time on.

    What is started is compiled, as pip leaves it: a checkout may not be.
    """
    compileall.compile_dir(Path(speakerd.__file__).parent, quiet=1)
    cold, alone = _cold_start(), _undisturbed_start()
    warm = [_start()]
    while len(warm) < times and time.monotonic() < deadline:
        warm.append(_start())
    imports = [_import()]
    while len(imports) < times and time.monotonic() < deadline:
        imports.append(_import())
    return {
        "ready_s": asdict(spread([of["ready_s"] for of in warm])),
        "ready_cpu_s": asdict(spread([sum(of[key] for key in of if key.endswith("_cpu_s")) for of in warm])),
        "undisturbed_ready_s": alone["ready_s"] if alone else None,
        "cold_ready_s": cold["ready_s"],
        "forgotten_files": cold["forgotten_files"],
        "warm": warm,
        "undisturbed": alone,
        "import_s": asdict(spread([wall for wall, _ in imports])),
        "import_cpu_s": asdict(spread([cpu for _, cpu in imports])),
    }


def _start() -> dict[str, float]:
    """Seconds from exec to READY=1 and to the start of each child, and the CPU time that all have taken until then."""
    time.sleep(_CALM_SECONDS)
    with room(30) as (folder, card):
        boot_seconds = time.clock_gettime(time.CLOCK_BOOTTIME)
        running = DaemonProcess(folder, card)
        try:
            found = {"ready_s": running.ready_seconds()}
            for name, pid in running.pids().items():
                born, cpu = _times(pid)
                found |= {f"{name}_started_s": born - boot_seconds, f"{name}_cpu_s": cpu}
        finally:
            running.end()
    return {name: round(seconds, 3) for name, seconds in found.items()} | {"load": os.getloadavg()[0]}


def _undisturbed_start() -> dict[str, float] | None:
    """A warm start before all other programs, as if the machine had nothing else to do; None if it is not allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return None
    try:
        return _start()
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _cold_start() -> dict[str, float]:
    forgotten = 0
    for path in _files():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            forgotten += 1
    return _start() | {"forgotten_files": forgotten}


def _files() -> Iterator[Path]:
    """All that a start reads of Python, of the packages, of our code, and the models; sources are not read again."""
    packages = [spec.origin for name in _PACKAGES if (spec := find_spec(name)) is not None and spec.origin]
    folders = {Path(os.__file__).parent, *(Path(origin).parent for origin in packages), models.default_folder()}
    for folder in folders:
        for path in folder.rglob("*"):
            is_read = path.suffix in _ENDINGS and "site-packages" not in path.relative_to(folder).parts
            if is_read and path.is_file():
                yield path


def _times(pid: int) -> tuple[float, float]:
    """When a process was started, in seconds since boot, and the CPU time that it has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    born, user, system = (int(fields[place]) / _TICKS_PER_SECOND for place in (19, 11, 12))
    return born, user + system


def _import() -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT], stdout=subprocess.PIPE, env=service_environment(), text=True, check=True
    )
    wall, cpu = (float(word) for word in done.stdout.split())
    return wall, cpu
