"""`scripts/bench session`: how soon a session is there, what it costs, whether a thousand leave a trace."""

from __future__ import annotations

import sys

from bench.command import Bench
from bench.sections import Section
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


BENCH = Bench(
    name="session",
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
