"""How long sound takes between the room and a WebSocket server, both ways, through the speaker's own session code."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audio_stage import SpeakerClock, Stage, played, stage
from bench.audio_statistics import lag, loud_starts, spread
from speakerd.audio.pcm import SESSION_RATE_HZ
from speakerd.audio.resample import resampled
from speakerd.core.events import SessionOpened
from speakerd.demo.card import FakeCard
from speakerd.realtime.endpoints import endpoint
from speakerd.realtime.session import RealtimeSessions
from speakerd.settings import EndpointSettings

_ANSWER_SECONDS = 0.4
"""From one answer of the server to the next, in the mean."""
_LONGEST_LINE = 1 << 26
_SETTLING_SECONDS = 0.5
"""What was sent first is not counted: it may hold what was captured before the uplink was open."""
_QUIET = 1000
_BURST_SAMPLES = 1200
_END_SECONDS = 10.0


async def latencies(folder: Path, seconds: float) -> dict[str, Any]:
    """Measure for so long on a card of its own."""
    card = FakeCard(folder)
    room = bursts(seconds + 10)
    _fill(card, resampled(room, SESSION_RATE_HZ, card.rate_hz))
    answers = round(seconds / _ANSWER_SECONDS)
    async with _server(answers) as (url, notes):
        await _converse(card, url, seconds)
    noted = await notes
    up = uplink_ms(noted["arrivals"], _pcm(noted), room, card.epoch_ns / 1e9)
    down = _downlink_ms(card, noted["sent_at"])
    return {
        "mic_to_wire_ms": asdict(spread(up)),
        "delta_to_card_ms": asdict(spread(down)),
        "answers_sent": len(noted["sent_at"]),
        "xruns": len(card.faults()),
        "piece_ms": 1000 * float(np.median([samples for _, samples in noted["arrivals"]])) / SESSION_RATE_HZ,
    }


def bursts(seconds: float) -> NDArray[np.int16]:
    """Noise in bursts of 50 ms after pauses of 20 to 100 ms, at 24 kHz, no two stretches alike."""
    chance = np.random.default_rng(5)
    sound = np.zeros(round(seconds * SESSION_RATE_HZ))
    place = 0
    while place + _BURST_SAMPLES < len(sound):
        sound[place : place + _BURST_SAMPLES] = chance.normal(0, 6000, _BURST_SAMPLES)
        place += _BURST_SAMPLES + int(chance.integers(480, 2400))
    return np.clip(sound, -32768, 32767).astype(np.int16)


def uplink_ms(
    arrivals: Sequence[tuple[float, int]], heard: NDArray[np.int16], room: NDArray[np.int16], room_began_at: float
) -> NDArray[np.float64]:
    """For each sample: milliseconds from being heard by the card until the frame that carries it had arrived.

    Which sample is which is told by the sound alone, so that a filter's delay on the way counts.
    """
    first = lag(heard, room)
    times = np.repeat([at for at, _ in arrivals], [samples for _, samples in arrivals])
    spoken = room_began_at + (first + np.arange(len(heard))) / SESSION_RATE_HZ
    delays: NDArray[np.float64] = 1000 * (times - spoken)
    return delays[round(_SETTLING_SECONDS * SESSION_RATE_HZ) :]


async def _converse(card: FakeCard, url: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    def uplink(session: int, pcm: bytes) -> None:
        loop.call_soon_threadsafe(sessions.append_audio, session, pcm)

    async with stage(card, sink=uplink) as on, asyncio.TaskGroup() as tasks:
        sessions = _sessions(on, url)
        tasks.create_task(sessions.run())
        sessions.open(1)
        await on.until(lambda: on.count(SessionOpened) > 0)
        on.plane.capture.open_uplink(1, None)
        await asyncio.sleep(seconds)
        on.plane.capture.close_uplink()
        await sessions.close_all()


def _sessions(on: Stage, url: str) -> RealtimeSessions:
    settings = EndpointSettings(name="custom", url=url)
    return RealtimeSessions((endpoint(settings, Path("/none"), {}),), tuple, on.plane.player, on.post)


@asynccontextmanager
async def _server(answers: int) -> AsyncIterator[tuple[str, asyncio.Future[Any]]]:
    """The server's address, and what it will have noted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.audio_server", "--answers", str(answers)),
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    assert process.stdout is not None
    notes: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    try:
        yield (await process.stdout.readline()).decode().strip(), notes
        async with asyncio.timeout(_END_SECONDS):
            notes.set_result(json.loads(await process.stdout.readline()))
    finally:
        if process.returncode is None and not notes.done():
            process.kill()
        await process.wait()


def _downlink_ms(card: FakeCard, sent_at: Sequence[float]) -> list[float]:
    """Milliseconds from the sending of each answer until its first sample left the loudspeaker."""
    clock = SpeakerClock(card)
    starts = [clock.seconds(frame) for frame in loud_starts(played(card, 0), _QUIET, card.rate_hz // 20)]
    delays = []
    for sent in sent_at:
        after = [start for start in starts if start >= sent]
        if after:
            delays.append(1000 * (after[0] - sent))
    return delays


def _fill(card: FakeCard, mono: NDArray[np.int16]) -> None:
    (card.folder / "mic.raw").write_bytes(np.repeat(mono, card.mic_channels).tobytes())


def _pcm(noted: dict[str, Any]) -> NDArray[np.int16]:
    return np.frombuffer(base64.b64decode(noted["pcm"]), np.int16)
