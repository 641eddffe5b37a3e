"""What the engines cost, and whether they agree: all hear the same blocks in turns, each in a process of its own.

Every ratio is of CPU time (all threads of the process) per frame of 80 ms, medians of frames unless it says otherwise;
the same ratios of wall time stand beside them. Frames come without pause, so caches are warmer than in a speaker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import wake_audio
from bench.wake_child import Child, Engine, Heard, children, in_turns
from bench.wake_engines import FRAME_SAMPLES
from bench.wake_statistics import Latency, latency, ratio, rising_edges

FRAME_S = 0.08
_ONE = ("hey_jarvis",)
_THREE = ("hey_jarvis", "alexa", "hey_mycroft")


def engines(share_of_others: float) -> dict[str, Engine]:
    """Who is measured; the engines with other models may hear a part only."""
    return {
        "streaming": Engine("streaming", _ONE),
        "openwakeword": Engine("openwakeword", _ONE),
        "streaming_three_words": Engine("streaming", _THREE),
        "openwakeword_three_words": Engine("openwakeword", _THREE),
        "pyopen-wakeword": Engine("pyopen-wakeword", _ONE, share_of_others),
        "pymicro-wakeword": Engine("pymicro-wakeword", _ONE, share_of_others),
    }


@dataclass(frozen=True, slots=True)
class Costs:
    """All that was measured on one stream and in a quiet room."""

    figures: dict[str, Any]
    """The keys of --json."""
    engines: dict[str, dict[str, float]]
    """By name: median_ms, p99_ms, rss_mib and more."""
    latencies: dict[str, Latency]
    """By name of an engine of one word."""


def costs(scene: wake_audio.Scene, room: wake_audio.Scene, share_of_others: float, deadline: float) -> Costs:
    """Measure; begins no block after the deadline (time.monotonic)."""
    crew_of = engines(share_of_others)
    with children(crew_of) as crew:
        with children({"gated": Engine("streaming-gated", _ONE)}) as gated:
            quiet = _quiet_room({"gated": gated["gated"], "openwakeword": crew["openwakeword"]}, room, deadline)
        shares = {label: crew_of[label].share for label in crew}
        heard = in_turns(crew, shares, scene.sound, deadline)
        tables = {label: _table(crew[label], of) for label, of in heard.items()}
        figures = (
            _ratios(heard) | quiet | {"rss_mib": crew["streaming"].last_rss_mib, "load_s": crew["streaming"].load_s}
        )
    missing = sorted(crew_of.keys() - heard.keys())
    return Costs(figures | _agreement(heard) | {"not_installed": missing}, tables, _latencies(heard, scene))


def _quiet_room(crew: Mapping[str, Child], room: wake_audio.Scene, deadline: float) -> dict[str, Any]:
    """Means, because what the gate saves it pays back when it opens: with the word at the end, counted apart."""
    started = time.monotonic()
    # At most a third of the time that is left.
    heard = in_turns(crew, dict.fromkeys(crew, 1.0), room.sound, started + (deadline - started) / 3)
    ours, theirs = heard["gated"], heard["openwakeword"]
    quiet_frames = min(room.said[0].start // FRAME_SAMPLES, len(ours.cpu_s))
    after = ours.cpu_s[quiet_frames:]
    # The gate repeats old scores while it sleeps; from the frame on that opens it, it must say what the other says.
    opening = quiet_frames + int(after.argmax()) if after.size else len(ours.cpu_s)
    differences = np.abs(ours.scores[opening:] - theirs.scores[opening:])
    return {
        "cpu_ratio_quiet_room": float(ours.cpu_s[:quiet_frames].mean() / theirs.cpu_s[:quiet_frames].mean()),
        "quiet_room_s": quiet_frames * FRAME_S,
        "quiet_room_percent_of_a_core": 100 * float(ours.cpu_s[:quiet_frames].mean()) / FRAME_S,
        "gate_opening_ms": 1000 * float(after.max()) if after.size else None,
        "gate_max_score_difference": float(differences.max()) if after.size else None,
    }


def _ratios(heard: Mapping[str, Heard]) -> dict[str, float]:
    one = heard["streaming"], heard["openwakeword"]
    three = heard["streaming_three_words"], heard["openwakeword_three_words"]
    figures = {}
    for clock in ("cpu", "wall"):
        (ours, theirs), (ours_three, theirs_three) = (
            [getattr(of, f"{clock}_s") for of in pair] for pair in (one, three)
        )
        figures[f"{clock}_ratio_one_word"] = ratio(ours, theirs)
        figures[f"{clock}_ratio_three_words"] = ratio(ours_three, theirs_three)
        figures[f"{clock}_ratio_p99"] = max(ratio(ours, theirs, 99), ratio(ours_three, theirs_three, 99))
    return figures


def _agreement(heard: Mapping[str, Heard]) -> dict[str, Any]:
    """The first 40 frames of the stream, like those of the warm-up before it, are not compared."""
    differences, equal, edges = [], True, 0
    for words in ("", "_three_words"):
        ours, theirs = heard[f"streaming{words}"].scores[40:], heard[f"openwakeword{words}"].scores[40:]
        differences.append(float(np.abs(ours - theirs).max()))
        for number in range(ours.shape[1]):
            found = rising_edges(ours[:, number])
            equal = equal and found == rising_edges(theirs[:, number])
            edges += len(found)
    return {
        "max_score_difference": max(differences),
        "decisions_equal_at_0_5": equal,
        "detections_compared": edges,
        "frames": len(heard["streaming"].scores),
    }


def _table(child: Child, heard: Heard) -> dict[str, float]:
    return {
        "median_ms": 1000 * float(np.median(heard.cpu_s)),
        "p99_ms": 1000 * float(np.percentile(heard.cpu_s, 99)),
        "wall_median_ms": 1000 * float(np.median(heard.wall_s)),
        "percent_of_a_core": 100 * float(heard.cpu_s.mean()) / FRAME_S,
        "rss_mib": child.last_rss_mib,
        "load_s": child.load_s,
        "frames": len(heard.cpu_s),
    }


def _latencies(heard: Mapping[str, Heard], scene: wake_audio.Scene) -> dict[str, Latency]:
    found = {}
    for label, of in heard.items():
        if "three" not in label:
            said = [word for word in scene.said if word.end // FRAME_SAMPLES + 13 < len(of.scores)]
            found[label] = latency(of.scores[:, 0], said)
    return found
