"""One section of `scripts/bench audio`: prints one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bench.audio_costs import costs
from bench.audio_end_to_end import latencies
from bench.audio_interruption import interruptions
from bench.audio_rooms import QUICK_ROOMS, ROOMS
from bench.audio_talk import talk

_MOST_TRIES = 3


def main() -> None:
    """Measure one section and print its figures."""
    parser = argparse.ArgumentParser(prog="bench.audio_sections")
    parser.add_argument("section", choices=["interruption", "end-to-end", "costs", "talk", "quick-talk"])
    parser.add_argument("--amount", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="speakerd-bench-") as folder:
        figures = asyncio.run(_figures(chosen.section, Path(folder), chosen.amount, time.monotonic() + chosen.seconds))
    sys.stdout.write(json.dumps(figures))


async def _figures(section: str, folder: Path, amount: float, deadline: float) -> Mapping[str, Any]:
    if section == "interruption":
        return await interruptions(folder / "card", round(amount), deadline)
    if section == "end-to-end":
        return await _undisturbed(lambda again: latencies(folder / str(again), amount), deadline)
    if section == "costs":
        return await costs(folder, amount)
    return await talk(QUICK_ROOMS if section == "quick-talk" else tuple(ROOMS), amount, deadline)


async def _undisturbed(measure: Callable[[int], Awaitable[dict[str, Any]]], deadline: float) -> dict[str, Any]:
    """Figures of a run without an xrun, which would shift the card's clock; the last one when none was."""
    for again in range(_MOST_TRIES):
        figures = await measure(again)
        if not figures["xruns"] or time.monotonic() > deadline:
            break
    return figures | {"repeated_for_xruns": again}


if __name__ == "__main__":
    main()
