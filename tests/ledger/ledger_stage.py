"""A ledger whose clock stands still until a test moves it, and the events that it told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import pytest

from speakerd.core.events import Event, Spent
from speakerd.core.usage import Billed, Usage
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list

BERLIN = ZoneInfo("Europe/Berlin")
MINI = "gpt-realtime-2.1-mini"
Kind = Literal["response", "transcription"]


class Stage:
    """`now` is the local time; `turn` books one response that costs as many thousandths of a cent (10 000 n$)."""

    begun: ClassVar[list[Stage]] = []

    def __init__(self, folder: Path, now: datetime = datetime(2026, 11, 26, 18, 0, tzinfo=BERLIN)) -> None:
        self.path = folder / "state" / "ledger.sqlite3"
        self.now = now
        self.told: list[Spent] = []
        self.waits: list[float] = []
        self._killed: list[Ledger] = []
        self.ledger = self._begun()
        Stage.begun.append(self)

    def restart(self) -> None:
        """A new process, after the old one was killed: nothing is closed."""
        self._killed.append(self.ledger)
        self.ledger = self._begun()

    def end(self) -> None:
        """Close all, which what was killed did not."""
        for ledger in (*self._killed, self.ledger):
            ledger.close()
        self._killed.clear()

    def turn(
        self, cost: int = 1, response: str = "r1", session: int = 1, root: int = 0, kind: str = "response"
    ) -> None:
        assert kind in ("response", "transcription")
        self.ledger.book(
            Billed(session, root or session, "openai", MINI, response, kind, Usage(audio_in=cost))  # type: ignore[arg-type]
        )

    def move(self, **by: float) -> None:
        """As a clock on the wall goes."""
        self.now = (self.now.astimezone(ZoneInfo("UTC")) + timedelta(**by)).astimezone(self.now.tzinfo)

    async def live(self, ticks: int) -> None:
        """Let the owner's task wake so often, each time after what it wanted to wait."""
        left = ticks

        async def wait(seconds: float) -> None:
            nonlocal left
            if not left:
                raise asyncio.CancelledError
            left -= 1
            self.waits.append(seconds)
            self.move(seconds=seconds)

        self.ledger._wait = wait
        try:
            await self.ledger.run()
        except asyncio.CancelledError:
            return

    @property
    def last(self) -> tuple[str, int, int, int]:
        """Day, today, month, conversation; amounts as in `turn`."""
        event = self.told[-1]
        amounts = event.today_nano_usd, event.month_nano_usd, event.conversation_nano_usd
        assert all(amount % 10_000 == 0 for amount in amounts)
        today, month, conversation = (amount // 10_000 for amount in amounts)
        return event.day, today, month, conversation

    def _begun(self) -> Ledger:
        ledger = Ledger(self.path, price_list(), self._take, now=lambda: self.now)
        ledger.start()
        return ledger

    def _take(self, event: Event) -> None:
        assert isinstance(event, Spent)
        self.told.append(event)


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    """Closes what a test of the module that imports it leaves open."""
    yield
    while Stage.begun:
        Stage.begun.pop().end()
