"""`speakerd cost`: what conversations cost, and how much is left; beside the running service or without it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

from speakerd.folders import speakers_folder
from speakerd.ledger.booking import COLUMNS, Booking
from speakerd.ledger.ledger import local_now
from speakerd.ledger.reading import Contents, read
from speakerd.ledger.report import Caps, as_json, first_day, report
from speakerd.ledger.report_text import lines
from speakerd.settings import Settings
from speakerd.settings_budget import NANO_PER_USD, BudgetSettings, nano_usd

LEDGER_FILE = "ledger.sqlite3"


@dataclass(frozen=True, slots=True)
class CostOptions:
    """What is wanted, and how."""

    days: int = 30
    as_json: bool = False
    as_csv: bool = False


def run(settings: Settings, options: CostOptions, out: TextIO | None = None, today: date | None = None) -> int:
    """Print it; raises LedgerError."""
    out = out or sys.stdout
    path = ledger_path(settings.budget, speakers_folder(settings, os.environ))
    today = today or local_now().date()
    contents = read(path, first_day(today, options.days))
    if options.as_csv:
        begins = (today - timedelta(days=options.days - 1)).isoformat()
        _write_csv((row for row in contents.bookings if row.day >= begins), out)
        return 0
    found = report(contents.bookings, today, options.days, caps(settings.budget), contents.counts_since)
    if options.as_json:
        out.write(json.dumps(as_json(found), indent=1) + "\n")
        return 0
    width = shutil.get_terminal_size().columns
    out.writelines(f"{line}\n" for line in lines(found, width, blocks=_has_blocks(out)))
    out.writelines(_follows(contents))
    return 0


def ledger_path(budget: BudgetSettings, folder: Path) -> Path:
    """Where the ledger is, for a state folder."""
    return Path(budget.ledger) if budget.ledger else folder / LEDGER_FILE


def caps(budget: BudgetSettings) -> Caps:
    """The owner's limits."""
    limits = (budget.day_cap_usd, budget.month_cap_usd, budget.conversation_cap_usd)
    return Caps(*(nano_usd(limit) for limit in limits))


def _write_csv(bookings: Iterable[Booking], out: TextIO) -> None:
    table = csv.writer(out, lineterminator="\n")
    table.writerow((*COLUMNS, "cost_usd"))
    table.writerows((*row, f"{row.cost_nano_usd / NANO_PER_USD:.9f}") for row in bookings)


def _follows(contents: Contents) -> list[str]:
    return [f"What can be rescued is in {contents.follows}, beside the ledger.\n"] if contents.follows else []


def _has_blocks(out: TextIO) -> bool:
    try:
        "█".encode(out.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
