from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest

from bench.daemon_idle import changes, written_files
from bench.daemon_report import keys, text
from bench.daemon_stage import daemon

PROCESS = {
    "cpu_share": 0.0125,
    "wake_ups_per_second": 18.2,
    "rss_mib": 62.5,
    "pss_mib": 45.0,
    "threads": 6,
    "files": 15,
    "disk_bytes": 0,
}
SECTIONS: dict[str, Any] = {
    "start": {
        "ready_s": {"count": 3, "p50": 1.25, "p95": 1.5, "max": 1.75},
        "ready_cpu_s": {"count": 3, "p50": 1.125, "p95": 1.5, "max": 1.75},
        "undisturbed_ready_s": 1.0625,
        "cold_ready_s": 3.5,
        "forgotten_files": 1234,
        "import_s": {"count": 3, "p50": 0.5, "p95": 0.5, "max": 0.5},
        "import_cpu_s": {"count": 3, "p50": 0.45, "p95": 0.5, "max": 0.5},
    },
    "idle": {
        "seconds": 16,
        "load_average": 1.5,
        "cpu_share": 0.02,
        "cpu_share_talk": 0.03,
        "rss_mib": 175.0,
        "pss_mib": 120.0,
        "disk_bytes": 0,
        "files_changed": [],
        "journal_lines": 0,
        "xruns": 2,
        "restarted": [],
        "processes": {"daemon": PROCESS, "card": PROCESS},
    },
}


def report(sections: dict[str, Any]) -> dict[str, Any]:
    machine = {"processor": "a machine", "cores": 2, "load_average": 0.5, "python": "3.11.7", "versions": {}}
    return keys(sections) | {"sections": sections, "not_measured": {}, "machine": machine, "seconds_in_all": 33.3}


def test_the_keys_come_out_of_the_sections() -> None:
    found = keys(SECTIONS)
    assert (found["ready_s"], found["ready_cold_s"], found["import_s"], found["ready_cpu_s"]) == (1.25, 3.5, 0.5, 1.125)
    assert (found["idle_cpu_share"], found["talk_cpu_share"], found["rss_mib"]) == (0.02, 0.03, 175.0)
    assert found["disk_writes_idle"] == 0
    assert set(keys({}).values()) == {None}


@pytest.mark.parametrize(
    ("disk_bytes", "changed", "writes"), [(4096, [], 4096), (0, ["state/volume.json"], 1), (8192, ["a", "b"], 8192)]
)
def test_a_write_is_seen_by_its_bytes_or_by_its_file(disk_bytes: int, changed: list[str], writes: int) -> None:
    sections = copy.deepcopy(SECTIONS)
    sections["idle"] |= {"disk_bytes": disk_bytes, "files_changed": changed}
    assert keys(sections)["disk_writes_idle"] == writes
    assert ", ".join(changed) in text(report(sections))


@pytest.mark.parametrize(
    "words", ["1.25", "1.06", "<= 2", "62.5", "18.2", "load 1.5", "2 xruns", "1234 files", "none restarted", "33 s"]
)
def test_the_report_says(words: str) -> None:
    assert words in text(report(SECTIONS))


def test_a_section_that_failed_is_named() -> None:
    shown = text(report({}) | {"not_measured": {"idle": "its process did not end"}})
    assert "Not measured: idle (its process did not end)." in shown


def test_a_file_that_is_made_changed_or_removed_is_found(tmp_path: Path) -> None:
    for name in ("kept", "changed", "touched", "removed"):
        (tmp_path / name).write_text("before")
    before = written_files(tmp_path)
    (tmp_path / "changed").write_text("longer than before")
    os.utime(tmp_path / "touched", ns=(1, 1))
    (tmp_path / "removed").unlink()
    (tmp_path / "made").touch()
    assert changes(before, written_files(tmp_path)) == ["changed", "made", "removed", "touched"]


def test_a_daemon_says_when_it_is_ready_and_its_processes_are_known() -> None:
    with daemon(noise_seconds=90) as (running, _):
        assert running.ready_seconds() > 0
        assert list(running.pids()) == ["daemon", "assistant", "card"]
        assert running.end() == 0
        assert running.notified("STOPPING=1")
