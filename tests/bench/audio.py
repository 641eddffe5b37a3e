"""`scripts/bench audio`: how soon the audio plane is silent and is heard, what it costs, and whom it mistakes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from bench.audio_report import keys, text
from bench.machine import finite, machine
from bench.sections import Section, measure

_PACKAGES = ("speakerd", "numpy", "PyAudio", "websockets", "pywebrtc-audio", "openai-agents")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 unless a section failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench audio", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="on fewer repetitions, within 50 s")
    parser.add_argument("--only", nargs="+", choices=("interruption", "end-to-end", "costs", "talk"), default=())
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    plan, ends_at = (_QUICK, began + _QUICK_BUDGET_SECONDS) if chosen.quick else (_FULL, float("inf"))
    wanted = [[of for of in group if not chosen.only or of.name in chosen.only] for group in plan]
    sections, failures = measure("bench.audio_sections", wanted, ends_at)
    report = keys(sections) | {
        "sections": sections,
        "not_measured": failures,
        "machine": machine(_PACKAGES),
        "seconds_in_all": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(finite(report), indent=1) + "\n" if chosen.json else text(report))
    return int(bool(failures))


_QUICK_BUDGET_SECONDS = 45.5
"""What is begun by then ends some seconds later."""
_QUICK = (
    (Section("interruption", "interruption", 20, 9), Section("end-to-end", "end-to-end", 7, 8)),
    (Section("costs", "costs", 0.6, 20),),
    (Section("talk", "quick-talk", 25, 40),),
)
"""Groups one after the other, those of a group at the same time: what, how much, seconds until nothing new begins."""
_FULL = (
    (Section("interruption", "interruption", 100, 180),),
    (Section("end-to-end", "end-to-end", 30, 150),),
    (Section("costs", "costs", 20, 120),),
    (Section("talk", "talk", 600, 2400),),
)


if __name__ == "__main__":
    sys.exit(main())
