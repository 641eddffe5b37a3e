"""Two cards with crystals of their own: what is handed out beside captured samples is what was played at their time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.pairing import LEAD_MS, Pairing

RATE_HZ = 16_000
BLOCK = RATE_HZ // 100
PERIOD = 60_000
"""Samples say their position, so that what is handed out says from where it comes."""
START_SECONDS = 100.0


def place_marks(start: int, count: int) -> NDArray[np.int16]:
    return ((np.arange(start, start + count) % PERIOD) - 30_000).astype(np.int16)


class TwoCards:
    """A loudspeaker and a microphone, each with its clock; times are told with a jitter of up to 1 ms."""

    def __init__(self, near_ppm: float = 0.0, far_ppm: float = 0.0, *, far_block: int = BLOCK, seed: int = 1) -> None:
        self.near_hz = RATE_HZ * (1 + near_ppm / 1e6)
        self.far_hz = RATE_HZ * (1 + far_ppm / 1e6)
        self.far_block = far_block
        self.pairing = Pairing(RATE_HZ)
        self.random = np.random.default_rng(seed)
        self.played = self.captured = 0
        self.far_lost_seconds = self.near_lost_seconds = 0.0
        self.tells_far_lost = self.tells_near_lost = False

    def far_seconds(self, position: float) -> float:
        return START_SECONDS + self.far_lost_seconds + position / self.far_hz

    def near_seconds(self) -> float:
        return START_SECONDS + self.near_lost_seconds + self.captured / self.near_hz

    def play_until(self, seconds: float) -> None:
        """The card is given all that will have been heard by then."""
        while self.far_seconds(self.played) < seconds:
            told = self.far_seconds(self.played) + self.random.uniform(-0.001, 0.001)
            marks = place_marks(self.played, self.far_block)
            self.pairing.played(marks, told, was_lost=self.tells_far_lost)
            self.tells_far_lost = False
            self.played += self.far_block

    def capture(self) -> tuple[NDArray[np.int16], bool]:
        told = self.near_seconds() + self.random.uniform(-0.001, 0.001)
        found = self.pairing.far_for(BLOCK, told, was_lost=self.tells_near_lost)
        self.tells_near_lost = False
        self.captured += BLOCK
        return found

    def blocks(self, seconds: float, ahead_seconds: float = 0.05) -> Iterator[tuple[int, float, bool]]:
        """Of each captured block: the position handed out (-1: silence), the wanted one, whether it was told anew."""
        for _ in range(round(seconds * 100)):
            self.play_until(self.near_seconds() + ahead_seconds)
            wanted = (self.near_seconds() + LEAD_MS / 1000 - self.far_seconds(0)) * self.far_hz
            far, is_anew = self.capture()
            marks = np.trim_zeros(far, "b").astype(np.int64) + 30_000
            assert np.all(np.isin(np.diff(marks), (1, 1 - PERIOD))), "a block has no gap in itself"
            first = marks[0] + round((wanted - marks[0]) / PERIOD) * PERIOD if len(marks) else -1
            yield first, wanted, is_anew


@pytest.mark.parametrize(("near_ppm", "far_ppm"), [(-60, 60), (200, 0), (0, -200)])
@pytest.mark.parametrize("far_block", [BLOCK, 2 * BLOCK, 147])
def test_the_far_end_is_that_of_the_wanted_time(near_ppm: float, far_ppm: float, far_block: int) -> None:
    cards = TwoCards(near_ppm, far_ppm, far_block=far_block)
    told = list(cards.blocks(30))
    off = np.array([abs(position - wanted) for position, wanted, _ in told])
    assert off.max() <= 2 * RATE_HZ / 1000, "never further off than both times were told wrong"
    assert off[300:].max() <= 0.35 * RATE_HZ / 1000
    assert off[2000:].max() <= 3
    assert not any(is_anew for _, _, is_anew in told)
    steps = np.diff([position for position, _, _ in told]) - BLOCK
    assert set(steps.tolist()) <= {-1, 0, 1}, "only ever one sample is left out or doubled"


def test_slips_are_as_rare_as_the_drift() -> None:
    cards = TwoCards(near_ppm=-50, far_ppm=50)
    positions = [position for position, _, _ in cards.blocks(60)]
    slips = np.diff(positions[2000:]) - BLOCK
    assert slips.sum() == pytest.approx(100e-6 * 40 * RATE_HZ, abs=5)
    assert np.count_nonzero(slips) <= 100, "64 were enough"


@pytest.mark.parametrize("lost_seconds", [0.02, 0.04, 0.2, -0.2])
@pytest.mark.parametrize("which", ["near", "far"])
def test_what_does_not_follow_is_told_once_and_right_again_at_once(which: str, lost_seconds: float) -> None:
    cards = TwoCards()
    list(cards.blocks(5))
    if which == "near":
        cards.near_lost_seconds += lost_seconds
        cards.tells_near_lost = True
    else:
        cards.far_lost_seconds += lost_seconds
        cards.tells_far_lost = True
    told = list(cards.blocks(3))
    assert sum(is_anew for _, _, is_anew in told) == 1
    # Until the card plays again, what it was given before is handed out, or silence.
    settled = told[25:]
    assert max(abs(position - wanted) for position, wanted, _ in settled) <= 2 * RATE_HZ / 1000
    assert not any(is_anew for _, _, is_anew in settled)


@pytest.mark.parametrize("which", ["near", "far"])
def test_a_jump_of_the_times_alone_is_told(which: str) -> None:
    """Nothing was said to be lost: the machine slept, or the driver hides an xrun."""
    cards = TwoCards()
    list(cards.blocks(5))
    if which == "near":
        cards.near_lost_seconds += 0.3
    else:
        cards.far_lost_seconds += 0.3
    assert sum(is_anew for _, _, is_anew in cards.blocks(3)) == 1


def test_beside_nothing_played_there_is_silence() -> None:
    pairing = Pairing(RATE_HZ)
    for number in range(200):
        far, is_anew = pairing.far_for(BLOCK, number / 100)
        assert (far.tolist(), is_anew) == ([0] * BLOCK, False)


def test_before_the_first_sound_and_behind_the_last_there_is_silence() -> None:
    cards = TwoCards()
    cards.pairing.played(np.full(800, 7, np.int16), START_SECONDS + 0.1)  # heard from 0.1 to 0.15 s
    heard = np.concatenate([cards.capture()[0] for _ in range(40)])
    places = np.flatnonzero(heard)
    assert len(places) == 800
    assert places[0] == pytest.approx((0.1 - LEAD_MS / 1000) * RATE_HZ, abs=32)


def test_what_is_older_than_the_ring_is_silence() -> None:
    cards = TwoCards()
    cards.play_until(START_SECONDS + 3)
    far, _ = cards.capture()
    assert not far.any()


@settings(max_examples=40, deadline=None)
@given(ahead_ms=st.lists(st.integers(12, 400), min_size=1, max_size=80), seed=st.integers(0, 9))
def test_the_order_in_which_both_arrive_never_matters(ahead_ms: list[int], seed: int) -> None:
    """However early the loudspeaker takes its blocks, as long as it is before they are heard."""
    cards = TwoCards(seed=seed)
    for ms in ahead_ms:
        for position, wanted, is_anew in cards.blocks(0.01, ahead_seconds=ms / 1000):
            assert abs(position - wanted) <= 2 * RATE_HZ / 1000
            assert not is_anew


@settings(max_examples=40, deadline=None)
@given(late_blocks=st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_blocks_of_the_loudspeaker_that_come_late_leave_silence_and_no_jump(late_blocks: list[int]) -> None:
    """The thread of the loudspeaker waits for the processor: its block is there only after the capture wanted it."""
    cards = TwoCards()
    for late in late_blocks:
        for _ in range(late):
            _, is_anew = cards.capture()
            assert not is_anew
        for position, wanted, is_anew in cards.blocks(0.01):
            assert abs(position - wanted) <= 2 * RATE_HZ / 1000
            assert not is_anew
