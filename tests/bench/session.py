"""`scripts/bench session`: how soon a session is there, what it costs, whether a thousand leave a trace."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.sections import Section
from bench.session_report import keys, text
from bench.session_sections import SECTIONS

BENCH = Bench(
    name="session",
    description=__doc__,
    sections=SECTIONS,
    full=(
        (Section("opening", "opening", 30, 600),),
        (Section("reply", "reply", 40, 200),),
        (Section("tokens", "tokens", 6, 600),),
        (Section("growth", "growth", 1000, 600),),
        (Section("receiving", "receiving", 3600, 600),),
    ),
    quick=(
        (Section("opening", "opening", 5, 12), Section("reply", "reply", 8, 12)),
        (Section("tokens", "tokens", 4, 24), Section("growth", "growth", 100, 10)),
        (Section("receiving", "receiving", 600, 15),),
    ),
    quick_budget_seconds=40.0,
    packages=("speakerd", "numpy", "PyAudio", "websockets"),
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
