"""One section of `scripts/bench session`: prints one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.session_growth import growth
from bench.session_opening import openings
from bench.session_receiving import receiving
from bench.session_reply import replies
from bench.session_tokens import tokens

SECTIONS = ("opening", "reply", "tokens", "growth", "receiving")


def main() -> None:
    """Measure one section and print its figures."""
    parser = argparse.ArgumentParser(prog="bench.session_sections")
    parser.add_argument("section", choices=SECTIONS)
    parser.add_argument("--amount", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="speakerd-bench-") as folder:
        deadline = time.monotonic() + chosen.seconds
        if chosen.section == "tokens":  # lives in fast time
            figures: Mapping[str, Any] = tokens(Path(folder), round(chosen.amount), deadline)
        else:
            figures = asyncio.run(_figures(chosen.section, Path(folder), chosen.amount, deadline))
    sys.stdout.write(json.dumps(figures))


async def _figures(section: str, folder: Path, amount: float, deadline: float) -> Mapping[str, Any]:
    if section == "opening":
        return await openings(folder, round(amount), deadline)
    if section == "reply":
        return await replies(folder / "card", round(amount), deadline)
    if section == "growth":
        return await growth(folder, round(amount), deadline)
    return await receiving(amount)


if __name__ == "__main__":
    main()
