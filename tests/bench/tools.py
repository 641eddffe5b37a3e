"""`scripts/bench tools`: what the speaker adds to a tool's time, and what tools and extras cost that nobody calls."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from bench.machine import finite, machine
from bench.sections import Section, measure
from bench.tools_report import keys, text
from bench.tools_sections import SECTIONS

_PACKAGES = ("speakerd", "mcp", "aiomqtt", "websockets", "bpe-openai")
_QUICK_BUDGET_SECONDS = 40.0
"""What is begun by then ends some seconds later."""
_QUICK = (
    (Section("prompt", "prompt", 1, 5),),
    (Section("calls", "calls", 60, 18),),
    (Section("extras", "extras", 3, 6),),
)
"""One after the other, so that nothing disturbs the times: what, how much, seconds until nothing new begins."""
_FULL = (
    (Section("prompt", "prompt", 1, 60),),
    (Section("calls", "calls", 250, 180),),
    (Section("extras", "extras", 9, 120),),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 unless a section failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench tools", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="on fewer repetitions, within 50 s")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=())
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    plan, ends_at = (_QUICK, began + _QUICK_BUDGET_SECONDS) if chosen.quick else (_FULL, float("inf"))
    wanted = [[of for of in group if not chosen.only or of.name in chosen.only] for group in plan]
    sections, failures = measure("bench.tools_sections", wanted, ends_at)
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
