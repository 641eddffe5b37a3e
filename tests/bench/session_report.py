"""The report of `scripts/bench session` as text, and its keys out of the sections' figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.wake_report import number, table

Figures = Mapping[str, Any]

LEAST_ROUND_TRIPS = {
    "wake_to_ready_ms": 3.0,
    "wake_to_preroll_ms": 3.5,
    "wake_to_ready_ms_warm": 0.0,
    "wake_to_preroll_ms_warm": 0.5,
    "wake_to_ready_ms_tls": 4.0,
    "wake_to_preroll_ms_tls": 4.5,
}
"""What the network alone takes: a new session is TCP, the upgrade (session.created comes with it) and session.update;
its first audio then needs half a round trip. TLS adds one round trip to a new session."""

_WORDS = {
    "wake_to_ready_ms": "wake word to session ready",
    "wake_to_preroll_ms": "wake word to pre-roll at the server",
    "wake_to_ready_ms_warm": "wake word to session ready, kept ready",
    "wake_to_preroll_ms_warm": "wake word to pre-roll, session kept ready",
    "wake_to_ready_ms_tls": "wake word to session ready, over TLS",
    "wake_to_preroll_ms_tls": "wake word to pre-roll, over TLS",
}
_WANTED: Mapping[str, tuple[str, float | None]] = {
    "first_audio_overhead_ms_p95": ("first delta of an answer to loudspeaker, p95 ms", 40),
    "input_audio_tokens": ("tokens of sound that ten questions cost, history billed again", None),
    "rss_growth_mib": ("growth of memory over the sessions, MiB", None),
    "fds_growth": ("growth of open files", 0),
    "tasks_growth": ("growth of tasks", 0),
    "receive_cpu_share": ("CPU of receiving answers in real time, share of a core", None),
}

_BILLS = {
    "input_audio_tokens": "saving",
    "input_audio_tokens_plain": "plain",
    "input_audio_tokens_openai_agents": "openai_agents",
    "input_audio_tokens_billy": "billy",
}


def keys(sections: Mapping[str, Figures]) -> dict[str, Any]:
    """The keys of --json that are wanted of every run; None where a section was not measured."""
    opening, reply = sections.get("opening", {}), sections.get("reply", {})
    growth, receiving = sections.get("growth", {}), sections.get("receiving", {})
    bills = sections.get("tokens", {}).get("bills", {})
    found: dict[str, Any] = {}
    for key in LEAST_ROUND_TRIPS:
        for column in ("p50", "p95"):
            values = {distance: of[column] for distance, of in opening.get(key, {}).items()}
            found[key if column == "p50" else f"{key}_p95"] = values or None
    overhead = reply.get("first_audio_overhead_ms")
    return found | {
        "first_audio_overhead_ms_p95": overhead["p95"] if overhead else None,
        **{key: bills.get(name, {}).get("audio_in_tokens") for key, name in _BILLS.items()},
        **{key: growth.get(key) for key in ("sessions", "rss_growth_mib", "fds_growth", "tasks_growth")},
        "receive_cpu_share": receiving.get("receive_cpu_share"),
    }


def text(report: Figures) -> str:
    """Tables for a terminal."""
    sections: Mapping[str, Figures] = report["sections"]
    rows = [[words, _shown(report[key]), _bound(bound)] for key, (words, bound) in _WANTED.items()]
    parts = [table(["session", "measured", "wanted"], rows)]
    if "opening" in sections:
        parts.append(_openings(sections["opening"]))
    if "tokens" in sections:
        parts.append(_bills(sections["tokens"]))
    return "\n\n".join([*parts, "\n".join(_circumstances(report))]) + "\n"


def _openings(opening: Figures) -> str:
    rows = [
        [
            f"{_WORDS[key]}, {distance} ms away",
            *(number(of[column], 1) for column in ("p50", "p95", "max")),
            number(least * float(distance), 0),
            str(of["count"]),
        ]
        for key, least in LEAST_ROUND_TRIPS.items()
        for distance, of in opening.get(key, {}).items()
    ]
    notes = [
        "How far away is a whole round trip; least is what the network alone takes.",
        "Audio leaves with the card's next report, which comes every 30 ms. The card's process has no part here.",
    ]
    return "\n".join([table(["milliseconds", "p50", "p95", "max", "least", "count"], rows), *notes])


def _bills(tokens: Figures) -> str:
    columns = ("audio_in_tokens", "answers", "sessions", "sent_seconds", "committed_seconds")
    rows = [[name, *(number(bill[column], 0) for column in columns)] for name, bill in tokens["bills"].items()]
    notes = [
        f"A recording of {tokens['minutes']:.1f} min with {tokens['questions']} questions in three conversations, and",
        "a television, through our own server half with a real voice detector, which answers all that it hears.",
        "saving: half duplex, silence is not sent; plain: full duplex, all is sent. openai_agents and billy are their",
        "rules for sending, rebuilt. Ten tokens for a second of the user's sound, twenty for one of an answer.",
    ]
    return "\n".join([table(["way", "tokens", "answers", "sessions", "s sent", "s kept"], rows), *notes])


def _shown(value: float | None) -> str:
    return str(value) if isinstance(value, int) else number(value, 5 if value is not None and abs(value) < 0.1 else 1)


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"<= {bound:g}"


def _circumstances(report: Figures) -> Iterator[str]:
    machine, sections = report["machine"], report["sections"]
    yield f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average']:.1f}."
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Python {machine['python']}, {versions}."
    if reply := sections.get("reply"):
        up, both = reply["question_to_server_ms"], reply["both_ways_ms"]
        yield (
            f"{both['count']} of {reply['questions']} questions were answered: their ends were at the server after "
            f"{up['p95']:.0f} ms (p95), both ways took {both['p95']:.0f} ms; {reply['xruns']} xruns."
        )
    if growth := sections.get("growth"):
        after = ", ".join(f"{of['rss_mib']:.1f} after {at}" for at, of in growth["counted"].items())
        yield f"{growth['sessions']} sessions, {growth['answers']} answers; MiB of memory: {after}."
    if receiving := sections.get("receiving"):
        yield (
            f"{receiving['seconds_received']:.0f} s of answers were received {receiving['times_real_time']:.0f} times "
            f"as fast as they are played: {receiving['cpu_seconds_per_hour']:.2f} s of CPU for an hour."
        )
    for name, reason in report["not_measured"].items():
        yield f"Not measured: {name} ({reason})."
    yield f"{report['seconds_in_all']:.0f} s in all."
