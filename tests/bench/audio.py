"""`scripts/bench audio`: how soon the audio plane is silent and is heard, what it costs, and whom it mistakes."""

from __future__ import annotations

import sys

from bench.audio_report import keys, text
from bench.command import Bench
from bench.sections import Section

_PACKAGES = ("speakerd", "numpy", "PyAudio", "websockets", "pywebrtc-audio", "openai-agents")


_QUICK_BUDGET_SECONDS = 45.5
"""What is begun by then ends some seconds later."""
_QUICK = (
    (Section("interruption", "interruption", 20, 9), Section("end-to-end", "end-to-end", 7, 8)),
    (Section("costs", "costs", 0.6, 20),),
    (Section("talk", "quick-talk", 25, 40),),
)
"""Groups one after the other, those of a group at the same time: what, how much, seconds until nothing new begins."""
_FULL = (
    (Section("interruption", "interruption", 100, 180),),
    (Section("end-to-end", "end-to-end", 30, 150),),
    (Section("costs", "costs", 20, 120),),
    (Section("talk", "talk", 600, 2400),),
)

BENCH = Bench(
    name="audio",
    description=__doc__,
    sections=("interruption", "end-to-end", "costs", "talk"),
    full=_FULL,
    quick=_QUICK,
    quick_budget_seconds=_QUICK_BUDGET_SECONDS,
    packages=_PACKAGES,
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
