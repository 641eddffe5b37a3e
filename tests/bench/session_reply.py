"""What we add to the server's own time between the end of a question and the first sound of its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.audio_stage import SpeakerClock, played
from bench.audio_statistics import loud_starts, spread
from bench.session_stage import server, with_card
from speakerd.audio.pcm import bytes_of
from speakerd.core.state import Rules
from speakerd.demo.card import FakeCard

_FIRST_SECONDS = 5.0
"""Before the first question; what is asked before the card is found and the wake word heard has no answer."""
_QUESTION_SECONDS, _TURN_SECONDS = 0.4, 1.5
"""From one question to the next there are its silence, the answer and the reverberation after it."""
_LAST_SECONDS = 2.0
_QUIET = 1000


async def replies(folder: Path, questions: int) -> dict[str, Any]:
    """Ask so many questions in one conversation, in half duplex, as most speakers are."""
    card = FakeCard(folder)
    ends = _ask(card, questions)
    async with server("--patient") as far, with_card(card, Rules(listening_seconds=30.0), far.url) as (runs, ears):
        ears.wake()
        asked_at = [card.epoch_ns / 1e9 + end for end in ends]
        await asyncio.sleep(asked_at[-1] + _LAST_SECONDS - time.monotonic())
        assert runs.is_listening, "the conversation has ended too early"
        answers = far.of("answer")
    return _figures(card, asked_at, answers)


def _ask(card: FakeCard, questions: int) -> list[float]:
    """Fill the room with noise that is loud while somebody asks; the seconds at which questions end."""
    chance = np.random.default_rng(7)
    starts = [_FIRST_SECONDS + number * _TURN_SECONDS + chance.uniform(0, 0.1) for number in range(questions)]
    sound = chance.normal(0, 30, round((_FIRST_SECONDS + (questions + 8) * _TURN_SECONDS) * card.rate_hz))
    length = round(_QUESTION_SECONDS * card.rate_hz)
    places = [round(start * card.rate_hz) for start in starts]
    for place in places:
        # Its last samples are sure to be loud ones.
        sound[place : place + length] = 6000 * chance.choice((-1.0, 1.0), length)
    samples = np.clip(sound, -32768, 32767).astype(np.int16)
    (card.folder / "mic.raw").write_bytes(bytes_of(np.repeat(samples, card.mic_channels)))
    return [(place + length) / card.rate_hz for place in places]


def _figures(card: FakeCard, asked_at: Sequence[float], answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    clock = SpeakerClock(card)
    starts = [clock.seconds(frame) for frame in loud_starts(played(card, 0), _QUIET, card.rate_hz // 20)]
    up = [1000 * (answer["heard_at"] - max(at for at in asked_at if at <= answer["heard_at"])) for answer in answers]
    down = [1000 * (min(start for start in starts if start >= answer["at"]) - answer["at"]) for answer in answers]
    return {
        "question_to_server_ms": asdict(spread(up)),
        "first_audio_overhead_ms": asdict(spread(down)),
        "both_ways_ms": asdict(spread([one + other for one, other in zip(up, down, strict=True)])),
        "questions": len(asked_at),
        "xruns": len(card.faults()),
    }
