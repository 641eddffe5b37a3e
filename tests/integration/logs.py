"""Waits for what is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 15.0


class Log(logging.Handler):
    """What was logged since it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._changed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._changed.set()

    async def until(self, words: str, times: int = 1) -> None:
        """Wait until so many lines have these words."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(words in line for line in self.lines) < times:
                self._changed.clear()
                await self._changed.wait()


@contextmanager
def log_of(logger: str) -> Iterator[Log]:
    """The log of a part of the speaker, everything included; only for lines of the loop's thread."""
    log, known = Log(), logging.getLogger(logger)
    level = known.level
    known.addHandler(log)
    known.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        known.removeHandler(log)
        known.setLevel(level)
