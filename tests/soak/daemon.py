"""`scripts/soak daemon`: a whole speaker lives through virtual days in real time, with a fault in each of them.

It is the real daemon in processes of its own, on the fake card in a room with an echo, with pretended pins and the
assistant on the device. A day takes some four minutes; the daemon's clock passes a midnight halfway.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from soak.audio_verdict import Sample, slopes
from soak.daemon_day import day
from soak.daemon_verdict import WARM_UP_SECONDS, verdict
from soak.daemon_watch import asked
from soak.daemon_world import World, world

_ROLLOVER_HOURS = 0.1
"""A day's worth, after which the ledger must know of a midnight."""
_TOLD_FIGURES = ("daemon_rss_mib", "assistant_rss_mib", "card_rss_mib", "daemon_files", "daemon_threads", "processes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Live, print a line for each day, figures now and then, and a verdict; 1 unless all was as it must be."""
    parser = argparse.ArgumentParser(prog="scripts/soak daemon", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0, help="how long (default: %(default)s)")
    parser.add_argument("--every", type=float, default=10.0, metavar="MINUTES", help="figures (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in the end instead of lines")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)

    def tell(line: str) -> None:
        if not chosen.json:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    report = _live(3600 * chosen.hours, 60 * chosen.every, tell)
    tell(_figures(report))
    tell("\n".join(report["found"]) if report["found"] else "All as it must be.")
    if chosen.json:
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return int(bool(report["found"]))


def _end(number: int, _: object) -> None:
    """As Ctrl-C does: what was started is ended, too."""
    raise SystemExit(128 + number)


def _live(seconds: float, every_seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    samples: list[Sample] = []
    # A short run, to try it, is judged from its first third on.
    warm_up_seconds = min(WARM_UP_SECONDS, seconds / 3)
    with world(midnight_in_seconds=seconds / 2) as on:
        samples.append(on.sample())
        told_at = on.began_at
        while time.monotonic() - on.began_at < seconds and not on.watch.is_over():
            troubles = len(on.tally.troubles)
            day(on)
            if on.watch.is_over():
                break
            samples.append(on.sample())
            tell(_day(on, samples[-1]))
            for sentence in on.tally.troubles[troubles:]:
                tell(f"    {sentence}")
            if time.monotonic() - told_at >= every_seconds:
                told_at = time.monotonic()
                tell(_figures(_report(on, samples, warm_up_seconds, seconds / 7200)))
        return _report(on, samples, warm_up_seconds, seconds / 7200)


def _report(
    on: World, samples: Sequence[Sample], warm_up_seconds: float, midnight_after_hours: float
) -> dict[str, Any]:
    is_over = on.watch.is_over()
    hours = (time.monotonic() - on.began_at) / 3600
    found = verdict(samples, on.tally.counts, warm_up_seconds) + on.tally.troubles
    if is_over:
        found.append(f"The daemon ended with {on.daemon.process.wait(10)}: {on.daemon.journal[-5:]}")
    if len(on.dates) < 2 and hours > midnight_after_hours + _ROLLOVER_HOURS:
        found.append(f"No new day began for the ledger: it knows {sorted(on.dates)}.")
    health = {} if is_over else asked(on.daemon.control, {"do": "status"})[0]
    levels = Counter(line.partition(" ")[0] for line in on.daemon.journal)
    return {
        "hours": hours,
        "dates": sorted(on.dates),
        "days": on.day,
        "counts": dict(on.tally.counts),
        "card_restarts": health.get("restarts"),
        "per_hour": slopes(samples, warm_up_seconds),
        "largest": {name: max(s.figures.get(name, 0.0) for s in samples) for name in samples[0].figures},
        "journal": {level: levels[level] for level in ("INFO", "WARNING", "ERROR", "CRITICAL")},
        "warnings": [line for line in on.daemon.journal if line.startswith(("WARNING", "ERROR", "CRITICAL"))][-20:],
        "xruns": len(on.card.faults()),
        "load_average": os.getloadavg()[0],
        "found": found,
        "samples": [{"seconds": sample.seconds, **sample.figures} for sample in samples],
    }


def _day(on: World, sample: Sample) -> str:
    shown = "  ".join(f"{name} {sample.figures.get(name, 0.0):.1f}".removesuffix(".0") for name in _TOLD_FIGURES)
    return f"{sample.seconds / 60:6.1f} min  day {on.day}  {shown}"


def _figures(report: dict[str, Any]) -> str:
    counts = "  ".join(f"{name} {count}" for name, count in sorted(report["counts"].items()))
    # The others are killed now and then, so that a line through their sizes would tell nothing.
    daemons = [name for name in _TOLD_FIGURES if name.startswith("daemon_")]
    grown = "  ".join(f"{name} {report['per_hour'].get(name, float('nan')):+.2f}" for name in daemons)
    return (
        f"{report['hours']:.2f} h, {report['days']} days, dates {report['dates']}: {counts}\n"
        f"    stuck {report['counts'].get('stuck', 0)}, missed wakes {report['counts'].get('missed_wakes', 0)}, "
        f"card restarts {report['card_restarts']}, xruns {report['xruns']}, journal {report['journal']}, "
        f"load {report['load_average']:.1f}\n"
        f"    per hour: {grown}"
    )


if __name__ == "__main__":
    sys.exit(main())
