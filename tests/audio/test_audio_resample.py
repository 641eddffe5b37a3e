from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.resample import Resampler, resampled

RATES_HZ = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
USED = [
    (48_000, 24_000),
    (48_000, 16_000),
    (44_100, 24_000),
    (44_100, 16_000),
    (16_000, 24_000),
    (24_000, 16_000),
    (24_000, 48_000),
    (24_000, 44_100),
    (22_050, 24_000),
    (8_000, 16_000),
    (11_025, 16_000),
    (11_025, 24_000),
    (24_000, 11_025),
    (88_200, 16_000),
    (96_000, 24_000),
    (176_400, 16_000),
    (24_000, 176_400),
    (192_000, 16_000),
    (24_000, 192_000),
]


def tone(rate_hz: int, hz: float, seconds: float = 1.0, amplitude: float = 16_384) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)
    return wave


def int16(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.rint(wave).astype(np.int16)


def middle(sound: NDArray[np.int16]) -> NDArray[np.float64]:
    return sound[len(sound) // 4 : -len(sound) // 4].astype(np.float64)


@pytest.mark.parametrize(("from_hz", "to_hz"), USED)
def test_a_tone_keeps_its_level_and_its_place(from_hz: int, to_hz: int) -> None:
    came = resampled(int16(tone(from_hz, 1000)), from_hz, to_hz)
    error = middle(came) - tone(to_hz, 1000)[len(came) // 4 : -len(came) // 4]
    assert 20 * np.log10(16_384 / np.sqrt(2) / np.sqrt(np.mean(error**2))) >= 80


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in USED if pair[0] > pair[1]])
def test_what_the_new_rate_cannot_carry_is_gone(from_hz: int, to_hz: int) -> None:
    came = middle(resampled(int16(tone(from_hz, to_hz * 0.53)), from_hz, to_hz))
    assert np.sqrt(np.mean(came**2)) < 16_384 / np.sqrt(2) / 10**4  # 80 dB


@pytest.mark.parametrize(("from_hz", "to_hz"), USED)
@pytest.mark.parametrize("level", [32_767, -32_768, 12_345])
def test_a_constant_stays_what_it_is(from_hz: int, to_hz: int, level: int) -> None:
    came = middle(resampled(np.full(from_hz // 10, level, np.int16), from_hz, to_hz))
    assert np.all(came == level)


@pytest.mark.parametrize(("from_hz", "to_hz"), USED)
def test_a_click_comes_out_at_its_own_instant(from_hz: int, to_hz: int) -> None:
    sound = np.zeros(from_hz, np.int16)
    sound[from_hz // 2] = 30_000
    assert np.argmax(np.abs(resampled(sound, from_hz, to_hz))) == round(from_hz // 2 * to_hz / from_hz)


@pytest.mark.parametrize(("from_hz", "to_hz"), USED)
def test_the_delay_is_short(from_hz: int, to_hz: int) -> None:
    assert 0 < Resampler(from_hz, to_hz).delay_seconds <= (0.003 if min(from_hz, to_hz) > 8_000 else 0.004)


@settings(max_examples=60, deadline=None)
@given(
    rates=st.tuples(st.sampled_from(RATES_HZ), st.sampled_from(RATES_HZ)),
    total=st.integers(0, 6000),
    cuts=st.lists(st.integers(0, 6000), max_size=12),
    seed=st.integers(0, 9),
)
def test_the_frames_in_which_sound_arrives_never_matter(
    rates: tuple[int, int], total: int, cuts: list[int], seed: int
) -> None:
    sound = np.random.default_rng(seed).integers(-32768, 32768, total).astype(np.int16)
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    resampler = Resampler(*rates)
    pieces = [resampler.process(sound[start:end]) for start, end in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate([*pieces, resampler.drain()]), resampled(sound, *rates))


@settings(max_examples=60, deadline=None)
@given(
    rates=st.tuples(st.sampled_from(RATES_HZ), st.sampled_from(RATES_HZ)),
    lengths=st.lists(st.integers(0, 3000), max_size=6),
)
def test_the_count_of_samples_follows_a_law(rates: tuple[int, int], lengths: list[int]) -> None:
    from_hz, to_hz = rates
    resampler = Resampler(from_hz, to_hz)
    delay_steps = round(resampler.delay_seconds * from_hz * to_hz)
    taken = given_out = 0
    for length in lengths:
        given_out += len(resampler.process(np.zeros(length, np.int16)))
        taken += length
        assert given_out == max(0, -((delay_steps - taken * to_hz) // from_hz))
    assert given_out + len(resampler.drain()) == -(-taken * to_hz // from_hz)


@given(st.lists(st.integers(-32768, 32767)), st.sampled_from(RATES_HZ))
def test_equal_rates_change_nothing_and_wait_for_nothing(values: list[int], rate_hz: int) -> None:
    resampler = Resampler(rate_hz, rate_hz)
    assert resampler.process(np.array(values, np.int16)).tolist() == values
    assert len(resampler.drain()) == 0
    assert resampler.delay_seconds == 0


def test_float_input_is_the_same_sound() -> None:
    wave = tone(48_000, 440, 0.1)
    for rate_hz in (16_000, 48_000):
        on_the_scale_of_int16 = Resampler(48_000, rate_hz).process(int16(wave).astype(np.float64))
        np.testing.assert_array_equal(on_the_scale_of_int16, Resampler(48_000, rate_hz).process(int16(wave)))
    as_float = (np.rint(wave) / 32_768).astype(np.float32)
    np.testing.assert_array_equal(
        Resampler(48_000, 16_000).process(as_float), Resampler(48_000, 16_000).process(int16(wave))
    )


def test_after_draining_a_new_stream_begins() -> None:
    sound = int16(tone(24_000, 700, 0.05))
    resampler = Resampler(24_000, 48_000)
    first = np.concatenate((resampler.process(sound), resampler.drain()))
    second = np.concatenate((resampler.process(sound), resampler.drain()))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(0, 16_000), (16_000, 0), (-1, 16_000)])
def test_a_rate_must_be_positive(from_hz: int, to_hz: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Resampler(from_hz, to_hz)


@settings(deadline=None)
@given(
    pair=st.sampled_from([(48_000, 24_000), (44_100, 16_000), (16_000, 24_000), (24_000, 24_000)]),
    steps=st.lists(st.tuples(st.integers(0, 700), st.booleans()), max_size=12),
)
def test_what_is_skipped_is_silence_as_long_and_changes_nothing_that_follows(
    pair: tuple[int, int], steps: list[tuple[int, bool]]
) -> None:
    whole, sometimes = Resampler(*pair), Resampler(*pair)
    sound = np.random.default_rng(1).integers(-9_000, 9_000, 700).astype(np.int16)
    for count, is_skipped in steps:
        expected = whole.process(sound[:count])
        came = sometimes.skip(sound[:count]) if is_skipped else sometimes.process(sound[:count])
        assert came.tolist() == ([0] * len(expected) if is_skipped else expected.tolist())
