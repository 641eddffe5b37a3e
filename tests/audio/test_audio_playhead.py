from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.playhead import Over, Playhead
from speakerd.core.effects import PlayoutLevel

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
    playhead.cue(99, samples(1, 2, 3, 4, 5, 6, 7))
    assert playhead.take(2).tolist() == [1001, 1002]
    playhead.flush()
    assert playhead.take(6).tolist() == [803, 604, 405, 206, 7, 0]


def test_a_cue_is_over_with_its_last_sample() -> None:
    playhead = awaking(lead_in_ms=3)
    playhead.cue(98, samples(1, 2, 3))
    playhead.cue(99, samples(1, 2, 3, 4, 5, 6))
    playhead.queue(1, samples(1))
    playhead.finish(1)
    playhead.take(7)
    assert playhead.take_over() == [Over(1, 1, was_cut=False, offset=4), Over(98, 3, was_cut=False, offset=6)]
    playhead.take(7)
    assert playhead.flush() == []
    assert playhead.take_over() == [Over(99, 6, was_cut=False, offset=2)]


def test_two_cues_sound_together_and_clip_rather_than_wrap() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.cue(99, samples(30_000, -30_000, 5))
    playhead.cue(99, samples(30_000, -30_000))
    assert playhead.take(4).tolist() == [32_767, -32_768, 5, 0]


def test_ringing_repeats_until_it_fades_out() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.ring(samples(100, 200, 300))
    assert playhead.take(5).tolist() == [100, 200, 300, 100, 200]
    playhead.flush()
    assert playhead.take(2).tolist() == [300, 100]
    playhead.stop_ringing()
    assert playhead.take(7).tolist() == [160, 180, 40, 40, 0, 0, 0]


def test_ringing_rises_evenly_to_the_ear_and_then_stays() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.ring(samples(10_000), rising_ms=400)
    taken = np.concatenate([playhead.take(count) for count in (0, 30, 1, 169, 100, 200)])
    loudness_db = 20 * np.log10(taken / 10_000)
    assert loudness_db[[0, 100, 200, 300, 400, 499]] == pytest.approx([-24, -18, -12, -6, 0, 0], abs=0.01)
    assert (np.diff(taken) >= 0).all()
    playhead.ring(samples(10_000), rising_ms=400)
    playhead.take(5)
    assert playhead.take(1)[0] < 700, "another alarm begins softly, too"


def test_ringing_anew_replaces_the_ringing() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.ring(samples(100))
    playhead.take(3)
    playhead.ring(samples(7))
    assert playhead.take(7).tolist() == [87, 67, 47, 27, 7, 7, 7]


def test_the_gain_ramps_over_one_block_and_holds_for_all_lanes() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(12, 1000, np.int16))
    playhead.cue(99, np.full(12, 1000, np.int16))
    playhead.set_gain(0.5)
    assert playhead.take(4).tolist() == [1750, 1500, 1250, 1000]
    assert playhead.take(4).tolist() == [1000] * 4
    playhead.set_gain(0)
    assert playhead.take(4).tolist() == [750, 500, 250, 0]


def awaking(lead_in_ms: int = 20, is_kept_awake: bool = False) -> Playhead:
    playhead = Playhead(RATE_HZ)
    playhead.set_sink(lead_in_ms, is_kept_awake)
    return playhead


def is_soft(block: NDArray[np.int16]) -> bool:
    """Noise of one bit, up and down."""
    return set(block.tolist()) == {-1, 0, 1}


def test_a_sink_that_sleeps_is_woken_before_the_first_sample() -> None:
    playhead = awaking()
    assert playhead.take(10).tolist() == [0] * 10
    playhead.queue(1, samples(7, 8))
    playhead.finish(1)
    noise = playhead.take(15)
    assert is_soft(noise)
    assert playhead.progress() == (1, 0)
    block = playhead.take(10)
    assert is_soft(np.append(block[:5], noise))
    assert block[5:].tolist() == [7, 8, 0, 0, 0]
    assert playhead.take_over() == [Over(1, 2, was_cut=False, offset=7)]


@pytest.mark.parametrize(("silent_ms", "is_asleep"), [(1000, False), (1001, True)])
def test_a_sink_falls_asleep_after_a_second_of_silence(silent_ms: int, is_asleep: bool) -> None:
    playhead = awaking()
    playhead.cue(99, samples(7))
    playhead.take(21)
    assert playhead.take(silent_ms).tolist() == [0] * silent_ms
    playhead.ring(samples(9))
    assert is_soft(playhead.take(20)) is is_asleep


def test_an_answer_that_was_held_for_long_wakes_the_sink_again() -> None:
    playhead = awaking()
    playhead.queue(1, np.full(99, 1000, np.int16))
    playhead.take(30)
    playhead.set_level(HELD)
    playhead.take(5)
    playhead.take(1001)
    playhead.set_level(FULL)
    assert is_soft(playhead.take(20))
    assert playhead.take(3).tolist() == [200, 400, 600]


