from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.preroll import PrerollRing


@given(st.integers(1, 50), st.lists(st.integers(0, 120), max_size=20), st.data())
def test_a_sample_keeps_its_position_until_it_is_overwritten(
    capacity: int, lengths: list[int], data: st.DataObject
) -> None:
    ring = PrerollRing(capacity)
    stream = np.arange(sum(lengths)).astype(np.int16)
    taken = 0
    for length in lengths:
        ring.append(stream[taken : taken + length])
        taken += length
    assert ring.end == taken
    assert ring.start == max(0, taken - capacity)
    start = data.draw(st.integers(ring.start, ring.end))
    end = data.draw(st.integers(start, ring.end))
    np.testing.assert_array_equal(ring.read(start, end), stream[start:end])


@pytest.mark.parametrize(("start", "end"), [(9, 12), (12, 21), (15, 14), (-1, 12)])
def test_what_is_not_held_cannot_be_read(start: int, end: int) -> None:
    ring = PrerollRing(10)
    ring.append(np.arange(20).astype(np.int16))
    with pytest.raises(IndexError, match="the ring has 10 to 20"):
        ring.read(start, end)


def test_what_was_read_does_not_change_afterwards() -> None:
    ring = PrerollRing(4)
    ring.append(np.array([1, 2, 3, 4], np.int16))
    copy = ring.read(0, 4)
    ring.append(np.array([9, 9, 9, 9], np.int16))
    assert copy.tolist() == [1, 2, 3, 4]


def test_a_restart_forgets_and_moves_on() -> None:
    ring = PrerollRing(10)
    ring.append(np.array([1, 2, 3], np.int16))
    ring.restart(6)
    ring.append(np.array([7], np.int16))
    assert (ring.start, ring.end) == (6, 7)
    assert ring.read(6, 7).tolist() == [7]
    with pytest.raises(IndexError):
        ring.read(2, 7)


def test_positions_never_go_back() -> None:
    ring = PrerollRing(10)
    ring.append(np.zeros(3, np.int16))
    with pytest.raises(ValueError, match="only go forward"):
        ring.restart(2)
