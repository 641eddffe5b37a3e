"""The real offline assistant in a process of its own, and a user's voice to talk to it."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from speakerd.audio.resample import Resampler
from speakerd.demo.user_voice import synthesise

FRAME_BYTES = 4800
"""100 ms at 24 kHz: what a client usually sends at once."""

TIME_TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_time",
    "description": "Tells the time.",
    "parameters": {"type": "object", "properties": {}, "x-phrases": ["what time is it"]},
}


@functools.cache
def spoken(text: str) -> bytes:
    """Somebody saying this, and a second and a half of silence: mono 16-bit PCM at 24 kHz."""
    speech, rate_hz = synthesise(text)
    resampler = Resampler(rate_hz, 24_000)
    loud = np.concatenate([resampler.process(speech), resampler.drain()])
    return bytes(24_000) + loud.tobytes() + bytes(72_000)


def frames(pcm: bytes) -> list[bytes]:
    """The audio as a client sends it."""
    return [pcm[start : start + FRAME_BYTES] for start in range(0, len(pcm), FRAME_BYTES)]


@asynccontextmanager
async def offline_assistant() -> AsyncIterator[str]:
    """The URL of `python -m speakerd.offline`, which lives as long as the context."""
    pipe = asyncio.subprocess.PIPE
    arguments = ["-m", "speakerd.offline", "--port=0", "--silence-ms=700"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            yield json.loads(await process.stdout.readline())["ready"]
    finally:
        # The end of its input is the end of its parent.
        process.stdin.close()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
