from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest

from bench.audio_interruption import Outcome, Round, interruptions, outcome
from bench.audio_stage import SpeakerClock
from speakerd.demo.card import FakeCard


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    """A card that began at second 100 and has played an answer from frame 4800 to 14640, its fade included."""
    card = FakeCard(tmp_path / "card", channels=1)
    sound = np.zeros(30_000, np.int16)
    sound[4_800:14_400] = 9_000
    sound[14_400:14_640] = 9_000 * np.linspace(1, 0, 241)[1:]
    (card.folder / "speaker.raw").write_bytes(sound.tobytes())
    (card.folder / "speaker.log").write_text("100.000000000 START frame=0\n")
    (card.folder / "speaker.position").write_bytes(struct.pack("<3Q", 30_000, 100_000_000_000, 48_000))
    return card


@pytest.mark.parametrize(
    ("counted", "played_ms", "errors"), [(4_920, 205, (0, 0)), (4_921, 205, (1, 0)), (4_800, 200, (-120, -5))]
)
def test_the_count_is_held_against_what_was_heard(
    card: FakeCard, counted: int, played_ms: int, errors: tuple[int, int]
) -> None:
    done = Round(0, 30_000, called_at=100.29, counted=counted, played_ms=played_ms)
    shown = outcome(card, SpeakerClock(card), done)
    assert (shown.error_samples, shown.error_ms) == errors
    assert shown.silent_after_ms == pytest.approx(15.0, abs=0.1)
    assert isinstance(shown, Outcome)


async def test_an_answer_is_interrupted_on_a_card(tmp_path: Path) -> None:
    figures = await interruptions(tmp_path / "card", 2, time.monotonic() + 10)
    assert figures["interruptions"] >= 1
    assert figures["heard_error_samples_max"] == figures["heard_error_ms_max"] == 0
    assert 0 < figures["interrupt_to_silence_ms"]["max"] < 200
    assert figures["block_frames"] == 480
