from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.playhead import Over, Playhead

RATE_HZ = 1000  # a fade is 5 samples


def samples(*values: int) -> NDArray[np.int16]:
    return np.array(values, np.int16)


def test_items_play_in_order_and_silence_follows() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, samples(1, 2, 3))
    playhead.finish(1)
    playhead.queue(2, samples(4, 5))
    assert playhead.take(4).tolist() == [1, 2, 3, 4]
    assert playhead.take_over() == [Over(1, 3, was_cut=False, offset=3)]
    assert playhead.progress() == (2, 1)
    assert playhead.take(4).tolist() == [5, 0, 0, 0]
    assert playhead.take_over() == []
    assert playhead.progress() == (2, 2)


def test_an_item_is_over_with_its_last_sample_not_a_block_later() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, samples(1, 2))
    playhead.finish(1)
    playhead.take(2)
    assert playhead.take_over() == [Over(1, 2, was_cut=False, offset=2)]
    assert playhead.progress() is None


def test_a_late_finish_is_noticed_in_the_next_block() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, samples(1))
    playhead.take(3)
    playhead.finish(1)
    playhead.take(3)
    assert playhead.take_over() == [Over(1, 1, was_cut=False, offset=0)]


def test_an_item_that_starves_goes_on_when_more_arrives() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, samples(1, 2))
    assert playhead.take(3).tolist() == [1, 2, 0]
    playhead.queue(1, samples(3))
    assert playhead.take(2).tolist() == [3, 0]
    assert playhead.progress() == (1, 3)


def test_a_flush_fades_what_was_about_to_be_played_and_counts_it() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(100, 1000, np.int16))
    playhead.queue(2, samples(7))
    playhead.take(20)
    assert playhead.flush() == [Over(1, 25, was_cut=True, offset=0), Over(2, 0, was_cut=True, offset=0)]
    assert playhead.take(8).tolist() == [800, 600, 400, 200, 0, 0, 0, 0]
    assert playhead.progress() is None


def test_an_item_that_ends_within_the_fade_was_cut() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, samples(10, 10))
    playhead.finish(1)
    playhead.queue(2, np.full(9, 10, np.int16))
    assert playhead.flush() == [Over(1, 2, was_cut=True, offset=0), Over(2, 3, was_cut=True, offset=0)]
    assert playhead.take_over() == []


def test_a_flush_with_nothing_queued_is_silence() -> None:
    playhead = Playhead(RATE_HZ)
    assert playhead.flush() == []
    assert playhead.take(3).tolist() == [0, 0, 0]


def test_a_second_flush_within_the_fade_takes_nothing_more_than_the_fade() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(50, 1000, np.int16))
    playhead.flush()
    assert playhead.take(2).tolist() == [800, 600]
    playhead.queue(2, np.full(50, 1000, np.int16))
    assert playhead.flush() == [Over(2, 2, was_cut=True, offset=0)]
    assert playhead.take(7).tolist() == [320, 120, 0, 200, 0, 0, 0]


def test_what_is_queued_after_a_flush_follows_the_fade() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(50, 1000, np.int16))
    playhead.flush()
    playhead.queue(2, samples(7, 8))
    playhead.finish(2)
    assert playhead.take(8).tolist() == [800, 600, 400, 200, 0, 7, 8, 0]
    assert playhead.take_over() == [Over(2, 2, was_cut=False, offset=7)]


def test_cues_play_beside_answers_and_outlive_a_flush() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(50, 1000, np.int16))
    playhead.cue(samples(1, 2, 3, 4, 5, 6, 7))
    assert playhead.take(2).tolist() == [1001, 1002]
    playhead.flush()
    assert playhead.take(6).tolist() == [803, 604, 405, 206, 7, 0]


def test_two_cues_sound_together_and_clip_rather_than_wrap() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.cue(samples(30_000, -30_000, 5))
    playhead.cue(samples(30_000, -30_000))
    assert playhead.take(4).tolist() == [32_767, -32_768, 5, 0]


def test_ringing_repeats_until_it_fades_out() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.ring(samples(100, 200, 300))
    assert playhead.take(5).tolist() == [100, 200, 300, 100, 200]
    playhead.flush()
    assert playhead.take(2).tolist() == [300, 100]
    playhead.stop_ringing()
    assert playhead.take(7).tolist() == [160, 180, 40, 40, 0, 0, 0]


def test_ringing_anew_replaces_the_ringing() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.ring(samples(100))
    playhead.take(3)
    playhead.ring(samples(7))
    assert playhead.take(7).tolist() == [87, 67, 47, 27, 7, 7, 7]


def test_the_gain_ramps_over_one_block_and_holds_for_all_lanes() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(12, 1000, np.int16))
    playhead.cue(np.full(12, 1000, np.int16))
    playhead.set_gain(0.5)
    assert playhead.take(4).tolist() == [1750, 1500, 1250, 1000]
    assert playhead.take(4).tolist() == [1000] * 4
    playhead.set_gain(0)
    assert playhead.take(4).tolist() == [750, 500, 250, 0]


@given(
    pieces=st.lists(st.tuples(st.integers(1, 4), st.lists(st.integers(-32768, 32767), max_size=40)), max_size=8),
    blocks=st.lists(st.integers(0, 30), max_size=12),
    is_flushed=st.booleans(),
)
def test_every_sample_is_handed_out_once_and_counted(
    pieces: list[tuple[int, list[int]]], blocks: list[int], is_flushed: bool
) -> None:
    playhead = Playhead(RATE_HZ)
    for item, values in sorted(pieces, key=lambda piece: piece[0]):
        playhead.queue(item, np.array(values, np.int16))
    stream = [(item, value) for item, values in sorted(pieces, key=lambda piece: piece[0]) for value in values]
    taken = np.concatenate([samples(), *(playhead.take(count) for count in blocks)])
    expected = [value for _, value in stream] + [0] * len(taken)
    assert taken.tolist() == expected[: len(taken)]
    if is_flushed:
        overs = playhead.flush()
        handed = stream[: len(taken) + 5]
        assert [over.item for over in overs] == sorted({item for item, _ in pieces})
        for over in overs:
            assert over.handed == sum(item == over.item for item, _ in handed)


@pytest.mark.parametrize("blocks", [[3, 7], [10], [1] * 10, [0, 10]])
def test_the_size_of_blocks_never_matters(blocks: list[int]) -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.arange(1, 9).astype(np.int16))
    playhead.ring(samples(100, 200, 300))
    taken = np.concatenate([playhead.take(count) for count in blocks])
    assert taken.tolist() == [101, 202, 303, 104, 205, 306, 107, 208, 300, 100]
