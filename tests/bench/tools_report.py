"""The report of `scripts/bench tools` as text, and its keys out of the sections' figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.wake_report import number, table

Figures = Mapping[str, Any]

SOURCES = {
    "own": "an own tool",
    "stdio": "MCP, a program of ours",
    "web": "MCP, over HTTP",
    "mqtt": "MQTT, with an answer",
}
KINDS = {
    "own": "the speaker's own tools",
    "tiny_home": "and a home of a light and a lock",
    "demo_home": "and a large home",
}
EXTRAS = ("mcp", "mqtt")


def keys(sections: Mapping[str, Figures]) -> dict[str, Any]:
    """The figures by their names; None for what was not measured."""
    added = sections.get("calls", {}).get("added_ms", {})
    overhead = sections.get("calls", {}).get("overhead_ms", {})
    kinds = sections.get("prompt", {}).get("kinds", {})
    measured = sections.get("extras", {})
    tokens = {kind: kinds.get(kind, {}).get("tokens") for kind in KINDS}
    return {
        "call_overhead_ms_p50": added.get("p50"),
        "call_overhead_ms_p95": added.get("p95"),
        "call_overhead_with_libraries_ms_p95": overhead.get("p95"),
        "tool_prompt_tokens": tokens["own"],
        "tool_prompt_tokens_tiny_home": tokens["tiny_home"],
        "tool_prompt_tokens_demo_home": tokens["demo_home"],
        "base": measured.get("base"),
        "extras": {name: measured.get("extras", {}).get(name) for name in EXTRAS},
    }


def text(report: Figures) -> str:
    """Tables for a terminal."""
    sections = report["sections"]
    parts = [part(sections[name]) for name, part in _PARTS.items() if name in sections]
    return "\n\n".join([*parts, "\n".join(_circumstances(report))]) + "\n"


def _calls(figures: Figures) -> str:
    rows = []
    for source, words in SOURCES.items():
        of = figures["sources"][source]
        added, gross, bare = of["added_ms"], of["overhead_ms"], of.get("bare_overhead_ms", {})
        row = [added["p50"], added["p95"], gross["p50"], gross["p95"], bare.get("p50"), of["server_ms"]["p50"]]
        rows.append([words, str(added["count"]), *map(number, row)])
    added, gross = figures["added_ms"], figures["overhead_ms"]
    whole = map(number, (added["p50"], added["p95"], gross["p50"], gross["p95"]))
    rows.append(["all", str(added["count"]), *whole, "-", "-"])
    heads = ["a tool call: ms of ours", "calls", "median", "p95", "with library", "p95", "bare client", "its server"]
    return table(heads, rows) + f"\n{figures['errors']} calls failed."


def _prompt(figures: Figures) -> str:
    rows = [
        [KINDS[kind], *(str(of[key]) for key in ("tools", "bytes", "tokens"))] for kind, of in figures["kinds"].items()
    ]
    return table(["told to the model in each answer", "tools", "bytes", "tokens"], rows)


def _extras(figures: Figures) -> str:
    rows = [["the speaker without extras", figures["base"]], *figures["extras"].items()]
    cells = [[name, number(of["import_s"]), number(of["rss_mib"], 1)] for name, of in rows]
    return table(["where it is used", "import s", "RSS MiB"], cells)


_PARTS = {"calls": _calls, "prompt": _prompt, "extras": _extras}


def _circumstances(report: Figures) -> Iterator[str]:
    machine = report["machine"]
    yield f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']:.1f} at the end."
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Python {machine['python']}, {versions}."
    for name, reason in report["not_measured"].items():
        yield f"Not measured: {name} ({reason})."
    yield f"{report['seconds_in_all']:.0f} s in all."
