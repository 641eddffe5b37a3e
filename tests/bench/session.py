"""`scripts/bench session`: how soon a session is there, what it costs, whether a thousand leave a trace."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from bench.machine import finite, machine
from bench.sections import Section, measure
from bench.session_report import keys, text
from bench.session_sections import SECTIONS

_PACKAGES = ("speakerd", "numpy", "PyAudio", "websockets")
_QUICK_BUDGET_SECONDS = 40.0
"""What is begun by then ends some seconds later."""
_QUICK = (
    (Section("opening", "opening", 5, 12), Section("reply", "reply", 8, 12)),
    (Section("tokens", "tokens", 4, 24), Section("growth", "growth", 100, 10)),
    (Section("receiving", "receiving", 600, 15),),
)
"""Groups one after the other, those of a group at the same time: what, how much, seconds until nothing new begins."""
_FULL = (
    (Section("opening", "opening", 30, 600),),
    (Section("reply", "reply", 40, 200),),
    (Section("tokens", "tokens", 6, 600),),
    (Section("growth", "growth", 1000, 600),),
    (Section("receiving", "receiving", 3600, 600),),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 unless a section failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench session", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="on fewer repetitions, within 50 s")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=())
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    plan, ends_at = (_QUICK, began + _QUICK_BUDGET_SECONDS) if chosen.quick else (_FULL, float("inf"))
    wanted = [[of for of in group if not chosen.only or of.name in chosen.only] for group in plan]
    sections, failures = measure("bench.session_sections", wanted, ends_at)
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
