"""One stream out of two: whichever is taken when, no sample is left out and none comes twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.pcm import clip_int16
from speakerd.audio.splice import Splice

SECONDS = 3
FRAME = 160


def tones(rate_hz: int, hz: tuple[float, ...] = (310, 1_730, 6_100)) -> NDArray[np.int16]:
    """Three tones below 7 kHz: the same sound at any rate."""
    seconds = np.arange(SECONDS * rate_hz) / rate_hz
    wave = np.sum([4_000 * np.sin(2 * np.pi * one * seconds + one) for one in hz], axis=0)
    return clip_int16(wave)


PLAIN, CLEAN = tones(24_000), tones(16_000)
MARKS = (np.arange(SECONDS * 24_000) % 60_000 - 30_000).astype(np.int16)


class TwoWays:
    """The same sound comes at both rates; clean in whole frames of 10 ms, and later, as from an echo canceller."""

    def __init__(self, late: int, plain: NDArray[np.int16] = PLAIN) -> None:
        self.late = late
        self.sound = plain
        self.splice = Splice()
        self.plain_end = self.clean_end = 0

    def next(self, count: int, *, is_clean: bool) -> NDArray[np.int16]:
        samples = self.sound[self.plain_end : self.plain_end + count]
        self.plain_end += len(samples)
        start = self.clean_end
        self.clean_end = max(start, (self.plain_end + 32 - self.late) * 2 // 3 // FRAME * FRAME)
        if is_clean:
            return self.splice.clean(samples, CLEAN[start : self.clean_end], start)
        return self.splice.plain(samples)


STRETCHES = st.lists(st.tuples(st.integers(1, 900), st.booleans()), min_size=1, max_size=70)


@settings(max_examples=150, deadline=None)
@given(stretches=STRETCHES, late=st.integers(0, 120))
def test_any_order_of_stretches_gives_the_one_sound(stretches: list[tuple[int, bool]], late: int) -> None:
    """Also where both meet: neither a click nor a dip."""
    ways = TwoWays(late)
    came = np.concatenate([ways.next(count, is_clean=is_clean) for count, is_clean in stretches])
    assert len(came) <= ways.plain_end
    np.testing.assert_allclose(came.astype(int), PLAIN[: len(came)], atol=60)


@settings(max_examples=60, deadline=None)
@given(stretches=STRETCHES)
def test_plain_sound_makes_up_for_all_that_clean_sound_owes(stretches: list[tuple[int, bool]]) -> None:
    ways = TwoWays(0)
    count = sum(len(ways.next(count, is_clean=is_clean)) for count, is_clean in stretches)
    assert count + len(ways.next(100, is_clean=False)) == ways.plain_end


def test_plain_sound_passes_at_once_and_unchanged() -> None:
    ways = TwoWays(0, MARKS)
    for count in (1, 480, 17, 0, 960, 5_000):
        start = ways.plain_end
        np.testing.assert_array_equal(ways.next(count, is_clean=False), MARKS[start : start + count])


def test_clean_sound_is_handed_on_and_not_the_plain_one() -> None:
    ways = TwoWays(0, np.zeros_like(PLAIN))
    ways.next(480, is_clean=False)
    came = np.concatenate([ways.next(480, is_clean=True) for _ in range(100)])
    np.testing.assert_allclose(came[100:].astype(int), PLAIN[580 : 480 + len(came)], atol=60)


@pytest.mark.parametrize("late", [0, 100])
def test_clean_sound_is_late_by_little(late: int) -> None:
    ways = TwoWays(late)
    handed = 0
    for _ in range(100):
        handed += len(ways.next(480, is_clean=True))
        assert ways.plain_end - handed <= 240 + 48 + late, "a frame of 10 ms, the resampler, the canceller"
