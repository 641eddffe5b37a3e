"""`scripts/bench daemon`: how soon the whole speaker is ready, and what it costs while nobody speaks to it."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.daemon_report import keys, text
from bench.daemon_sections import SECTIONS
from bench.sections import Section

BENCH = Bench(
    name="daemon",
    description=__doc__,
    sections=SECTIONS,
    full=((Section("start", "start", 10, 120),), (Section("idle", "idle", 600, 1200),)),
    quick=((Section("start", "start", 3, 12),), (Section("idle", "idle", 20, 35),)),
    quick_budget_seconds=38.0,
    packages=("speakerd", "numpy", "PyAudio", "websockets", "pocketsphinx"),
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
