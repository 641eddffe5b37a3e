"""The report of `scripts/bench wake` as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_RATIOS = (
    ("cpu_ratio_one_word", "one word, median", 0.22),
    ("cpu_ratio_three_words", "three words, median", 0.22),
    ("cpu_ratio_p99", "99th percentile, the worse of both", 0.22),
    ("cpu_ratio_quiet_room", "quiet room with the silence gate, mean", 0.02),
)


def text(report: Mapping[str, Any]) -> str:
    """Tables for a terminal."""
    parts = [_costs(report), _agreement(report), _latencies(report)]
    if "accuracy" in report:
        parts.append(_accuracy(report["accuracy"]))
    return "\n\n".join([*parts, "\n".join(_circumstances(report))]) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = []
    for row in [heads, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash for what is not known."""
    return "-" if value is None or value != value else f"{value:.{digits}f}"  # only NaN differs


def _costs(report: Mapping[str, Any]) -> str:
    heads = ["engine", "median ms", "p99 ms", "wall ms", "% of a core", "RSS MiB", "load s", "frames"]
    rows = [
        [
            name,
            *(number(of[key], 3) for key in ("median_ms", "p99_ms", "wall_median_ms")),
            *(number(of[key]) for key in ("percent_of_a_core", "rss_mib", "load_s")),
            str(of["frames"]),
        ]
        for name, of in report["engines"].items()
    ]
    ratios = [
        [words, number(report[key], 4), f"<= {limit}", number(report.get(key.replace("cpu", "wall")), 4)]
        for key, words, limit in _RATIOS
    ]
    return f"{table(heads, rows)}\n\n{table(['streaming / openwakeword', 'CPU', 'wanted', 'wall'], ratios)}"


def _agreement(report: Mapping[str, Any]) -> str:
    same = "the same" if report["decisions_equal_at_0_5"] else "DIFFERENT"
    opening = report["gate_opening_ms"]
    return (
        f"Largest difference of scores: {report['max_score_difference']:.1e} over {report['frames']} frames; "
        f"detections at 0.5: {same} ({report['detections_compared']}).\n"
        f"Quiet room: {report['quiet_room_s']:.0f} s at {report['quiet_room_percent_of_a_core']:.3f} % of a core; "
        f"the frame that opens the gate costs {number(opening)} ms."
    )


def _latencies(report: Mapping[str, Any]) -> str:
    rows = [
        [name, number(of["median"], 0), number(of["p95"], 0), f"{of['found']} of {of['said']}"]
        for name, of in report["latency_ms"].items()
    ]
    return table(["end of word to score >= 0.5", "median ms", "p95 ms", "found"], rows)


def _accuracy(accuracy: Mapping[str, Any]) -> str:
    engines: Mapping[str, Sequence[Mapping[str, float]]] = accuracy["engines"]
    thresholds = [f"{point['threshold']:g}" for point in next(iter(engines.values()))]
    tables = []
    for key, words in (("hit_percent", "hits, %"), ("false_accepts_per_hour", "false accepts per hour")):
        rows = [[name, *(number(point[key]) for point in points)] for name, points in engines.items()]
        tables.append(table([f"{words}, at", *thresholds], rows))
    alike = [
        [name, *(number(percent) for percent in shares.values())] for name, shares in accuracy["hard_negatives"].items()
    ]
    tables.append(table(["fired by what sounds alike, %, at", *thresholds], alike))
    said = f"{accuracy['words']} wake words, {accuracy['hours']:.2f} h without any."
    return "\n\n".join([said, *tables])


def _circumstances(report: Mapping[str, Any]) -> Iterator[str]:
    machine, method = report["machine"], report["method"]
    yield f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']:.1f}; one thread each."
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Python {machine['python']}, {versions}."
    yield f"{method['rounds']} rounds of {method['block_frames']} frames, engines in turns; {method['clock']}."
    if report["not_installed"]:
        yield f"Not installed, so left out: {', '.join(report['not_installed'])}."
    yield f"{report['seconds_in_all']:.0f} s in all."
