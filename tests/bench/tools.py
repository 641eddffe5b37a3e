"""`scripts/bench tools`: what the speaker adds to a tool's time, and what tools and extras cost that nobody calls."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.sections import Section
from bench.tools_report import keys, text
from bench.tools_sections import SECTIONS

BENCH = Bench(
    name="tools",
    description=__doc__,
    sections=SECTIONS,
    full=(
        (Section("prompt", "prompt", 1, 60),),
        (Section("calls", "calls", 250, 180),),
        (Section("extras", "extras", 9, 120),),
    ),
    quick=(
        (Section("prompt", "prompt", 1, 5),),
        (Section("calls", "calls", 60, 18),),
        (Section("extras", "extras", 3, 6),),
    ),
    quick_budget_seconds=40.0,
    packages=("speakerd", "mcp", "aiomqtt", "websockets", "bpe-openai"),
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
