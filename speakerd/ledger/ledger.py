"""What was spent until now: books what endpoints bill, and tells the core after each booking and when a day begins."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from speakerd.core.events import NO_SESSION, Spent
from speakerd.core.usage import Billed
from speakerd.ledger.booking import booking
from speakerd.ledger.kept_book import KeptBook
from speakerd.ledger.prices import Prices
from speakerd.ports import Post

_TICK_SECONDS = 60.0
"""How late a jump of the clock is noticed, and how often what could not be written is tried again."""
_LEAST_WAIT_SECONDS = 0.01
_MOST_RECENT = 1024
_MOST_CONVERSATIONS = 16

_log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")


def local_now() -> datetime:
    """The time in the machine's time zone."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class Standing:
    """What was spent until now."""

    day: str
    """The local date, as 2026-11-26."""
    today_nano_usd: int
    month_nano_usd: int
    counts_since: str = ""
    """The day before which not all of this month is known; empty if all is."""


class Ledger:
    """The owner of the book. Belongs to the loop's thread; call `start` before anything else."""

    def __init__(
        self,
        path: Path,
        prices: Prices,
        post: Post,
        *,
        now: Callable[[], datetime] = local_now,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kept = KeptBook(path, self._today)
        self._prices = prices
        self._post = post
        self._now = now
        self._wait = wait
        self._run = ""
        self._told: Standing | None = None
        self._conversations: dict[str, int] = {}
        self._recent: dict[tuple[str, int, str, str], None] = {}
        self._guessed: set[str] = set()
        self._unnamed = itertools.count(1)

    def start(self) -> None:
        """Open the file, and tell what was spent before this start."""
        self._kept.open()
        started = self._now().astimezone(UTC)
        while not self._run or self._kept.knows(self._run):
            self._run = started.strftime("%Y%m%dT%H%M%S.") + f"{started.microsecond // 1000:03}Z"
            started += timedelta(milliseconds=1)  # a clock without a battery may start twice at the same time
        self._tell()

    def book(self, billed: Billed) -> None:
        """Book what an endpoint bills, once, and tell what was spent with it. What it returned for is kept."""
        if not billed.response_id:
            billed = replace(billed, response_id=f"unnamed {next(self._unnamed)}")
        row, is_guess = booking(billed, self._run, self._now(), self._prices)
        if is_guess:
            self._warn_of_guess(row.model)
        if row.key in self._recent:
            return
        _remember(self._recent, row.key, None, _MOST_RECENT)
        if not self._kept.add(row):
            return
        spent = self._conversations.pop(row.conversation, 0) + row.cost_nano_usd
        _remember(self._conversations, row.conversation, spent, _MOST_CONVERSATIONS)
        self._tell(billed.session, spent)

    def standing(self) -> Standing:
        """What was spent until now."""
        day = self._today().isoformat()
        month = day[:7]
        spent = self._kept.spent_nano_usd
        return Standing(day, spent(day), spent(month), self._kept.counts_since(month))

    async def run(self) -> None:
        """Tell when a day begins, however the clock comes to it; write what could not be written; save in quiet."""
        while True:
            unsaved = self._kept.unsaved
            await self._wait(min(_TICK_SECONDS, self._seconds_of_day_left()))
            self._kept.try_again()
            if self.standing() != self._told:
                self._tell()
            if unsaved and self._kept.unsaved == unsaved:
                self._kept.unsaved = 0
                await asyncio.to_thread(self._kept.save)

    def close(self) -> None:
        """Write what waits, and bring everything into one file."""
        self._kept.close()

    def _today(self) -> date:
        return self._now().date()

    def _tell(self, session: int = NO_SESSION, conversation_nano_usd: int = 0) -> None:
        now = self.standing()
        self._told = now
        self._post(Spent(session, now.day, now.today_nano_usd, now.month_nano_usd, conversation_nano_usd))

    def _warn_of_guess(self, model: str) -> None:
        if model not in self._guessed:
            self._guessed.add(model)
            _log.warning(
                "Not every price of the model %s is known: the dearest that is known counts; "
                "write its prices into the settings under [[budget.prices]].",
                model,
            )

    def _seconds_of_day_left(self) -> float:
        now = self._now()
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        return max(midnight.timestamp() - now.timestamp(), _LEAST_WAIT_SECONDS)


def _remember(known: dict[K, V], key: K, value: V, most: int) -> None:
    """Remember the latest few."""
    known[key] = value
    if len(known) > most:
        del known[next(iter(known))]
