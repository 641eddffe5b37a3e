from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from bench.audio_stage import SpeakerClock, never_silent, played
from speakerd.audio.resample import resampled
from speakerd.demo.card import FakeCard


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    """A card that has played twice: 48000 frames, a pause, and on."""
    card = FakeCard(tmp_path / "card", ppm=1000)
    log = "5.000100000 OPEN\n5.000200000 START frame=0\n6.000000000 STOP hw=48000\n9.500300000 START frame=48000\n"
    (card.folder / "speaker.log").write_text(log)
    (card.folder / "speaker.position").write_bytes(struct.pack("<3Q", 60_000, 9_500_000_000, 48_000))
    frames = np.arange(60_000, dtype=np.int16)
    (card.folder / "speaker.raw").write_bytes(np.stack((frames, -frames), axis=1).tobytes())
    return card


@pytest.mark.parametrize(
    ("frame", "seconds"), [(0, 5.0002), (24_000, 5.0002 + 0.5 / 1.001), (48_000, 9.5), (52_800, 9.5 + 0.1 / 1.001)]
)
def test_a_frame_sounds_when_its_run_says(card: FakeCard, frame: int, seconds: float) -> None:
    assert SpeakerClock(card).seconds(frame) == pytest.approx(seconds, abs=1e-9)


def test_a_part_of_what_was_played_is_read(card: FakeCard) -> None:
    assert played(card, 100, 103).tolist() == [100, 101, 102]
    assert len(played(card, 59_000)) == 1_000


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
def test_the_sound_for_measuring_is_never_near_zero(rate_hz: int) -> None:
    assert resampled(never_silent(0.5, 1), 24_000, rate_hz).min() > 1000
