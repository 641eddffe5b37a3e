"""`scripts/soak conversation`: hours of talk in fast time, over the ends of sessions, with a code word to be kept."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fast_loop import run_fast
from soak.conversation_stage import Plan, conversations
from soak.conversation_verdict import Lived, wrong

_MINUTES = 65.0
_EXPIRY_MINUTES = 60.0
WAYS = {"we replace the session after 55 min": 3300.0, "the server ends the session after 60 min": 1e9}
"""When we replace a session, in seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Talk, print a line for each conversation and a verdict; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="scripts/soak conversation", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="of each conversation (default: %(default)s)")
    parser.add_argument("--times", type=int, default=2, help="conversations of each kind (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in the end instead of lines")
    chosen = parser.parse_args(arguments)
    if chosen.minutes <= _EXPIRY_MINUTES or chosen.times < 1:
        parser.error(f"a session lasts {_EXPIRY_MINUTES:.0f} minutes: take more of them, and at least one conversation")
    found: dict[str, list[Lived]] = {}
    for way, rollover_seconds in WAYS.items():
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="speakerd-soak-") as folder:
            plan = Plan(chosen.minutes, rollover_seconds)
            found[way] = run_fast(conversations(Path(folder), plan, chosen.times))
        if not chosen.json:
            sys.stdout.write(_lines(way, found[way], time.monotonic() - began))
            sys.stdout.flush()
    faults = [fault for lived in found.values() for each in lived for fault in wrong(each)]
    if chosen.json:
        seen = {way: [asdict(each) for each in lived] for way, lived in found.items()}
        sys.stdout.write(
            json.dumps({"wrong": faults, "minutes": chosen.minutes, "conversations": seen}, indent=1) + "\n"
        )
    else:
        sys.stdout.write(("\n".join(faults) if faults else "Nothing was lost.") + "\n")
    return int(bool(faults))


def _lines(way: str, lived: Sequence[Lived], seconds: float) -> str:
    lines = [f"{way} ({seconds:.0f} s):"]
    for each in lived:
        lines.append(
            f"  said {len(each.said)}, understood {len(each.heard)}, answered {each.answers}; "
            f"{1 + len(each.retold)} sessions; booked ${each.booked_nano_usd / 1e9:.6f}, "
            f"billed ${each.billed_nano_usd / 1e9:.6f}"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
