"""Reads the book for its owner, beside the running speaker or without it; changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from speakerd.errors import LedgerError
from speakerd.ledger.book import SCHEMA, fact, read_only
from speakerd.ledger.booking import COLUMNS, Booking
from speakerd.ledger.kept_book import COUNTS_SINCE, FOLLOWS

_ROWS = f"SELECT {', '.join(COLUMNS)} FROM bookings WHERE day >= ? ORDER BY at, response_id"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Contents:
    """What a book says."""

    bookings: tuple[Booking, ...]
    """The oldest first."""
    counts_since: str = ""
    """The day before which not all is known, because an older book was damaged; empty if all is."""
    follows: str = ""
    """Where that book is."""


def read(path: Path, since: date) -> Contents:
    """The bookings from a day on; raises LedgerError."""
    if not path.exists():
        raise LedgerError(f"There is no ledger at {path} yet: nothing was booked, or it is elsewhere (budget.ledger).")
    try:
        with closing(read_only(path)) as file:
            (version,) = file.execute("PRAGMA user_version").fetchone()
            if version > len(SCHEMA):
                raise LedgerError(f"{path} was written by a newer speakerd: read it with that.")
            rows = file.execute(_ROWS, (since.isoformat(),)).fetchall() if version else []
            since_day, follows = (fact(file, name) for name in (COUNTS_SINCE, FOLLOWS)) if version else ("", "")
    except sqlite3.Error as error:
        raise LedgerError(
            f"The ledger {path} cannot be read ({error}): try as root, or as the user speakerd."
        ) from error
    return Contents(tuple(Booking._make(row) for row in rows), since_day, follows)
