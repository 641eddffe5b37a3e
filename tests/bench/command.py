"""A bench as a command: which sections it measures, and how it prints them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.machine import finite, machine
from bench.sections import Section, measure

Plan = Sequence[Sequence[Section]]
"""Groups one after the other, those of a group at the same time."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What `scripts/bench NAME` measures."""

    name: str
    description: str | None
    sections: Collection[str]
    """All that there are; the module bench.NAME_sections measures them."""
    full: Plan
    quick: Plan
    quick_budget_seconds: float
    """What is begun by then ends some seconds later."""
    packages: Sequence[str]
    """Those whose versions matter to the figures."""
    keys: Callable[[Mapping[str, Any]], dict[str, Any]]
    text: Callable[[Mapping[str, Any]], str]

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """Measure and print; 0 unless a section failed."""
        parser = argparse.ArgumentParser(prog=f"scripts/bench {self.name}", description=self.description)
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        parser.add_argument("--quick", action="store_true", help="on fewer repetitions, within 50 s")
        parser.add_argument("--only", nargs="+", choices=self.sections, default=())
        chosen = parser.parse_args(arguments)
        began = time.monotonic()
        plan, ends_at = (self.quick, began + self.quick_budget_seconds) if chosen.quick else (self.full, float("inf"))
        wanted = [[of for of in group if not chosen.only or of.name in chosen.only] for group in plan]
        sections, failures = measure(f"bench.{self.name}_sections", wanted, ends_at)
        report = self.keys(sections) | {
            "sections": sections,
            "not_measured": failures,
            "machine": machine(self.packages),
            "seconds_in_all": round(time.monotonic() - began, 1),
        }
        sys.stdout.write(json.dumps(finite(report), indent=1) + "\n" if chosen.json else self.text(report))
        return int(bool(failures))
