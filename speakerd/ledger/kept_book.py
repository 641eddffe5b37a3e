"""The book and what it says of each day, whatever happens to the file.

A file that cannot be written stops nothing: bookings wait in memory until it can. A damaged one is put aside, and what
is known of its days is carried over. What cannot be known is said to be unknown, never taken for nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

from speakerd.ledger.book import Book, is_damage, read_only, save, set_aside, spent_by_day
from speakerd.ledger.booking import Booking, carried_over

COUNTS_SINCE = "counts_since"
"""The fact of a book that followed a damaged one of which not all could be read: its first day."""
FOLLOWS = "follows"
"""The fact of a book that followed a damaged one: where that is."""

_log = logging.getLogger(__name__)


class KeptBook:
    """Belongs to one thread; call `open` before anything else. Nothing here raises for what happens to the file."""

    def __init__(self, path: Path, today: Callable[[], date]) -> None:
        self.path = path
        self.unsaved = 0
        """Bookings that losing power may cost."""
        self._today = today
        self._book: Book | None = None
        self._waiting: list[Booking] = []
        self._is_failing = False
        self._counts_since = ""
        self._days: dict[str, int] = {}
        self._months: set[str] = set()

    def open(self) -> None:
        """Open the file, or begin one."""
        try:
            self._book = Book(self.path)
            self._counts_since = self._book.fact(COUNTS_SINCE)
        except (sqlite3.Error, OSError) as error:
            self._close()
            self._cope(error)

    def knows(self, run: str) -> bool:
        """Whether a conversation of this name of a start is booked, as far as can be known."""
        try:
            return self._book is not None and self._book.knows(run)
        except sqlite3.Error as error:
            self._cope(error)
            return False

    def add(self, row: Booking) -> bool:
        """Book a row; whether it was not booked before, as far as can be known now."""
        self._load(row.day[:7])
        self._waiting.append(row)
        if self._flush() is False:
            return False
        self._days[row.day] = self._days.get(row.day, 0) + row.cost_nano_usd
        return True

    def spent_nano_usd(self, period: str) -> int:
        """Of a day such as 2026-11-26, or a month such as 2026-11."""
        self._load(period[:7])
        return sum(spent for day, spent in self._days.items() if day.startswith(period))

    def counts_since(self, month: str) -> str:
        """The day before which not all of this month is known; empty if all is."""
        return self._counts_since if self._counts_since.startswith(month) else ""

    def try_again(self) -> None:
        """Write what could not be written, if anything could not."""
        if self._is_failing:
            self._close()
            self.open()
            if self._book is not None and not self._waiting:
                self._recovered()
        self._flush()

    def save(self) -> None:
        """Bring what was booked onto the card, and wait for it; for any thread but the loop's."""
        try:
            save(self.path)
        except sqlite3.Error as error:
            _log.debug("the ledger could not be saved now: %s", error)

    def close(self) -> None:
        """Write what waits, and bring everything into one file."""
        self._flush()
        self._close()
        if self._waiting:
            _log.warning("The ledger %s cannot be written: %d bookings are lost.", self.path, len(self._waiting))

    def _flush(self, *, again: bool = True) -> bool | None:
        """Write what waits; whether it is new, or None where that cannot be told, or more than one waited.

        Into a new book if this one is damaged, unless that has been tried `again` already.
        """
        if self._book is None or not self._waiting:
            return None
        try:
            added = self._book.add(self._waiting)
        except sqlite3.Error as error:
            self._cope(error, again=again)
            return None
        is_new = None if len(self._waiting) > 1 else added == 1
        self._waiting.clear()
        self.unsaved += added
        if self._is_failing:
            self._recovered()
        return is_new

    def _cope(self, error: sqlite3.Error | OSError, *, again: bool = True) -> None:
        if isinstance(error, sqlite3.Error) and is_damage(error) and again:
            self._begin_anew(error)
            self._flush(again=False)
        elif getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            _log.debug("the ledger is being saved: the booking waits for the next")
        else:
            self._complain(error)

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """Put the damaged file aside, and carry over what is known of this month."""
        today = self._today()
        month = today.isoformat()[:7]
        was_known = month in self._months
        self._close()
        self._load(month)
        try:
            aside = set_aside(self.path, today)
            self._book = Book(self.path)
            self._book.note(FOLLOWS, aside.name)
            self._counts_since = self._counts_since if was_known else today.isoformat()
            self._book.note(COUNTS_SINCE, self._counts_since)
            self._book.add(carried_over(day, spent) for day, spent in self._days.items() if spent)
        except (sqlite3.Error, OSError) as failure:
            self._close()
            self._complain(failure)
            return
        known = "all of this month still counts" if was_known else "of this month only what could be read still counts"
        _log.warning("The ledger %s was damaged (%s) and is now %s: %s.", self.path, error, aside.name, known)

    def _load(self, month: str) -> None:
        """Know what was spent in a month; what is known already is never made less."""
        if month in self._months:
            return
        self._months.add(month)
        try:
            if self._book is not None:
                found = self._book.spent_by_day(month)
            else:
                with closing(read_only(self.path)) as file:
                    found = dict(spent_by_day(file, month))
        except sqlite3.Error as error:
            self._counts_since = self._today().isoformat()
            _log.warning("What was spent in %s before %s is unknown (%s).", month, self._counts_since, error)
            return
        for day, spent in found.items():
            self._days[day] = max(spent, self._days.get(day, 0))

    def _complain(self, error: Exception) -> None:
        _log.log(
            logging.DEBUG if self._is_failing else logging.WARNING,
            "The ledger %s cannot be written (%s): spending is counted in memory until it can; "
            "check the disk and who owns the file.",
            *(self.path, error),
        )
        self._is_failing = True

    def _recovered(self) -> None:
        self._is_failing = False
        self._months.clear()  # what was not known may be known now
        _log.info("the ledger %s can be written again", self.path)

    def _close(self) -> None:
        if self._book is not None:
            self._book.close()
            self._book = None
