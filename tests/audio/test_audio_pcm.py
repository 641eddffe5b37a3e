from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio import pcm

int16 = st.integers(-32768, 32767)


@given(st.lists(int16))
def test_bytes_and_samples_are_the_same_sound(values: list[int]) -> None:
    data = b"".join(value.to_bytes(2, "little", signed=True) for value in values)
    assert pcm.samples_of(data).tolist() == values
    assert pcm.bytes_of(np.array(values, np.int16)) == data


def test_an_odd_last_byte_is_left_out() -> None:
    assert pcm.samples_of(b"\x01\x00\x02").tolist() == [1]


@given(st.lists(int16))
def test_float_and_back_is_the_same_sound(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    as_float = pcm.to_float(samples)
    assert as_float.dtype == np.float32
    assert np.all(np.abs(as_float) <= 1)
    np.testing.assert_array_equal(pcm.to_int16(as_float), samples)


@pytest.mark.parametrize(
    ("value", "sample"),
    [(0.0, 0), (0.5, 16384), (-1.0, -32768), (1.0, 32767), (3.0, 32767), (-3.0, -32768), (1.6 / 32768, 2)],
)
def test_float_is_rounded_and_clipped(value: float, sample: int) -> None:
    assert pcm.to_int16(np.array([value], np.float32)).tolist() == [sample]


def test_int16_passes_to_int16_as_it_is() -> None:
    assert pcm.to_int16(np.array([1, -2], np.int16)).tolist() == [1, -2]


@pytest.mark.parametrize(
    ("interleaved", "channels", "mono"),
    [
        ([1, 2, 3], 1, [1, 2, 3]),
        ([10, 20, -10, -20], 2, [15, -15]),
        ([32767, 32767, -32768, -32768], 2, [32767, -32768]),
        ([3, 6, 9], 3, [6]),
    ],
)
def test_mono_is_the_mean_of_the_channels(interleaved: list[int], channels: int, mono: list[int]) -> None:
    assert pcm.mix_down(np.array(interleaved, np.int16), channels).tolist() == mono


@given(st.lists(int16), st.integers(1, 4))
def test_spread_and_mixed_down_is_the_same_sound(values: list[int], channels: int) -> None:
    mono = np.array(values, np.int16)
    frames = pcm.spread(mono, channels)
    assert len(frames) == channels * len(mono)
    np.testing.assert_array_equal(pcm.mix_down(frames, channels), mono)


@pytest.mark.parametrize(("ms", "rate_hz", "samples"), [(80, 16_000, 1280), (40, 24_000, 960), (5, 44_100, 220)])
def test_samples_in_milliseconds(ms: int, rate_hz: int, samples: int) -> None:
    assert pcm.samples_in(ms, rate_hz) == samples


@pytest.mark.parametrize(("samples", "rate_hz", "ms"), [(1280, 16_000, 80), (23, 24_000, 0), (24_023, 24_000, 1000)])
def test_milliseconds_are_rounded_down(samples: int, rate_hz: int, ms: int) -> None:
    assert pcm.ms_of(samples, rate_hz) == ms


def test_levels() -> None:
    square = np.array([16384, -16384] * 50, np.int16)
    assert pcm.peak_dbfs(square) == pytest.approx(-6.0206, abs=1e-4)
    assert pcm.rms_dbfs(square) == pytest.approx(-6.0206, abs=1e-4)
    assert pcm.peak_dbfs(np.array([-32768, 0], np.int16)) == 0.0
    assert pcm.rms_dbfs(np.array([16384, 0, 0, 0], np.int16)) == pytest.approx(-12.0412, abs=1e-4)


@pytest.mark.parametrize("silence", [np.zeros(0, np.int16), np.zeros(9, np.int16)])
def test_silence_has_no_level(silence: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    assert pcm.peak_dbfs(silence) == pcm.rms_dbfs(silence) == -math.inf
