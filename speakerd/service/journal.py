"""Where the log goes: the journal with its fields under systemd, plain lines on stderr elsewhere.

Only our own loggers may be asked for DEBUG. Libraries stay at WARNING: websockets writes API keys and audio at DEBUG.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

FORGET_SECONDS = 600.0
"""A failure that was not seen for so long is news again."""


class FirstOfKind(logging.Filter):
    """Lets the first warning of a kind pass and turns its repeats into DEBUG.

    A kind is a logger and an unformatted message. The clock is the records' own. Errors always pass.
    """

    def __init__(self, lowest: int) -> None:
        super().__init__()
        self.lowest = lowest
        """The level from which on records are written."""
        self._seen_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; a repeat's level becomes DEBUG."""
        if record.levelno != logging.WARNING:
            return True
        kind = (record.name, str(record.msg))
        repeated = record.created - self._seen_at.get(kind, float("-inf")) < FORGET_SECONDS
        self._seen_at[kind] = record.created
        if not repeated:
            return True
        record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
        return self.lowest <= logging.DEBUG


def set_up_logging(level: str) -> None:
    """Send all logging to one place; `level` (debug, info, warning or error) is that of our own loggers."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    handler = _journal_handler() if goes_to_journal(sys.stderr) else None
    if handler is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(FirstOfKind(lowest))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("speakerd").setLevel(lowest)


def change_level(level: str) -> None:
    """Log as much as `level` says from now on, to where it goes already."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("speakerd").setLevel(lowest)
    for handler in logging.getLogger().handlers:
        for news in handler.filters:
            if isinstance(news, FirstOfKind):
                news.lowest = lowest


def goes_to_journal(stream: TextIO) -> bool:
    """Whether systemd has connected a stream to the journal (JOURNAL_STREAM in systemd.exec(5): device:inode)."""
    try:
        facts = os.fstat(stream.fileno())
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"


def _journal_handler() -> logging.Handler | None:
    try:
        from systemd.journal import JournalHandler
    except ImportError:
        return None
    handler: logging.Handler = JournalHandler(SYSLOG_IDENTIFIER="speakerd")
    handler.setFormatter(logging.Formatter("%(message)s"))  # level and logger are fields
    return handler
