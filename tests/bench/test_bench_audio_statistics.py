from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio_end_to_end import bursts, uplink_ms
from bench.audio_statistics import (
    Found,
    Talk,
    found,
    joined,
    lag,
    loud_span,
    loud_starts,
    slope_per_hour,
    spread,
)

ONE, TWO = Talk(10.0, 12.0), Talk(20.0, 21.0)


@pytest.mark.parametrize(
    ("claims", "hits", "latencies_ms", "false_at"),
    [
        ([], 0, (), ()),
        ([10.2], 1, (200.0,), ()),
        ([10.2, 11.0, 20.1], 2, (200.0, 100.0), ()),
        ([9.9], 0, (), (9.9,)),
        ([13.0], 0, (), ()),  # late: nobody's mistake, and no hit
        ([14.1, 30.0], 0, (), (14.1, 30.0)),
        ([11.4], 1, (1400.0,), ()),
        ([11.6], 0, (), ()),
    ],
)
def test_a_claim_finds_a_talk_or_is_false(
    claims: list[float], hits: int, latencies_ms: tuple[float, ...], false_at: tuple[float, ...]
) -> None:
    found_now = found([ONE, TWO], claims, within_seconds=1.5, quiet_seconds=2.0)
    assert (found_now.talks, found_now.hits, found_now.false_at) == (2, hits, false_at)
    assert found_now.latencies_ms == pytest.approx(latencies_ms)


@given(
    st.lists(st.floats(0, 100), max_size=5).map(lambda starts: [Talk(start, start + 1) for start in starts]),
    st.lists(st.floats(0, 110), max_size=9),
)
def test_no_claim_is_a_hit_and_false_at_once(talks: list[Talk], claims: list[float]) -> None:
    outcome = found(talks, claims, within_seconds=1.0, quiet_seconds=1.0)
    assert 0 <= outcome.hits == len(outcome.latencies_ms) <= len(talks)
    assert len(outcome.false_at) <= len(claims)
    if outcome.hits:
        assert len(outcome.false_at) < len(claims)


def test_rooms_are_counted_together() -> None:
    together = joined([Found(2, 1, (150.0,), ()), Found(3, 2, (100.0, 250.0), (4.0,))])
    assert together == Found(5, 3, (150.0, 100.0, 250.0), (4.0,))
    assert together.hit_rate == 0.6
    assert math.isnan(joined([]).hit_rate)


def test_the_spread_of_nothing_is_no_number() -> None:
    assert spread([]).count == 0
    assert math.isnan(spread([]).p95)
    assert (spread([1.0, 2.0, 9.0]).p50, spread([1.0, 2.0, 9.0]).max) == (2.0, 9.0)


def test_sound_begins_and_ends_where_it_is_loud() -> None:
    sound = np.zeros(1000, np.int16)
    sound[[100, 130, 500, 501]] = -32768
    sound[700] = 5
    assert loud_span(sound, 16) == (100, 502)
    assert loud_starts(sound, 16, quiet_samples=50) == [100, 500]
    assert loud_span(sound[:100], 16) is None
    assert loud_starts(np.full(9, 99, np.int16), 16, quiet_samples=50) == [0]


@given(st.integers(-3000, 20_000))
def test_the_lag_is_found_by_the_sound(start: int) -> None:
    room = bursts(1.0)
    padded = np.concatenate((np.zeros(3000, np.int16), room, np.zeros(12_000, np.int16)))
    heard = padded[3000 + start : 3000 + start + 12_000]
    if np.count_nonzero(heard) > 2000:
        assert lag(heard, room) == start


def test_a_late_frame_makes_all_of_its_samples_late() -> None:
    room = bursts(3.0)
    heard = room[4800 : 4800 + 24_000 * 2]
    pieces = len(heard) // 960
    # Each frame of 40 ms arrives 5 ms after its last sample was heard; the room began at second 7.
    arrivals = [(7.0 + (4800 + 960 * (n + 1)) / 24_000 + 0.005, 960) for n in range(pieces)]
    delays = uplink_ms(arrivals, heard, room, 7.0)
    assert len(delays) == len(heard) - 12_000
    assert delays.max() == pytest.approx(45, abs=0.1)
    assert delays.min() == pytest.approx(5, abs=0.1)


def test_growth_is_fitted_per_hour() -> None:
    grows = [(60.0 * minute, 30.0 + 2.0 * minute / 60) for minute in range(30)]
    assert slope_per_hour(grows) == pytest.approx(2.0)
    assert math.isnan(slope_per_hour(grows[:2]))
