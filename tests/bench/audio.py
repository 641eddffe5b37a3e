"""`scripts/bench audio`: how soon the audio plane is silent and is heard, what it costs, and whom it mistakes."""

from __future__ import annotations

import sys

from bench.audio_report import keys, text
from bench.command import Bench
from bench.sections import Section

BENCH = Bench(
    name="audio",
    description=__doc__,
    sections=("interruption", "end-to-end", "costs", "talk"),
    full=(
        (Section("interruption", "interruption", 100, 180),),
        (Section("end-to-end", "end-to-end", 30, 150),),
        (Section("costs", "costs", 20, 120),),
        (Section("talk", "talk", 600, 2400),),
    ),
    quick=(
        (Section("interruption", "interruption", 20, 9), Section("end-to-end", "end-to-end", 7, 8)),
        (Section("costs", "costs", 0.6, 20),),
        (Section("talk", "quick-talk", 25, 40),),
    ),
    quick_budget_seconds=45.5,
    packages=("speakerd", "numpy", "PyAudio", "websockets", "pywebrtc-audio", "openai-agents"),
    keys=keys,
    text=text,
)


if __name__ == "__main__":
    sys.exit(BENCH.run())
