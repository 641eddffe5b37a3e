"""One section of `scripts/bench daemon`: prints one JSON object."""

from __future__ import annotations

import argparse
import json
import sys
import time

from bench.daemon_idle import idle
from bench.daemon_start import starts

SECTIONS = ("start", "idle")


def main() -> None:
    """Measure one section and print its figures."""
    parser = argparse.ArgumentParser(prog="bench.daemon_sections")
    parser.add_argument("section", choices=SECTIONS)
    parser.add_argument("--amount", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    deadline = time.monotonic() + chosen.seconds
    figures = starts(round(chosen.amount), deadline) if chosen.section == "start" else idle(chosen.amount, deadline)
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