def test_a_flush_while_the_sink_wakes_is_silence_at_once_and_the_next_sound_wakes_it_anew() -> None:
    playhead = awaking()
    playhead.queue(1, np.full(99, 1000, np.int16))
    playhead.take(10)
    assert playhead.flush() == [Over(1, 0, was_cut=True, offset=0)]
    assert playhead.take(30).tolist() == [0] * 30
    playhead.queue(2, samples(7))
    assert is_soft(playhead.take(20))
    assert playhead.take(2).tolist() == [7, 0]


def test_a_sink_that_is_kept_awake_gets_soft_noise_for_silence_and_no_lead_in() -> None:
    playhead = awaking(is_kept_awake=True)
    assert is_soft(playhead.take(1500))
    playhead.queue(1, samples(7, 8))
    assert playhead.take(3).tolist() == [7, 8, 0]
    playhead.set_gain(0)
    playhead.take(1)
    playhead.queue(1, samples(7, 8))
    assert is_soft(playhead.take(20))
    assert playhead.progress() == (1, 4)


FULL, DUCKED, HELD = PlayoutLevel


def test_what_is_held_fades_out_waits_and_goes_on_with_the_very_next_sample() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.arange(1000, 1100).astype(np.int16))
    playhead.take(2)
    playhead.set_level(HELD)
    assert playhead.take(8).tolist() == [802, 602, 402, 201, 0, 0, 0, 0]
    assert playhead.progress() == (1, 7)
    assert playhead.take(8).tolist() == [0] * 8
    assert playhead.progress() == (1, 7)
    playhead.set_level(FULL)
    assert playhead.take(8).tolist() == [201, 403, 605, 808, 1011, 1012, 1013, 1014]
    assert playhead.progress() == (1, 15)


def test_what_is_ducked_is_12_db_quieter_after_30_ms_and_as_loud_as_before_100_ms_after_it() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(1000, 10_000, np.int16))
    playhead.cue(99, np.full(1000, 1000, np.int16))
    playhead.set_level(DUCKED)
    down, low = playhead.take(30).astype(int), playhead.take(30).tolist()
    assert set(np.diff(down).tolist()) <= {-249, -250}
    assert low == [2512 + 1000] * 30
    playhead.set_level(FULL)
    up = playhead.take(101).astype(int)
    assert set(np.diff(up[:100]).tolist()) <= {74, 75}
    assert up[98] < up[99] == up[100] == 11_000


def test_a_flush_while_held_plays_nothing_more_and_counts_what_was_handed_out() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(50, 1000, np.int16))
    playhead.queue(2, np.full(50, 1000, np.int16))
    playhead.take(20)
    playhead.set_level(HELD)
    playhead.take(20)
    assert playhead.flush() == [Over(1, 25, was_cut=True, offset=0), Over(2, 0, was_cut=True, offset=0)]
    playhead.set_level(FULL)
    assert playhead.take(9).tolist() == [0] * 9


def test_an_item_whose_last_samples_faded_out_as_it_was_held_is_over() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(3, 1000, np.int16))
    playhead.finish(1)
    playhead.queue(2, np.full(9, 1000, np.int16))
    playhead.set_level(HELD)
    assert playhead.take(9).tolist() == [800, 600, 400, 200, 0, 0, 0, 0, 0]
    assert playhead.take_over() == [Over(1, 3, was_cut=False, offset=3)]
    assert playhead.progress() == (2, 2)


def test_a_level_changes_answers_alone() -> None:
    playhead = Playhead(RATE_HZ)
    playhead.queue(1, np.full(50, 1000, np.int16))
    playhead.set_level(HELD)
    playhead.ring(samples(100))
    playhead.take(5)
    playhead.cue(99, samples(7, 7))
    assert playhead.take(3).tolist() == [107, 107, 100]


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


LOUD, STEP = 30_000, 100
QUEUE, TAKE, FLUSH = "queue", "take", "flush"
Orders = list[tuple[str, int] | PlayoutLevel]
ORDERS = st.lists(
    st.one_of(
        st.tuples(st.just(QUEUE), st.integers(1, 30)),
        st.tuples(st.just(TAKE), st.integers(1, 20)),
        st.tuples(st.just(FLUSH), st.just(0)),
        st.sampled_from(PlayoutLevel),
    ),
    max_size=25,
)


def played(orders: Orders, content: NDArray[np.int16]) -> tuple[NDArray[np.int16], list[range]]:
    """What is heard of a content that is queued item by item; and for each item which part of it was handed out."""
    playhead, heard, starts, handed = Playhead(RATE_HZ), [samples()], [0], dict[int, int]()
    for order in (*orders, (TAKE, 1000), FULL, (TAKE, 1000)):
        match order:
            case PlayoutLevel():
                playhead.set_level(order)
            case ("queue", count):
                playhead.queue(len(starts), content[starts[-1] : starts[-1] + count])
                playhead.finish(len(starts))
                starts.append(starts[-1] + count)
            case ("take", count):
                heard.append(playhead.take(count))
                handed |= {over.item: over.handed for over in playhead.take_over()}
            case _:
                handed |= {over.item: over.handed for over in playhead.flush()}
    assert sorted(handed) == list(range(1, len(starts))), "every item is over exactly once"
    return np.concatenate(heard), [range(start, start + handed[n]) for n, start in enumerate(starts[:-1], 1)]


