"""The ledger's file: SQLite in WAL mode, each booking one transaction.

What `add` has returned for survives the end of this process at any moment, as the kernel has it. Losing power may cost
the last bookings, never the file: no booking waits for the SD card, `save` does, in a thread of its own. Every method
raises sqlite3.Error where the file cannot do it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from speakerd.errors import LedgerError
from speakerd.ledger.booking import COLUMNS, Booking

SCHEMA: tuple[str, ...] = (
    """
    CREATE TABLE bookings (
        conversation TEXT NOT NULL, session INTEGER NOT NULL, response_id TEXT NOT NULL, kind TEXT NOT NULL,
        at TEXT NOT NULL, day TEXT NOT NULL, endpoint TEXT NOT NULL, model TEXT NOT NULL,
        text_in INTEGER NOT NULL, audio_in INTEGER NOT NULL, image_in INTEGER NOT NULL,
        cached_text_in INTEGER NOT NULL, cached_audio_in INTEGER NOT NULL, cached_image_in INTEGER NOT NULL,
        text_out INTEGER NOT NULL, audio_out INTEGER NOT NULL, seconds REAL NOT NULL,
        tools TEXT NOT NULL, status TEXT NOT NULL, estimated INTEGER NOT NULL,
        cost_nano_usd INTEGER NOT NULL, price_since TEXT NOT NULL,
        PRIMARY KEY (conversation, session, response_id, kind)
    ) WITHOUT ROWID;
    CREATE INDEX bookings_by_day ON bookings (day, cost_nano_usd);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
)
"""One step for each version of the file. Never change a step: add one."""

_ADD = f"INSERT OR IGNORE INTO bookings ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_BUSY_SECONDS = 0.05
"""How long the loop waits, at most, while `save` writes its mark."""
_READ_SECONDS = 2.0
_CHECKPOINT_PAGES = 4096
"""16 MiB: a checkpoint waits for the card, so it is left to `save`, unless a conversation never ends."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_MOST_ASIDE = 5
_COMPANIONS = ("", "-wal", "-shm")


class _File(sqlite3.Connection):
    """In a damaged file, sqlite3 trips over its own message when a name in it is no text."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """As ever, but such a file is a damaged one."""
        try:
            return super().execute(*arguments)
        except UnicodeDecodeError as error:
            raise damage("a name in it is no text") from error


class Book:
    """An open file, begun if there is none; belongs to one thread.

    Raises LedgerError for a file of a newer speakerd, sqlite3.Error for what `is_damage` tells apart.
    """

    def __init__(self, path: Path, schema: Sequence[str] = SCHEMA) -> None:
        if not path.exists():
            _begin(path)
        elif path.is_file() and not path.stat().st_size:
            raise damage("nothing is in it")
        self._file = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, factory=_File)
        try:
            self._set_up(path, schema)
        except BaseException:
            self._file.close()
            raise

    def add(self, bookings: Iterable[Booking]) -> int:
        """Book all or none; returns how many were not booked before."""
        before = self._file.total_changes
        rows = list(bookings)
        if len(rows) == 1:
            self._file.execute(_ADD, rows[0])
        else:
            with _transaction(self._file):
                self._file.executemany(_ADD, rows)
        return self._file.total_changes - before

    def spent_by_day(self, month: str) -> dict[str, int]:
        """Billionths of a dollar on each day of a month such as 2026-11."""
        return dict(spent_by_day(self._file, month))

    def knows(self, run: str) -> bool:
        """Whether a conversation of this name of a start is booked."""
        # The next character after "-" ends what begins with the name.
        query = "SELECT 1 FROM bookings WHERE conversation >= ? AND conversation < ? LIMIT 1"
        return self._file.execute(query, (f"{run}-", f"{run}.")).fetchone() is not None

    def fact(self, name: str) -> str:
        """What was noted under a name; empty if nothing was."""
        return fact(self._file, name)

    def note(self, name: str, value: str) -> None:
        """Note it, in the place of what was noted before."""
        self._file.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Bring everything into the one file."""
        self._file.close()

    def _set_up(self, path: Path, schema: Sequence[str]) -> None:
        run = self._file.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        (found,) = run("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise damage(str(found))
        (version,) = run("PRAGMA user_version").fetchone()
        if version > len(schema):
            raise LedgerError(f"{path} was written by a newer speakerd: install that, or move the file away.")
        for number, step in enumerate(schema[version:], version + 1):
            with _transaction(self._file):
                for statement in step.split(";"):
                    run(statement)
                run(f"PRAGMA user_version = {number}")


def save(path: Path) -> None:
    """Bring what was booked onto the card, and wait for it; for any thread but the loop's."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = NORMAL")
        # The first does the work while others may write, so that the second keeps them out for a moment only.
        file.execute("PRAGMA wal_checkpoint(PASSIVE)")
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The first to write after a checkpoint waits for the card once more: this, not the next booking.
        file.execute("INSERT OR REPLACE INTO facts VALUES ('saved', strftime('%Y-%m-%dT%H:%M:%fZ'))")


def read_only(path: Path) -> sqlite3.Connection:
    """An open file that is never changed, though the speaker may be writing it."""
    # Where there is no WAL, nobody has the file open. SQLite must be told, or it leaves files beside it, or needs to.
    mode = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    file = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=_READ_SECONDS, factory=_File)
    try:
        file.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error:
        file.close()
        raise
    return file


def spent_by_day(file: sqlite3.Connection, month: str) -> list[tuple[str, int]]:
    """Billionths of a dollar on each day of a month such as 2026-11."""
    query = "SELECT day, SUM(cost_nano_usd) FROM bookings WHERE day >= ? AND day < ? GROUP BY day"
    return file.execute(query, (f"{month}-", f"{month}.")).fetchall()


def fact(file: sqlite3.Connection, name: str) -> str:
    """What was noted under a name; empty if nothing was."""
    found = file.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return str(found[0]) if found else ""


def damage(reason: str) -> sqlite3.DatabaseError:
    """The error of a file that was found to be damaged."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, not only the way to it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def set_aside(path: Path, today: date) -> Path:
    """Rename a damaged file, and what belongs to it; returns where it is. Raises OSError, also after a few in a day."""
    stem = f"{path}.damaged-{today.isoformat()}"
    names = [Path(stem + f"-{number}" * (number > 1)) for number in range(1, _MOST_ASIDE + 1)]
    aside = next((name for name in names if not name.exists()), None)
    if aside is None:
        raise FileExistsError(f"the disk seems to be broken: see {stem} and the others beside it")
    for end in _COMPANIONS:
        companion = Path(f"{path}{end}")
        if companion.exists():
            companion.rename(f"{aside}{end}")
    return aside


def _begin(path: Path) -> None:
    """Make the file, whole or not at all: one of no length is then a damaged one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(f"{path}.new")
    for end in _COMPANIONS:
        Path(f"{draft}{end}").unlink(missing_ok=True)
        Path(f"{path}{end}").unlink(missing_ok=True)
    with closing(sqlite3.connect(draft, isolation_level=None)) as file:
        file.execute("PRAGMA user_version = 0")  # writes the first page
    draft.rename(path)


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    """All of what is within, or nothing."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    finally:
        if file.in_transaction:
            file.execute("ROLLBACK")
