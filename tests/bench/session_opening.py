"""How long the user waits for a session, and how soon the server has his first words, over networks of some speeds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.audio_statistics import spread
from bench.session_stage import Server, Speaker, WakingEars, server, with_clock
from bench.session_tls import can_certify, certify
from speakerd.core.events import EndAsked
from speakerd.core.state import Rules

ROUND_TRIPS_MS = (0, 100, 300)
WARM, TLS = "_warm", "_tls"
WAYS = ("", WARM, TLS)
"""A new session each time, one that was kept ready, and a new one over TLS, as in the cloud."""
_SETTLING_SECONDS = 0.3
"""From one conversation to the next: the ring has the whole pre-roll, and the old connection is closed."""
_WARM_SECONDS = 600.0
_MANY = 10
_LOOK_SECONDS = 0.005


async def openings(folder: Path, times: int, deadline: float) -> dict[str, Any]:
    """Wake so many times at each distance and in each way.

    A few times are measured at all distances at once, many one after the other, so that nothing disturbs them.
    """
    ways = WAYS if can_certify() else WAYS[:-1]
    crew = asyncio.Semaphore(len(ways) * len(ROUND_TRIPS_MS) if times < _MANY else 1)

    async def one(far: Server, number: int, way: str) -> dict[str, Any]:
        async with crew:
            return await _at(far, number, way, times, deadline)

    tls = []
    if can_certify():
        certify(folder)
        tls = ["--tls", str(folder)]
    figures: dict[str, Any] = {}
    async with server("--round-trips-ms", *map(str, ROUND_TRIPS_MS), *tls) as far:
        kinds = [(number, way) for number in range(len(ROUND_TRIPS_MS)) for way in ways]
        for measured in await asyncio.gather(*(one(far, *kind) for kind in kinds)):
            for key, of in measured.items():
                figures.setdefault(key, {}).update(of)
    return figures


async def _at(far: Server, number: int, way: str, times: int, deadline: float) -> dict[str, Any]:
    distance = str(ROUND_TRIPS_MS[number])
    client = distance + way
    rules = Rules(warm_seconds=_WARM_SECONDS if way == WARM else 0.0)
    url = far.url(number, client)
    if way == TLS:
        url = far.url(len(ROUND_TRIPS_MS) + number, client, "wss")
    async with with_clock(rules, url) as (runs, ears):
        await _wake(runs, ears, far, client)  # not counted: with it the first session is kept ready
        waits: list[tuple[float, float]] = []
        while len(waits) < times and (not waits or time.monotonic() < deadline):
            waits.append(await _wake(runs, ears, far, client))
    return {
        f"wake_to_ready_ms{way}": {distance: asdict(spread([ready for ready, _ in waits]))},
        f"wake_to_preroll_ms{way}": {distance: asdict(spread([preroll for _, preroll in waits]))},
    }


async def _wake(runs: Speaker, ears: WakingEars, far: Server, client: str) -> tuple[float, float]:
    """Milliseconds from the wake word until the user is listened to, and until the server has his first words."""
    await asyncio.sleep(_SETTLING_SECONDS)
    await runs.until(lambda: runs.daemon.state.spare is None or runs.daemon.state.spare.is_ready)
    told = len(far.of("audio", client))
    ears.wake()
    async with asyncio.timeout(20):
        while len(far.of("audio", client)) == told:  # noqa: ASYNC110 - the server is another process
            await asyncio.sleep(_LOOK_SECONDS)
    waits = 1000 * (runs.listening_at - ears.woken_at), 1000 * (far.of("audio", client)[-1]["at"] - ears.woken_at)
    runs.daemon.post(EndAsked())
    await runs.until(lambda: runs.is_idle)
    return waits
