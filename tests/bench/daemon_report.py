"""The report of `scripts/bench daemon` as text, and its keys out of the sections' figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.wake_report import number, table

Figures = Mapping[str, Any]

_WANTED: Mapping[str, tuple[str, float | None, int]] = {
    "ready_s": ("start to READY=1, files in memory, median s", 2, 2),
    "ready_undisturbed_s": ("the same at real-time priority, before other programs, s", 2, 2),
    "ready_cold_s": ("start to READY=1, files on the disk, s", None, 2),
    "ready_cpu_s": ("CPU that all processes take until then, median s", None, 2),
    "import_s": ("of it the import of the daemon's code, median s", None, 2),
    "idle_cpu_share": ("CPU in a quiet room, all processes, share of a core", None, 4),
    "talk_cpu_share": ("CPU while people talk, the same", None, 4),
    "rss_mib": ("memory of all processes, MiB", None, 1),
    "pss_mib": ("the same, what is shared counted once, MiB", None, 1),
    "disk_writes_idle": ("written to the disk while idle, bytes", 0, 0),
}
"""Key of --json: its words, the bound where there is one, and digits."""
_COLUMNS = {
    "cpu_share": ("% of a core", 2),
    "wake_ups_per_second": ("wake-ups/s", 1),
    "rss_mib": ("RSS MiB", 1),
    "pss_mib": ("PSS MiB", 1),
    "threads": ("threads", 0),
    "files": ("files", 0),
    "disk_bytes": ("bytes written", 0),
}


def keys(sections: Mapping[str, Figures]) -> dict[str, Any]:
    """The keys of --json that are wanted of every run; None where a section was not measured."""
    start, idle = sections.get("start", {}), sections.get("idle", {})
    return {
        "ready_s": start["ready_s"]["p50"] if start else None,
        "ready_undisturbed_s": start.get("undisturbed_ready_s"),
        "ready_cold_s": start.get("cold_ready_s"),
        "ready_cpu_s": start["ready_cpu_s"]["p50"] if start else None,
        "import_s": start["import_s"]["p50"] if start else None,
        "idle_cpu_share": idle.get("cpu_share"),
        "talk_cpu_share": idle.get("cpu_share_talk"),
        "rss_mib": idle.get("rss_mib"),
        "pss_mib": idle.get("pss_mib"),
        "disk_writes_idle": _writes(idle) if idle else None,
        "processes": idle.get("processes"),
    }


def text(report: Figures) -> str:
    """Tables for a terminal."""
    rows = [
        [words, number(report[key], digits), "" if bound is None else f"<= {bound:g}"]
        for key, (words, bound, digits) in _WANTED.items()
    ]
    parts = [table(["the whole daemon on the fake card", "measured", "wanted"], rows)]
    sections: Mapping[str, Figures] = report["sections"]
    if "idle" in sections:
        parts.append(_processes(sections["idle"]["processes"]))
    return "\n\n".join([*parts, "\n".join(_circumstances(report))]) + "\n"


def _writes(idle: Figures) -> int:
    """Bytes; where files have changed of which the kernel knows no bytes, so many at least."""
    return max(int(idle["disk_bytes"]), len(idle["files_changed"]))


def _processes(processes: Mapping[str, Figures]) -> str:
    rows = [
        [name, *(number(100 * of[key] if key == "cpu_share" else of[key], _COLUMNS[key][1]) for key in _COLUMNS)]
        for name, of in processes.items()
    ]
    notes = ["The fake card works within the card's process; its files are in memory and count as no disk."]
    return "\n".join([table(["process, quiet room", *(head for head, _ in _COLUMNS.values())], rows), *notes])


def _circumstances(report: Figures) -> Iterator[str]:
    machine, sections = report["machine"], report["sections"]
    yield f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']:.1f}."
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Python {machine['python']}, {versions}."
    if start := sections.get("start"):
        ready = start["ready_s"]
        yield (
            f"{ready['count']} warm starts: the slowest {ready['max']:.2f} s; the import takes "
            f"{start['import_cpu_s']['p50']:.2f} s of CPU; cold: {start['forgotten_files']} files forgotten."
        )
    if idle := sections.get("idle"):
        changed = ", ".join(idle["files_changed"]) or "none"
        yield (
            f"{idle['seconds']:.0f} s of a quiet room at load {idle['load_average']:.1f}: {idle['xruns']} xruns, "
            f"{', '.join(idle['restarted']) or 'none'} restarted, "
            f"{idle['journal_lines']} lines for the journal, changed files: {changed}."
        )
    for name, reason in report["not_measured"].items():
        yield f"Not measured: {name} ({reason})."
    yield f"{report['seconds_in_all']:.0f} s in all."
