"""`scripts/bench daemon`: how soon the whole speaker is ready, and what it costs while nobody speaks to it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from bench.daemon_report import keys, text
from bench.daemon_sections import SECTIONS
from bench.machine import finite, machine
from bench.sections import Section, measure

_PACKAGES = ("speakerd", "numpy", "PyAudio", "websockets", "pocketsphinx")
_QUICK_BUDGET_SECONDS = 38.0
"""What is begun by then ends some seconds later."""
_QUICK = ((Section("start", "start", 3, 12),), (Section("idle", "idle", 20, 35),))
"""One after the other, so that none costs the other anything: what, how much, seconds until nothing new begins."""
_FULL = ((Section("start", "start", 10, 120),), (Section("idle", "idle", 600, 1200),))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 unless a section failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench daemon", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="on fewer repetitions, within 50 s")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=())
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    plan, ends_at = (_QUICK, began + _QUICK_BUDGET_SECONDS) if chosen.quick else (_FULL, float("inf"))
    wanted = [[of for of in group if not chosen.only or of.name in chosen.only] for group in plan]
    sections, failures = measure("bench.daemon_sections", wanted, ends_at)
    report = keys(sections) | {
        "sections": sections,
        "not_measured": failures,
        "machine": machine(_PACKAGES),
        "seconds_in_all": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(finite(report), indent=1) + "\n" if chosen.json else text(report))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
