"""What is left of a thousand sessions, each of them booked: memory, open files and tasks, while nothing goes on."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench.session_stage import WORD, Forgetful, Speaker, conversing, server
from fakes import FakeCapture, FakePlayer
from soak.processes import open_files, rss_mib
from speakerd.core.events import CardFound, PlayoutEnded, WakeWordHeard
from speakerd.core.state import Rules
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list
from speakerd.ports import AudioSink, Capture, Player, Post

_LETTING_GO_SECONDS = 0.5
"""A closed session lingers, and its closing handshake is not waited for."""
_WARM_UP_SESSIONS = 20
_LOOKS = 4
_QUESTION = b"\x10\x27" * 2400
"""100 ms."""


async def growth(folder: Path, sessions: int, deadline: float) -> dict[str, Any]:
    """Have so many conversations of one turn, each in a session of its own; what grew after the first tenth."""
    counted: dict[int, dict[str, float]] = {}
    answers = 0

    def ledger(post: Post) -> Ledger:
        book = Ledger(folder / "ledger.sqlite3", price_list(), post)
        book.start()
        opened.callback(book.close)
        return book

    async with AsyncExitStack() as opened:
        far = await opened.enter_async_context(server())
        runs = await opened.enter_async_context(conversing(Rules(follow_up=False), _pretend, far.url(), ledger))
        runs.daemon.post(CardFound())
        for number in range(1, sessions + 1):
            await _converse(runs, number)
            answers += len(far.of("answer"))
            far.told.clear()
            is_last = number == sessions or time.monotonic() > deadline
            if number in _looks(sessions) or is_last:
                counted[number] = await _counted()
            if is_last:
                break
        answers += len(far.of("answer"))
    first, last = counted[min(counted)], counted[max(counted)]
    return {
        "sessions": max(counted),
        "answers": answers,
        "counted_from": min(counted),
        **{f"{name}_growth": last[name] - first[name] for name in ("fds", "tasks")},
        "rss_growth_mib": last["rss_mib"] - first["rss_mib"],
        "counted": {str(at): figures for at, figures in counted.items()},
    }


def _looks(sessions: int) -> range:
    """After which sessions it is counted: once they are warm, and then some more times."""
    first = max(_WARM_UP_SESSIONS, sessions // 10)
    return range(first, sessions + 1, max(1, (sessions - first) // _LOOKS))


async def _converse(runs: Speaker, number: int) -> None:
    runs.daemon.post(WakeWordHeard(WORD, 1.0, 16_000 * number))
    await runs.until(lambda: not runs.is_idle)
    await runs.until(lambda: runs.is_idle)


async def _counted() -> dict[str, float]:
    await asyncio.sleep(_LETTING_GO_SECONDS)
    gc.collect()
    pid = os.getpid()
    return {"rss_mib": rss_mib(pid), "fds": open_files(pid), "tasks": len(asyncio.all_tasks())}


class _Capture(FakeCapture):
    """Has always heard the same question."""

    def __init__(self, sink: AudioSink) -> None:
        super().__init__(Forgetful())
        self._sink = sink

    def open_uplink(self, session: int, since_sample: int | None) -> None:
        self._sink(session, _QUESTION)


class _Player(FakePlayer):
    """Has played everything at once."""

    def __init__(self, post: Post) -> None:
        super().__init__(Forgetful())
        self._post = post

    def play(self, item_id: str, pcm: bytes) -> None:
        """Nothing is kept of it."""

    def finish(self, item_id: str) -> None:
        self._post(PlayoutEnded(item_id, 100, cut_short=False))


def _pretend(post: Post, sink: AudioSink) -> tuple[Capture, Player]:
    return _Capture(sink), _Player(post)
