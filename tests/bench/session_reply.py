"""What we add to the server's own time between the end of a question and the first sound of its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audio_stage import SpeakerClock, played
from bench.audio_statistics import loud_starts, spread
from bench.session_stage import Server, Speaker, server, with_card
from speakerd.core.state import Rules
from speakerd.demo.card import FakeCard

_QUESTION_SECONDS = 0.4
_PAUSE_SECONDS = 0.2
"""After an answer the microphone must be open again, so that the beginning of a question is heard."""
_PATIENCE_SECONDS = 5.0
_ROOM_SECONDS = 6.0
"""Of room noise for each question; the speaker's start needs as much."""
_QUIET = 1000
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer; all times are seconds of CLOCK_MONOTONIC."""

    asked_at: float
    """When its last sample was in the room."""
    heard_at: float
    """When the server had it."""
    sent_at: float
    """When the server sent the first sound of the answer."""


async def replies(folder: Path, questions: int, deadline: float) -> dict[str, Any]:
    """Ask so many questions in one conversation, in half duplex, as most speakers are; fewer after the deadline."""
    card = FakeCard(folder)
    card.fill_room_noise(_ROOM_SECONDS * (questions + 2), -60.0, 3)
    question = _loud_noise(card.rate_hz)
    answered: list[Answered] = []
    asked = 0
    async with server("--patient") as far, with_card(card, Rules(listening_seconds=30.0), far.url()) as (runs, ears):
        ears.wake()
        await runs.until(lambda: runs.is_listening)
        while asked < questions and (not asked or time.monotonic() < deadline):
            await asyncio.sleep(_PAUSE_SECONDS)
            asked += 1
            if (answer := await _ask(card, question, far, runs)) is not None:
                answered.append(answer)
    return _figures(card, answered) | {"questions": asked, "xruns": len(card.faults())}


async def _ask(card: FakeCard, question: NDArray[np.int16], far: Server, runs: Speaker) -> Answered | None:
    """Ask and be answered, to the end; None where the answer did not come in time."""
    count = len(far.of("answer"))
    end = card.say(question, card.rate_hz) + len(question)
    patient_until = time.monotonic() + _PATIENCE_SECONDS
    while len(far.of("answer")) == count or runs.is_listening:
        if time.monotonic() > patient_until:
            return None
        await asyncio.sleep(_LOOK_SECONDS)
    await runs.until(lambda: runs.is_listening)
    answer = far.of("answer")[count]
    return Answered(card.epoch_ns / 1e9 + end / card.rate_hz, answer["heard_at"], answer["at"])


def _loud_noise(rate_hz: int) -> NDArray[np.int16]:
    """Its last samples are as loud as all others."""
    signs = np.random.default_rng(7).choice((-1, 1), round(_QUESTION_SECONDS * rate_hz))
    return (6000 * signs).astype(np.int16)


def _figures(card: FakeCard, answered: Sequence[Answered]) -> dict[str, Any]:
    clock = SpeakerClock(card)
    starts = [clock.seconds(frame) for frame in loud_starts(played(card, 0), _QUIET, card.rate_hz // 20)]
    up = [1000 * (one.heard_at - one.asked_at) for one in answered]
    down = [1000 * (min(start for start in starts if start >= one.sent_at) - one.sent_at) for one in answered]
    return {
        "question_to_server_ms": asdict(spread(up)),
        "first_audio_overhead_ms": asdict(spread(down)),
        "both_ways_ms": asdict(spread([one + other for one, other in zip(up, down, strict=True)])),
    }
