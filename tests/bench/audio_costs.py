"""What the audio plane costs, beside other audio loops in the same run; without a wake word and without a network.

Ours is the process of the plane (here: of the bench, which does nothing else meanwhile) and the sound card's process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.audio_stage import Stage, never_silent, played, stage
from bench.audio_statistics import loud_span
from soak.processes import cpu_seconds, rss_mib
from speakerd.audio.pcm import bytes_of
from speakerd.demo.card import FakeCard
from speakerd.ports import Post

_SETTLING_SECONDS = 0.5
_PIECE_BYTES = 4_800
_AGENTS, _ECHO = "agents_demo_loop", "bare_pyaudio_echo"
_SITUATIONS = ("quiet", "uplink", "speaking")


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
    """CPU share of each loop in three situations of so many seconds, one loop after the other, and memory."""
    shares: dict[str, dict[str, float]] = {situation: {} for situation in _SITUATIONS}
    memory: dict[str, float] = {}
    xruns: dict[str, int] = {}
    before_mib, card = rss_mib(os.getpid()), _card(folder / "ours", seconds)
    async with stage(card, make_ears=_no_ears) as on:
        child = on.plane.child_pid
        assert child is not None
        for situation in _SITUATIONS:
            _begin(on, situation, seconds)
            of = await _shares({"parent": os.getpid(), "child": child}, seconds)
            shares[situation] |= {"speakerd": of["parent"] + of["child"], **of}
        memory |= {"child": rss_mib(child), "plane_in_parent": rss_mib(os.getpid()) - before_mib}
    xruns["speakerd"] = len(card.faults())
    for name in (_AGENTS, _ECHO):
        # At 24 kHz the demo's loop need not resample; its card is the one that suits it best.
        rate_hz, channels = (24_000, 1) if name == _AGENTS else (48_000, 2)
        card = _card(folder / name, seconds, rate_hz, channels)
        async with _other(name, card) as other:
            for situation in _SITUATIONS:
                if name == _AGENTS and situation == "speaking":
                    other.speak()
                shares[situation] |= await _shares({name: other.pid}, seconds)
            memory[name] = rss_mib(other.pid)
        xruns[name] = len(card.faults())
        if name == _AGENTS and loud_span(played(card, 0), 1000) is None:
            raise ChildProcessError("the demo's loop was not heard")
    return {"shares": shares, "rss_mib": memory, "seconds_each": seconds, "xruns_of": xruns}


def _no_ears(_: Post) -> None:
    """Nobody listens for a wake word."""


def _card(folder: Path, seconds: float, rate_hz: int = 48_000, channels: int = 2) -> FakeCard:
    card = FakeCard(folder, rate_hz=rate_hz, channels=channels)
    card.fill_room_noise(len(_SITUATIONS) * (seconds + _SETTLING_SECONDS) + 5, -50.0, 3)
    return card


def _begin(on: Stage, situation: str, seconds: float) -> None:
    if situation == "uplink":
        on.plane.capture.open_uplink(1, None)
    if situation == "speaking":
        pcm = bytes_of(never_silent(seconds + 2 * _SETTLING_SECONDS, 4))
        for start in range(0, len(pcm), _PIECE_BYTES):
            on.plane.player.play("answer", pcm[start : start + _PIECE_BYTES])


async def _shares(pids: Mapping[str, int], seconds: float) -> dict[str, float]:
    """CPU time per second of sound."""
    await asyncio.sleep(_SETTLING_SECONDS)
    began_at, before = time.monotonic(), {name: cpu_seconds(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    passed = time.monotonic() - began_at
    return {name: (cpu_seconds(pid) - before[name]) / passed for name, pid in pids.items()}


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