@given(ORDERS)
def test_whatever_is_held_ducked_and_flushed_what_was_handed_out_is_heard_once_and_in_order(
    orders: Orders,
) -> None:
    # Gains do not depend on the content: heard twice, once even and once rising, the quotient names each sample.
    even, parts = played(orders, np.full(1000, LOUD, np.int16))
    rising, again = played(orders, (STEP * np.arange(1, 1001)).clip(max=LOUD).astype(np.int16))
    assert parts == again
    audible = even > LOUD // 30
    named = np.rint(rising[audible] / even[audible] * LOUD / STEP).astype(int) - 1
    assert (np.diff(named) > 0).all(), "a sample is heard twice, or late"
    handed = {place for part in parts for place in part if place < LOUD // STEP}
    heard = {int(place) for place in named if place < LOUD // STEP}
    assert heard <= handed, "heard, and not counted"
    assert len(handed - heard) <= most_faded_to_nothing(orders), "counted, and not heard"


def most_faded_to_nothing(orders: Orders) -> int:
    """Samples that may be inaudible: the last of each fade, and all of one that another one falls into."""
    most, taken = 0, 5
    for order in orders:
        match order:
            case ("take", count):
                taken += count
            case ("queue", _):
                pass
            case _:
                most, taken = most + (1 if taken >= 5 else 5), 0
    return most


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(QUEUE), st.integers(1, 90)),
        st.tuples(st.just(TAKE), st.integers(0, 20)),
        st.tuples(st.sampled_from([FLUSH, "cue", "ring", "stop ringing"]), st.just(0)),
        st.tuples(st.just("gain"), st.integers(0, 2)),
        st.sampled_from(PlayoutLevel),
    ),
    max_size=30,
)
PLAYING: Orders = [(QUEUE, 90), (TAKE, 20), (TAKE, 10)]


@pytest.mark.parametrize("is_kept_awake", [False, True])
@given(steps=STEPS)
def test_to_be_told_again_what_holds_changes_nothing(is_kept_awake: bool, steps: Orders) -> None:
    once, again = (awaking(is_kept_awake=is_kept_awake) for _ in range(2))
    content = (np.arange(3000) % 200 * 100 - 9_000).astype(np.int16)
    content[500:900] = 0
    level, place = FULL, 0
    for number, step in enumerate([*PLAYING, *steps, (TAKE, 70)], 1):
        again.set_level(level)
        for playhead in (once, again):
            match step:
                case ("queue", count):
                    playhead.queue(number, content[place : place + count])
                case ("take", _):
                    pass
                case _:
                    obey(playhead, step, number, content)
        match step:
            case PlayoutLevel():
                level = step
            case ("queue", count):
                place += count
            case ("take", count):
                assert once.take(count).tolist() == again.take(count).tolist()
        assert once.take_over() == again.take_over()
        assert once.progress() == again.progress()


@pytest.mark.parametrize("is_kept_awake", [False, True])
@given(steps=STEPS)
def test_what_is_seen_ahead_is_what_would_be_taken(is_kept_awake: bool, steps: Orders) -> None:
    taking, looking = (awaking(is_kept_awake=is_kept_awake) for _ in range(2))
    content = (np.arange(3000) % 200 * 100 - 9_000).astype(np.int16)
    content[500:900] = 0
    place = 0
    for number, step in enumerate([*PLAYING, *steps, (TAKE, 70)], 1):
        match step:
            case ("take", count):
                assert seen(looking, count).tolist() == taking.take(count).tolist()
            case ("queue", count):
                for playhead in (taking, looking):
                    playhead.queue(number // 2, content[place : place + count])
                    if number % 2:
                        playhead.finish(number // 2)
                place += count
            case _:
                for playhead in (taking, looking):
                    obey(playhead, step, number, content)
        assert taking.take_over() == looking.take_over()
        assert taking.progress() == looking.progress()


def seen(playhead: Playhead, count: int) -> NDArray[np.int16]:
    """What is taken, looked at ahead where that can be: of several blocks the first."""
    if not count:
        return playhead.take(count)
    silent = [samples(*[0] * count)] if playhead.rests else []
    ahead = [*silent, playhead.ahead(count, 1), playhead.ahead(count, 3)[:count]]
    for block in ahead:
        if len(block):
            playhead.skip(count)
            return block
    return playhead.take(count)


def obey(playhead: Playhead, step: tuple[str, int] | PlayoutLevel, number: int, content: NDArray[np.int16]) -> None:
    match step:
        case PlayoutLevel():
            playhead.set_level(step)
        case ("cue", _):
            playhead.cue(1000 + number, content[:7])
        case ("ring", _):
            playhead.ring(content[:9])
        case ("stop ringing", _):
            playhead.stop_ringing()
        case ("gain", halves):
            playhead.set_gain(halves / 2)
        case _:
            playhead.flush()
