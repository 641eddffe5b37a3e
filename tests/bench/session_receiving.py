"""What it costs to receive an hour of answers: from the socket to the player, as deltas of 100 to 200 ms in base64."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from bench.session_stage import Forgetful, server, sessions_at
from fakes import FakePlayer
from soak.processes import cpu_seconds
from speakerd.audio.pcm import SESSION_RATE_HZ
from speakerd.core.events import AnswerStarted, Event, ResponseEnded

_HOUR_SECONDS = 3600.0
_LONGEST_WAIT_SECONDS = 600.0


async def receiving(seconds: float) -> dict[str, Any]:
    """Receive so much sound as fast as it comes; its processor time, as a share of the time in which it is played."""
    player = _Sink()
    started, ended = asyncio.Event(), asyncio.Event()
    at: dict[str, float] = {}

    def post(event: Event) -> None:
        if isinstance(event, AnswerStarted):
            at["cpu"], at["time"] = cpu_seconds(os.getpid()), time.monotonic()
            started.set()
        elif isinstance(event, ResponseEnded):
            ended.set()

    async with server("--flood-ms", str(round(1000 * seconds))) as far, asyncio.TaskGroup() as tasks:
        sessions = sessions_at(far.url(), player, post)
        tasks.create_task(sessions.run())
        sessions.open(1)
        async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
            await ended.wait()
        cpu, passed = cpu_seconds(os.getpid()) - at["cpu"], time.monotonic() - at["time"]
        await sessions.close_all()
    heard_seconds = player.received_bytes / (2 * SESSION_RATE_HZ)
    return {
        "receive_cpu_share": cpu / heard_seconds,
        "cpu_seconds_per_hour": cpu / heard_seconds * _HOUR_SECONDS,
        "seconds_received": heard_seconds,
        "pieces": player.pieces,
        "times_real_time": heard_seconds / passed,
    }


class _Sink(FakePlayer):
    """Counts what it is given."""

    def __init__(self) -> None:
        super().__init__(Forgetful())
        self.received_bytes = self.pieces = 0

    def play(self, item_id: str, pcm: bytes) -> None:
        self.received_bytes += len(pcm)
        self.pieces += 1

    def finish(self, item_id: str) -> None:
        """It was counted already."""
