"""The report of `scripts/bench audio` as text, and its keys out of the sections' figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.wake_report import number, table

Figures = Mapping[str, Any]

WANTED: Mapping[str, tuple[str, str, float, bool]] = {
    "interrupt_to_silence_ms_p95": ("interruption to silence, p95 ms", "<=", 30, True),
    "heard_error_samples_max": ("heard and not counted or the reverse, samples", "<=", 0, True),
    "mic_to_wire_ms_p95": ("microphone to WebSocket frame, p95 ms", "<=", 60, True),
    "delta_to_card_ms_p95": ("audio delta to loudspeaker, p95 ms", "<=", 60, True),
    "cpu_share": ("CPU, share of a core", "<=", 0.04, True),
    "rss_mib": ("memory of both processes' audio, MiB", "", 0, False),
    "barge_in_hit_rate_0db": ("voices found over our own at 0 dB, share", ">=", 0.95, True),
    "barge_in_ms_p50": ("start of the voice to barge-in, p50 ms", "<=", 200, True),
    "false_barge_ins": ("barge-ins by nobody", "<=", 0, True),
    "self_wakes": ("woken by our own voice", "<=", 0, True),
    "wake_hit_rate_0db": ("wake words found over our own voice at 0 dB, share", ">=", 0.9, True),
    "wake_hit_rate_minus6db": ("the same at -6 dB, share", ">=", 0.6, True),
}
"""Key of --json: its words, and the bound where there is one."""


def keys(sections: Mapping[str, Figures]) -> dict[str, Any]:
    """The keys of --json that are wanted of every run; None where a section was not measured."""
    interruption, ends = sections.get("interruption", {}), sections.get("end-to-end", {})
    costs, talk = sections.get("costs", {}), sections.get("talk", {})
    memory = costs.get("rss_mib")
    return {
        "interrupt_to_silence_ms_p95": _p95(interruption, "interrupt_to_silence_ms"),
        "heard_error_samples_max": interruption.get("heard_error_samples_max"),
        **{key: talk.get(key) for key in ("barge_in_hit_rate_0db", "barge_in_ms_p50", "false_barge_ins")},
        **{key: talk.get(key) for key in ("self_wakes", "wake_hit_rate_0db", "wake_hit_rate_minus6db")},
        "mic_to_wire_ms_p95": _p95(ends, "mic_to_wire_ms"),
        "delta_to_card_ms_p95": _p95(ends, "delta_to_card_ms"),
        "cpu_share": max((of["speakerd"] for of in costs["shares"].values()), default=None) if costs else None,
        "rss_mib": memory["child"] + memory["plane_in_parent"] if memory else None,
    }


def text(report: Figures) -> str:
    """Tables for a terminal."""
    rows = [[words, _shown(report[key]), _bound(*WANTED[key][1:])] for key, (words, *_) in WANTED.items()]
    parts = [table(["audio plane, real PyAudio on the fake card", "measured", "wanted"], rows)]
    sections: Mapping[str, Figures] = report["sections"]
    if spreads := _spreads(sections):
        parts.append(spreads)
    if "costs" in sections:
        parts.append(_costs(sections["costs"]))
    if rooms := sections.get("talk", {}).get("rooms"):
        parts.append(_rooms(rooms))
    return "\n\n".join([*parts, "\n".join(_circumstances(report))]) + "\n"


def _p95(section: Figures, key: str) -> float | None:
    return section[key]["p95"] if key in section else None


def _shown(value: float | None) -> str:
    return str(value) if isinstance(value, int) else number(value, 3 if value is not None and abs(value) < 1 else 1)


def _bound(sign: str, bound: float, is_bound: bool) -> str:
    return f"{sign} {bound:g}" if is_bound else ""


def _spreads(sections: Mapping[str, Figures]) -> str:
    rows = []
    for section in sections.values():
        for key, of in section.items():
            if key.endswith("_ms") and isinstance(of, Mapping):
                rows.append([key, *(number(of[column], 1) for column in ("p50", "p95", "max")), str(of["count"])])
    return table(["milliseconds", "p50", "p95", "max", "count"], rows) if rows else ""


def _costs(costs: Figures) -> str:
    shares: Mapping[str, Mapping[str, float]] = costs["shares"]
    names = list(next(iter(shares.values())))
    memory = costs["rss_mib"] | {
        "speakerd": costs["rss_mib"]["child"] + costs["rss_mib"]["plane_in_parent"],
        "parent": costs["rss_mib"]["plane_in_parent"],
    }
    worst = {name: max(of[name] for of in shares.values()) for name in names}
    rows = [
        [
            f"  its {name}" if name in ("parent", "child") else name,
            *(number(100 * of[name]) for of in shares.values()),
            number(worst["speakerd"] / worst[name], 1),
            number(memory[name], 1),
        ]
        for name in names
    ]
    heads = ["% of a core", *(name.replace("_", " ") for name in shares), "speakerd is times", "RSS MiB"]
    notes = [
        "quiet: uplink closed; speaking: uplink open, full duplex. One loop ran after the other.",
        "agents_demo_loop: audio loop of openai-agents' realtime demo, rebuilt on PyAudio in place of sounddevice,",
        "at 24 kHz mono without a network; its RSS has the package. The parent's RSS is what the plane adds.",
    ]
    return "\n".join([table(heads, rows), *notes])


def _rooms(rooms: list[Figures]) -> str:
    heads = ["room", "seconds", "voices", "found", "p50 ms", "words", "found", "false", "self-wakes", "late", "xruns"]
    rows = [
        [
            room["room"],
            number(room["seconds"], 0),
            *(str(room[key]) for key in ("voices", "voices_found")),
            number(room["voice_ms_p50"], 0),
            *(str(room[key]) for key in ("words", "words_found", "false_barge_ins", "self_wakes")),
            *(str(room[key]) for key in ("late_frames", "xruns")),
        ]
        for room in rooms
    ]
    return table(heads, rows)


def _circumstances(report: Figures) -> Iterator[str]:
    machine, sections = report["machine"], report["sections"]
    yield f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']:.1f}."
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Python {machine['python']}, {versions}."
    if "interruption" in sections:
        of = sections["interruption"]
        yield (
            f"{of['interruptions']} interruptions in blocks of {of['block_frames']} frames, "
            f"{of['repeated_for_xruns']} more repeated for xruns."
        )
    if "end-to-end" in sections:
        of = sections["end-to-end"]
        yield f"The uplink's pieces are {of['piece_ms']:.0f} ms; {of['repeated_for_xruns']} runs repeated for xruns."
    for name, reason in report["not_measured"].items():
        yield f"Not measured: {name} ({reason})."
    yield f"{report['seconds_in_all']:.0f} s in all."
