"""What a daemon that waits for its wake word costs: CPU and memory of each of its processes, and what it writes.

Sound comes in real time through PortAudio; in the card's process is the fake card, too, which costs what a kernel's
driver would not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.audio_voices import own_speech
from bench.daemon_stage import DaemonProcess, daemon
from soak.processes import cpu_seconds, disk_bytes, open_files, pss_mib, rss_mib, threads, wake_ups
from speakerd.audio.pcm import SESSION_RATE_HZ
from speakerd.demo.card import FakeCard

_SETTLING_SECONDS = 3.0
_FEWEST_SECONDS = 6.0
_TALK_SHARE = 0.25
_LONGEST_TALK_SECONDS = 60.0
_TALK_GAIN = 0.5
"""Talk at -26 dBFS: somebody in the same room, not to the speaker."""
_SPARE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Count:
    """What one process had taken at one moment."""

    pid: int
    cpu_seconds: float
    disk_bytes: int
    wake_ups: int


def idle(most_seconds: float, deadline: float) -> dict[str, Any]:
    """The figures of so many seconds of a quiet room, and of some more in which people talk; fewer near the deadline.

    The deadline is a monotonic second.
    """
    with daemon(most_seconds + _LONGEST_TALK_SECONDS + _SETTLING_SECONDS + _SPARE_SECONDS) as (running, card):
        running.ready_seconds()
        time.sleep(_SETTLING_SECONDS)
        left_seconds = (deadline - time.monotonic()) / (1 + _TALK_SHARE)
        seconds = max(_FEWEST_SECONDS, min(most_seconds, left_seconds))
        talk_seconds = min(_LONGEST_TALK_SECONDS, _TALK_SHARE * seconds)
        files, lines = written_files(running.folder), len(running.journal)
        quiet = _shares(running, seconds)
        changed = changes(files, written_files(running.folder))
        said = len(running.journal) - lines
        memory = {name: _memory(pid) for name, pid in running.pids().items()}
        talking = _talk(running, card, talk_seconds)
        return {
            "seconds": seconds,
            "load_average": os.getloadavg()[0],
            "cpu_share": quiet["cpu_share"],
            "cpu_share_talk": talking["cpu_share"],
            "rss_mib": sum(of["rss_mib"] for of in memory.values()),
            "pss_mib": sum(of["pss_mib"] for of in memory.values()),
            "disk_bytes": quiet["disk_bytes"],
            "files_changed": changed,
            "journal_lines": said,
            "processes": {name: {**quiet["processes"].get(name, {}), **of} for name, of in memory.items()},
            "processes_talk": talking["processes"],
            "xruns": len(card.faults()),
            "restarted": sorted({*quiet["restarted"], *talking["restarted"]}),
        }


def written_files(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file was changed last, in nanoseconds, and its size."""
    found = {}
    for path in folder.rglob("*"):
        facts = path.stat()
        found[str(path.relative_to(folder))] = facts.st_mtime_ns, facts.st_size
    return found


def changes(before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]) -> list[str]:
    """What was made, changed or removed between two looks."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _talk(running: DaemonProcess, card: FakeCard, seconds: float) -> dict[str, Any]:
    # The words are synthesised before the clock runs.
    speech = (own_speech(seconds + 2, Random(7).randrange(100)) * _TALK_GAIN).astype("int16")  # noqa: S311 - no secret
    card.say(speech, SESSION_RATE_HZ)
    time.sleep(1.0)
    return _shares(running, seconds)


def _shares(running: DaemonProcess, seconds: float) -> dict[str, Any]:
    """Share of a core of each process over so many seconds, wake-ups in each of them, and bytes written."""
    before, began_at = _counts(running), time.monotonic()
    time.sleep(seconds)
    after, passed = _counts(running), time.monotonic() - began_at
    processes = {name: _spent(before.get(name), of, passed) for name, of in after.items()}
    return {
        "restarted": [name for name, of in after.items() if name not in before or before[name].pid != of.pid],
        "processes": processes,
        "cpu_share": sum(of["cpu_share"] for of in processes.values()),
        "disk_bytes": sum(of["disk_bytes"] for of in processes.values()),
    }


def _spent(before: _Count | None, after: _Count, seconds: float) -> dict[str, float]:
    """What a process has taken of each second; not a number where another process is in its place now."""
    if before is None or before.pid != after.pid:
        return {"cpu_share": math.nan, "wake_ups_per_second": math.nan, "disk_bytes": after.disk_bytes}
    return {
        "cpu_share": (after.cpu_seconds - before.cpu_seconds) / seconds,
        "wake_ups_per_second": (after.wake_ups - before.wake_ups) / seconds,
        "disk_bytes": after.disk_bytes - before.disk_bytes,
    }


def _counts(running: DaemonProcess) -> dict[str, _Count]:
    return {name: _Count(pid, cpu_seconds(pid), disk_bytes(pid), wake_ups(pid)) for name, pid in running.pids().items()}


def _memory(pid: int) -> dict[str, float]:
    return {
        "rss_mib": rss_mib(pid),
        "pss_mib": pss_mib(pid),
        "threads": threads(pid),
        "files": open_files(pid),
    }
