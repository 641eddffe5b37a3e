"""`scripts/bench wake`: what the wake word costs and how well it hears, beside other engines on the same audio."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import wake_audio
from bench.det_curve import det_curve
from bench.machine import finite, machine
from bench.wake_accuracy import Accuracy, accuracy
from bench.wake_child import BLOCK_FRAMES
from bench.wake_costs import Costs, costs
from bench.wake_report import text
from bench.wake_statistics import THRESHOLDS

_QUICK_BUDGET_S = 36.0
"""What it measures in; the set-up, the voices and the loading of engines come to some seconds more."""
_QUICK_SPEECH_S = 240.0
_QUICK_ROOM_MINUTES = 2.0
_SPEECH_S = 1830.0
_ROOM_MINUTES = 10.0
_BUDGET_S = 23 * 60.0
_PACKAGES = (
    *("speakerd", "numpy", "openwakeword", "private-assistant-openwakeword", "onnxruntime"),
    *("pyopen-wakeword", "pymicro-wakeword"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 unless the corpus is missing."""
    chosen = _parser().parse_args(arguments)
    corpus: Path = chosen.corpus or wake_audio.default_corpus()
    if not chosen.quick and not (corpus / "manifest.json").exists():
        sys.stderr.write(f"There is no corpus in {corpus}: run scripts/corpus first, or use --quick.\n")
        return 1
    began = time.monotonic()
    measured, heard = _quick(began) if chosen.quick else _full(corpus, chosen.hours, began)
    report = _report(measured, heard) | {"seconds_in_all": round(time.monotonic() - began, 1)}
    if chosen.picture and heard is not None:
        chosen.picture.write_text(det_curve(heard.points, heard.hours, heard.words, THRESHOLDS), encoding="utf-8")
    sys.stdout.write(json.dumps(finite(report), indent=1) + "\n" if chosen.json else text(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench wake", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="on speech made on the spot, within 50 s; no accuracy")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the DET curve (full run only)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="default: where scripts/corpus puts it")
    parser.add_argument("--hours", type=float, default=3.0, help="of sound without a wake word (default: %(default)s)")
    return parser


def _quick(began: float) -> tuple[Costs, None]:
    scene, room = wake_audio.made(_QUICK_SPEECH_S), wake_audio.quiet_room(_QUICK_ROOM_MINUTES)
    return costs(scene, room, share_of_others=0.25, deadline=began + _QUICK_BUDGET_S), None


def _full(corpus: Path, hours: float, began: float) -> tuple[Costs, Accuracy]:
    deadline = began + _BUDGET_S
    scene = wake_audio.mixed(corpus, "hey_jarvis", _SPEECH_S)
    measured = costs(scene, wake_audio.quiet_room(_ROOM_MINUTES), share_of_others=0.25, deadline=deadline)
    return measured, accuracy(corpus, hours, deadline)


def _report(measured: Costs, heard: Accuracy | None) -> dict[str, Any]:
    latencies = measured.latencies if heard is None else heard.latencies
    report = measured.figures | {
        "engines": measured.engines,
        "latency_ms": {
            name: {"median": found.median_ms, "p95": found.p95_ms, "found": found.found, "said": found.said}
            for name, found in latencies.items()
        },
        "machine": machine(_PACKAGES),
        "method": {
            "clock": "CPU time of the process for each 80 ms frame; wall_* is wall time",
            "threads": 1,
            "block_frames": BLOCK_FRAMES,
            "rounds": math.ceil(measured.figures["frames"] / BLOCK_FRAMES),
        },
    }
    if heard is None:
        return report
    shown = {
        name: [asdict(point) for point in points if point.threshold in THRESHOLDS]
        for name, points in heard.points.items()
    }
    fooled = {
        name: {f"{point.threshold:g}": point.hit_percent for point in points} for name, points in heard.fooled.items()
    }
    report["accuracy"] = {"hours": heard.hours, "words": heard.words, "engines": shown, "hard_negatives": fooled}
    report["max_score_difference"] = max(report["max_score_difference"], heard.max_score_difference)
    return report


if __name__ == "__main__":
    sys.exit(main())
