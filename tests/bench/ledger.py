"""`python -m bench.ledger`: what a booking costs the loop and the card, in a ledger that has a year in it.

Measured in the folder that --folder names: a RAM disk says nothing of a card.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.machine import machine
from speakerd.core.usage import Billed, Usage
from speakerd.ledger.book import Book
from speakerd.ledger.booking import booking
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list

DAYS, RESPONSES_A_DAY = 365, 100
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
USAGE = Usage(text_in=1200, audio_in=300, cached_text_in=1024, cached_audio_in=128, text_out=40, audio_out=160)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--bookings", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to write; default: where temporary files are")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        figures = measured(Path(folder) / "ledger.sqlite3", chosen.bookings)
    if chosen.json:
        figures["machine"] = machine(["speakerd"])
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{name:<28} {value:>12,}\n" for name, value in figures.items())
    return 0


def measured(path: Path, bookings: int) -> dict[str, Any]:
    """Figures by name; one booking at a time, each told to a core that does nothing."""
    _fill(path)
    began = time.perf_counter()
    ledger = Ledger(path, price_list(), lambda _: None, now=lambda: NOON)
    ledger.start()
    start_ms = (time.perf_counter() - began) * 1e3
    before = _written()
    spans_us, cpu_us = [], []
    for number in range(bookings):
        billed = _billed(number)
        began, cpu_began = time.perf_counter(), time.thread_time()
        ledger.book(billed)
        cpu_us.append((time.thread_time() - cpu_began) * 1e6)
        spans_us.append((time.perf_counter() - began) * 1e6)
    after = _written()
    began = time.perf_counter()
    ledger._kept.save()
    save_ms = (time.perf_counter() - began) * 1e3
    saved = _written()
    ledger.close()
    return {
        **_spread("booking_us", spans_us),
        **_spread("booking_cpu_us", cpu_us),
        "written_bytes_per_booking": round((after["wchar"] - before["wchar"]) / bookings),
        "disk_bytes_per_booking": round((after["write_bytes"] - before["write_bytes"]) / bookings),
        "writes_per_booking": round((after["syscw"] - before["syscw"]) / bookings, 2),
        "save_ms": round(save_ms, 1),
        "save_disk_bytes": saved["write_bytes"] - after["write_bytes"],
        "start_ms": round(start_ms, 1),
        "file_bytes": path.stat().st_size,
        "file_bookings": DAYS * RESPONSES_A_DAY + bookings,
    }


def _fill(path: Path) -> None:
    prices = price_list()
    book = Book(path)
    for day in range(DAYS):
        moment = NOON - timedelta(days=day)
        run = moment.strftime("%Y%m%dT%H%M%S.000Z")
        book.add(
            [booking(_billed(number, number // 5 + 1), run, moment, prices)[0] for number in range(RESPONSES_A_DAY)]
        )
    book.close()


def _billed(number: int, session: int = 1) -> Billed:
    name = f"resp_{number:016}abcd"
    return Billed(session, session, "openai", "gpt-realtime-2.1-mini", name, "response", USAGE, ("set_timer",))


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    inner = sorted(values)
    marks = {"median": median(inner), "p99": inner[len(inner) * 99 // 100], "worst": inner[-1]}
    return {f"{name}_{mark}": round(value, 1) for mark, value in marks.items()}


def _written() -> dict[str, int]:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}


if __name__ == "__main__":
    sys.exit(main())
