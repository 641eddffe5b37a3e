"""`scripts/bench daemon`: how soon the whole speaker is ready, and what it costs while nobody speaks to it."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.daemon_report import keys, text
from bench.daemon_sections import SECTIONS
from bench.sections import Section

_PACKAGES = ("speakerd", "numpy", "PyAudio", "websockets", "pocketsphinx")
_QUICK_BUDGET_SECONDS = 38.0
"""What is begun by then ends some seconds later."""
_QUICK = ((Section("start", "start", 3, 12),), (Section("idle", "idle", 20, 35),))
"""One after the other, so that none costs the other anything: what, how much, seconds until nothing new begins."""
_FULL = ((Section("start", "start", 10, 120),), (Section("idle", "idle", 600, 1200),))


BENCH = Bench(
    name="daemon",
    description=__doc__,
    sections=SECTIONS,
    full=_FULL,
    quick=_QUICK,
    quick_budget_seconds=_QUICK_BUDGET_SECONDS,
    packages=_PACKAGES,
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
