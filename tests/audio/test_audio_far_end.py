"""Our own sound on its way to the cancellers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.audio.far_end import FarEnd
from speakerd.audio.resample import Resampler

RATES_HZ = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000]
SOUND = np.random.default_rng(1).integers(-9_000, 9_000, 192_000).astype(np.int16)


def beside(far_end: FarEnd, rate_hz: int, sound: NDArray[np.int16], pieces: int) -> list[NDArray[np.int16]]:
    """What comes out for pieces of 20 ms, beside a microphone of the same card."""
    near = Resampler(rate_hz, 16_000)
    near.process(np.zeros(rate_hz // 10, np.int16))
    count = rate_hz // 50
    came = []
    for at in range(0, pieces * count, count):
        wanted = len(near.process(np.zeros(count, np.int16)))
        came.append(far_end.at_wake_rate(sound[at : at + count], wanted))
    return came


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_far_end_keeps_step_with_the_near_end_from_its_first_piece_on(rate_hz: int) -> None:
    """Late by what the resampler holds back, as the near end is: neither is ahead of the other."""
    came = beside(FarEnd(rate_hz), rate_hz, SOUND, 40)
    assert all(abs(len(piece) - 320) <= 1 for piece in came)
    resampler = Resampler(rate_hz, 16_000)
    expected = np.concatenate([resampler.process(SOUND[: 40 * (rate_hz // 50)])])
    late = resampler.delay_seconds * 16_000
    together = np.concatenate(came)
    held = len(together) - len(expected)
    assert held == pytest.approx(late, abs=1)
    assert not together[:held].any()
    np.testing.assert_array_equal(together[held:], expected)


def test_silence_is_nothing_and_what_follows_begins_anew() -> None:
    far_end = FarEnd(48_000)
    first = far_end.at_wake_rate(SOUND[:960], 320)
    assert len(far_end.at_wake_rate(SOUND[:0], 320)) == 0
    np.testing.assert_array_equal(far_end.at_wake_rate(SOUND[:960], 320), first)


def test_a_piece_too_short_for_the_resampler_is_silence() -> None:
    assert FarEnd(48_000).at_wake_rate(SOUND[:48], 16).tolist() == [0] * 16
