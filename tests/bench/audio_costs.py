"""What the audio plane costs, beside other audio loops at the same time; without a wake word and without a network.

Ours is the process of the plane (here: of the bench, which does nothing else meanwhile) and the sound card's process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.audio_stage import Stage, never_silent, played, stage
from bench.audio_statistics import loud_span
from soak.processes import cpu_seconds, rss_mib
from speakerd.audio.pcm import bytes_of
from speakerd.demo.card import FakeCard

_SETTLING_SECONDS = 0.5
_PIECE_BYTES = 4_800
_AGENTS, _ECHO = "agents_demo_loop", "bare_pyaudio_echo"


class _Other:
    """Another audio loop, running."""

    def __init__(self, process: asyncio.subprocess.Process, card: FakeCard) -> None:
        self._process = process
        self.card = card
        self.pid = process.pid

    def speak(self) -> None:
        """Let it play an answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"speak\n")


async def costs(folder: Path, seconds: float) -> dict[str, Any]:
    """CPU share of each loop in three situations of so many seconds, and memory."""
    before_mib = rss_mib(os.getpid())
    async with AsyncExitStack() as opened:
        # At 24 kHz the demo's loop need not resample; its card is the one that suits it best.
        cards = {
            _AGENTS: FakeCard(folder / "agents", rate_hz=24_000, channels=1),
            _ECHO: FakeCard(folder / "echo"),
        }
        others = {name: await opened.enter_async_context(_other(name, card)) for name, card in cards.items()}
        card = FakeCard(folder / "ours")
        for each in (card, *cards.values()):
            each.fill_room_noise(3 * (seconds + _SETTLING_SECONDS) + 5, -50.0, 3)
        on = await opened.enter_async_context(stage(card))
        shares = await _situations(on, others, seconds)
        child = on.plane.child_pid
        assert child is not None
        memory = {
            "child": rss_mib(child),
            "plane_in_parent": rss_mib(os.getpid()) - before_mib,
            **{name: rss_mib(other.pid) for name, other in others.items()},
        }
        xruns = {"speakerd": len(card.faults()), **{name: len(other.card.faults()) for name, other in others.items()}}
    if loud_span(played(cards[_AGENTS], 0), 1000) is None:
        raise ChildProcessError("the demo's loop was not heard")
    return {"shares": shares, "rss_mib": memory, "seconds_each": seconds, "xruns_of": xruns}


async def _situations(on: Stage, others: Mapping[str, _Other], seconds: float) -> dict[str, dict[str, float]]:
    shares = {"quiet": await _shares(on, others, seconds)}
    on.plane.capture.open_uplink(1, None)
    shares["uplink"] = await _shares(on, others, seconds)
    _speak(on, others, seconds)
    shares["speaking"] = await _shares(on, others, seconds)
    on.plane.player.stop()
    on.plane.capture.close_uplink()
    return shares


def _speak(on: Stage, others: Mapping[str, _Other], seconds: float) -> None:
    pcm = bytes_of(never_silent(seconds + 2 * _SETTLING_SECONDS, 4))
    for start in range(0, len(pcm), _PIECE_BYTES):
        on.plane.player.play("answer", pcm[start : start + _PIECE_BYTES])
    others[_AGENTS].speak()


async def _shares(on: Stage, others: Mapping[str, _Other], seconds: float) -> dict[str, float]:
    """CPU time per second of sound."""
    await asyncio.sleep(_SETTLING_SECONDS)
    child = on.plane.child_pid
    assert child is not None
    pids = {"parent": os.getpid(), "child": child, **{name: other.pid for name, other in others.items()}}
    began_at, before = time.monotonic(), {name: cpu_seconds(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    passed = time.monotonic() - began_at
    shares = {name: (cpu_seconds(pid) - before[name]) / passed for name, pid in pids.items()}
    return {"speakerd": shares["parent"] + shares["child"], **shares}


@asynccontextmanager
async def _other(name: str, card: FakeCard) -> AsyncIterator[_Other]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.audio_others", "agents" if name == _AGENTS else "echo"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **card.environment},
    )
    assert process.stdout is not None
    if await process.stdout.readline() != b"ready\n":
        raise ChildProcessError(f"the loop {name} did not start")
    try:
        yield _Other(process, card)
    finally:
        process.kill()
        await process.wait()
