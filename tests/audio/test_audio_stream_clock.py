"""When samples are captured or heard, by a card whose times are off by a millisecond and whose crystal drifts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.audio.stream_clock import StreamClock


def reports(
    rate_hz: int, ppm: float, seconds: float, *, block_ms: int = 10, jitter_ms: float = 1.0, seed: int = 1
) -> Iterator[tuple[int, float, float]]:
    """Position, true time and told time of each block of a card that begins at 7 s."""
    random = np.random.default_rng(seed)
    for number in range(round(seconds * 1000 / block_ms)):
        position = number * rate_hz * block_ms // 1000
        true = 7.0 + position / (rate_hz * (1 + ppm / 1e6))
        yield position, true, true + random.uniform(-jitter_ms, jitter_ms) / 1000


@pytest.mark.parametrize("block_ms", [10, 20, 100])
@pytest.mark.parametrize("ppm", [-200, -60, 0, 60, 200])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_drift_is_found_in_a_minute_of_jitter(rate_hz: int, ppm: int, block_ms: int) -> None:
    clock = StreamClock(rate_hz)
    for position, _, told in reports(rate_hz, ppm, 60, block_ms=block_ms):
        assert clock.update(position, told), "jitter is no jump"
    assert clock.ppm == pytest.approx(ppm, abs=4)


@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_times_are_smoothed(ppm: int) -> None:
    """Told times are off by up to 1000 us."""
    clock = StreamClock(48_000)
    off_us = []
    for position, true, told in reports(48_000, ppm, 40):
        clock.update(position, told)
        off_us.append(abs(clock.seconds_at(position) - true) * 1e6)
    assert max(off_us) <= 1000
    assert max(off_us[200:]) <= 350
    assert max(off_us[2000:]) <= 100


def test_a_drift_that_changes_is_followed() -> None:
    """A crystal warms up."""
    clock = StreamClock(48_000)
    position, seconds = 0, 3.0
    for ppm in (-100, 100):
        for _ in range(8000):
            clock.update(position, seconds)
            position += 480
            seconds += 0.01 / (1 + ppm / 1e6)
    assert clock.ppm == pytest.approx(100, abs=20)


def test_a_new_clock_believes_the_nominal_rate() -> None:
    clock = StreamClock(48_000)
    assert clock.ppm == 0
    assert clock.update(1000, 5.0)
    assert clock.ppm == 0
    assert clock.seconds_at(1000 + 48_000) == pytest.approx(6.0)
    assert clock.position_at(4.0) == pytest.approx(1000 - 48_000)


@pytest.mark.parametrize("jump_seconds", [-0.2, -0.06, 0.06, 3600.0])
def test_a_jump_begins_anew(jump_seconds: float) -> None:
    clock = StreamClock(48_000)
    for position, _, told in reports(48_000, 150, 20):
        clock.update(position, told)
    at = position + 480
    assert not clock.update(at, clock.seconds_at(at) + jump_seconds)
    assert clock.ppm == 0
    told = clock.seconds_at(at)
    assert clock.update(at + 480, told + 0.01), "what follows the jump is no jump"


@pytest.mark.parametrize("late_seconds", [-0.045, 0.045])
def test_a_single_late_report_is_no_jump_and_hardly_moves_the_clock(late_seconds: float) -> None:
    clock = StreamClock(48_000)
    for position, _, told in reports(48_000, 0, 20):
        clock.update(position, told)
    at = position + 480
    before = clock.seconds_at(at)
    assert clock.update(at, before + late_seconds)
    assert clock.seconds_at(at) == pytest.approx(before, abs=0.0003)


@settings(max_examples=60, deadline=None)
@given(
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000, 192_000]),
    ppm=st.floats(-300, 300),
    blocks=st.integers(1, 80),
    seed=st.integers(0, 99),
    ahead=st.floats(-200_000, 200_000),
)
def test_positions_and_times_are_each_others_inverse(
    rate_hz: int, ppm: float, blocks: int, seed: int, ahead: float
) -> None:
    clock = StreamClock(rate_hz)
    for position, _, told in reports(rate_hz, ppm, blocks / 100, seed=seed):
        clock.update(position, told)
    place = position + ahead
    assert clock.position_at(clock.seconds_at(place)) == pytest.approx(place, abs=0.001)
    assert clock.seconds_at(place + 1) > clock.seconds_at(place)
