"""How soon an answer is silent after `player.stop()`, and whether what was heard of it is counted exactly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.audio_stage import SpeakerClock, Stage, never_silent, played, stage
from bench.audio_statistics import loud_span, spread
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, ms_of
from speakerd.core.events import PlayoutEnded
from speakerd.demo.card import FakeCard

_ANSWER_SECONDS = 1.5
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.08, 0.4
_AFTER_SECONDS = 0.08
_QUIET = 16
"""Below this a sample of the answer can only be the end of its fade."""
_MOST_DISTURBED = 3
"""Rounds for each that is wanted."""


@dataclass(frozen=True, slots=True)
class Round:
    """One interruption."""

    first_frame: int
    """Of speaker.raw, before the answer began."""
    end_frame: int
    """Of speaker.raw, well after it ended."""
    called_at: float
    """Monotonic second of the call."""
    counted: int
    """Samples at 24 kHz that were counted as heard."""
    played_ms: int
    """As PlayoutEnded told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a round, by the card's own files."""

    silent_after_ms: float
    error_samples: int
    error_ms: int


async def interruptions(folder: Path, times: int, deadline: float) -> dict[str, Any]:
    """Interrupt at random moments; rounds with an xrun are repeated. Begins no round after the deadline."""
    card = FakeCard(folder)
    chance = np.random.default_rng(7)
    rounds: list[Round] = []
    disturbed = 0
    async with stage(card) as on:
        counts = _counts(on)
        pcm = bytes_of(never_silent(_ANSWER_SECONDS, 1))
        while len(rounds) < times and disturbed < _MOST_DISTURBED * times and time.monotonic() < deadline:
            faults = len(card.faults())
            wait_seconds = chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
            done = await _round(on, card, f"answer {len(rounds) + disturbed}", pcm, wait_seconds, counts)
            if len(card.faults()) == faults:
                rounds.append(done)
            else:
                disturbed += 1
    outcomes = [outcome(card, SpeakerClock(card), done) for done in rounds]
    return {
        "interrupt_to_silence_ms": asdict(spread([one.silent_after_ms for one in outcomes])),
        "heard_error_samples_max": max((abs(one.error_samples) for one in outcomes), default=None),
        "heard_error_ms_max": max((abs(one.error_ms) for one in outcomes), default=None),
        "interruptions": len(outcomes),
        "repeated_for_xruns": disturbed,
        "block_frames": _block_frames(card),
    }


async def _round(
    on: Stage, card: FakeCard, item: str, pcm: bytes, wait_seconds: float, counted: Callable[[], int]
) -> Round:
    first_frame = card.speaker_frames()
    on.plane.player.play(item, pcm)
    await on.until(lambda: loud_span(played(card, first_frame), _QUIET) is not None)
    await asyncio.sleep(wait_seconds)
    ended = on.count(PlayoutEnded)
    called_at = time.monotonic()
    on.plane.player.stop()
    await on.until(lambda: on.count(PlayoutEnded) > ended)
    await asyncio.sleep(_AFTER_SECONDS)
    event = on.events[-1][1]
    assert isinstance(event, PlayoutEnded)
    return Round(first_frame, card.speaker_frames(), called_at, counted(), event.played_ms)


def outcome(card: FakeCard, clock: SpeakerClock, done: Round) -> Outcome:
    """What a round has shown."""
    span = loud_span(played(card, done.first_frame, done.end_frame), _QUIET)
    assert span is not None, "the answer was heard before it was interrupted"
    first, end = (done.first_frame + place for place in span)
    # A fade ends in a sample of nothing, which was handed out as well.
    heard = (end + 1 - first) * SESSION_RATE_HZ // card.rate_hz
    return Outcome(
        silent_after_ms=1000 * (clock.seconds(end) - done.called_at),
        error_samples=done.counted - heard,
        error_ms=done.played_ms - ms_of(heard, SESSION_RATE_HZ),
    )


def _counts(on: Stage) -> Callable[[], int]:
    """The count of samples that came last from the card's process: the event tells only milliseconds of it."""
    counted = [0]
    player = on.plane.player
    take = player.item_over

    def observe(number: int, handed: int, heard_in_seconds: float) -> None:
        counted[0] = handed
        take(number, handed, heard_in_seconds)

    setattr(player, "item_over", observe)  # noqa: B010 - it is a method for mypy
    return lambda: counted[0]


def _block_frames(card: FakeCard) -> int:
    line = next(line for line in reversed(card.log("speaker")) if " PREPARE " in line)
    return int(line.partition("period=")[2].split()[0])
