"""`scripts/bench tools`: what the speaker adds to a tool's time, and what tools and extras cost that nobody calls."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.sections import Section
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


BENCH = Bench(
    name="tools",
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
