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
    assert pcm.one_channel(np.array(interleaved, np.int16).tobytes(), channels, 0).tolist() == mono


@given(st.lists(st.tuples(int16, int16)))
def test_a_mean_that_is_not_rounded_is_exact(frames: list[tuple[int, int]]) -> None:
    mean = pcm.mean_of(np.array(frames, np.int16).reshape(-1), 2)
    assert mean.tolist() == [(left + right) / 2 for left, right in frames]


@given(st.lists(int16), st.integers(1, 8), st.booleans(), st.integers(0, 8))
def test_what_is_on_all_channels_is_on_each_and_in_their_mean(
    values: list[int], channels: int, is_32_bit: bool, channel: int
) -> None:
    mono = np.array(values, np.int16)
    frames = pcm.on_all_channels(mono, channels, is_32_bit=is_32_bit)
    assert len(frames) == channels * len(mono) * (4 if is_32_bit else 2)
    heard = pcm.one_channel(frames, channels, min(channel, channels), is_32_bit=is_32_bit)
    np.testing.assert_array_equal(heard, mono)


@pytest.mark.parametrize(
    ("channel", "gain", "mono"),
    [(1, 1.0, [100, -100]), (3, 1.0, [7, 32767]), (3, 2.0, [14, 32767]), (0, 3.0, [100 + 50 + 7, 32667 + 100])],
)
def test_a_channel_is_chosen_and_made_louder(channel: int, gain: float, mono: list[int]) -> None:
    frames = np.array([100, 50, 7, -100, 100, 32767], np.int16).tobytes()
    assert pcm.one_channel(frames, 3, channel, gain).tolist() == mono


def test_a_quiet_sound_of_32_bits_keeps_its_low_bits_when_it_is_made_louder() -> None:
    frames = np.array([3 << 12, -5 << 12], np.int32).tobytes()
    assert pcm.one_channel(frames, 1, 0, 16.0, is_32_bit=True).tolist() == [3, -5]


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


@given(st.lists(int16, max_size=40), st.integers(1, 5))
def test_the_level_of_each_frame_is_that_of_its_samples(values: list[int], frame_samples: int) -> None:
    samples = np.array(values[: len(values) // frame_samples * frame_samples], np.int16)
    levels = [pcm.rms_dbfs(frame) for frame in samples.reshape(-1, frame_samples)]
    assert pcm.frames_dbfs(samples, frame_samples) == pytest.approx(levels)
