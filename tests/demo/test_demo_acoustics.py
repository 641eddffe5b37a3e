"""What the echo room does to a sound, without a card."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.demo.acoustics import Acoustics, RoomSettings, calibrated, heard, scene
from speakerd.demo.acoustics_filters import (
    Convolver,
    Interpolator,
    active_rms,
    at_rate,
    band_response,
    distorted,
    room_response,
    to_int16,
)

FRAME = 960
DRY = RoomSettings(nonlinearity=0, rt60_seconds=0, noise_dbfs=None)


def noise(samples: int, seed: int = 1, rms: float = 3000) -> NDArray[np.int16]:
    return np.clip(np.random.default_rng(seed).normal(0, rms, samples), -32768, 32767).astype(np.int16)


def db(level: float) -> float:
    return float(20 * np.log10(level))


def lag_ms(far: NDArray[np.int16], mic: NDArray[np.int16], rate_hz: int) -> float:
    """By how much the microphone is behind the far end."""
    size = 1 << (len(far) + len(mic)).bit_length()
    spectrum = np.fft.rfft(mic.astype(float), size) * np.conj(np.fft.rfft(far.astype(float), size))
    return float(np.argmax(np.fft.irfft(spectrum, size))) / rate_hz * 1000


@given(length=st.integers(1, 100), frames=st.integers(1, 8), seed=st.integers(0, 99), pause=st.integers(0, 12))
@settings(deadline=None)
def test_a_convolver_in_frames_is_the_convolution_also_after_silence(
    length: int, frames: int, seed: int, pause: int
) -> None:
    random = np.random.default_rng(seed)
    response = random.standard_normal(length).astype(np.float32)
    sound = random.standard_normal((2 * frames + pause) * 16).astype(np.float32)
    sound[frames * 16 : (frames + pause) * 16] = 0
    convolver = Convolver(response, 16)
    output = np.concatenate([convolver.process(frame) for frame in sound.reshape(-1, 16)])
    np.testing.assert_allclose(output, np.convolve(sound, response)[: len(sound)], atol=1e-3)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "hz", "gain"),
    [(48_000, 48_003, 7000, 1), (16_000, 16_001, 6000, 1), (48_000, 16_000, 5000, 1), (48_000, 16_000, 11_000, 0)],
)
def test_an_interpolator_reads_between_samples_and_keeps_aliases_out(
    from_hz: int, to_hz: int, hz: int, gain: int
) -> None:
    sound = np.sin(2 * np.pi * hz * np.arange(from_hz) / from_hz).astype(np.float32)
    places = 1000 + np.arange(to_hz // 2, dtype=np.float64) * (from_hz / to_hz)
    read = Interpolator(from_hz, to_hz).read_long(sound, places)
    error = read - gain * np.sin(2 * np.pi * hz * places / from_hz)
    assert db(float(np.sqrt(np.mean(error**2)))) < -55


def test_outside_of_a_sound_there_is_silence() -> None:
    read = Interpolator(48_000, 48_000).read_long(np.ones(100, np.float32), np.array([-500.0, -40, 50, 140, 9000]))
    np.testing.assert_allclose(read, [0, 0, 1, 0, 0], atol=0.01)


@pytest.mark.parametrize("rt60_seconds", [0.2, 0.35, 0.8])
def test_a_room_rings_for_its_time_after_a_dominant_direct_sound(rt60_seconds: float) -> None:
    response = room_response(48_000, rt60_seconds, 8, seed=3)
    assert np.argmax(np.abs(response)) == 0
    tail = response[1:].astype(float) ** 2
    assert db(1 / np.sqrt(tail.sum())) == pytest.approx(8, abs=0.1)
    left = 10 * np.log10(np.cumsum(tail[::-1])[::-1] / tail.sum())
    at_5_db, at_25_db = (np.flatnonzero(left < -level)[0] / 48_000 for level in (5, 25))
    assert 3 * (at_25_db - at_5_db) == pytest.approx(rt60_seconds, rel=0.1)
    assert not np.array_equal(response, room_response(48_000, rt60_seconds, 8, seed=4))


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_a_small_loudspeaker_has_a_band(rate_hz: int) -> None:
    gain = np.abs(np.fft.rfft(band_response(rate_hz), rate_hz))  # a bin for each Hz
    assert db(gain[1000]) == pytest.approx(0, abs=0.3 if rate_hz > 16_000 else 1)
    assert db(gain[150]) == pytest.approx(-3, abs=0.5 if rate_hz > 16_000 else 1)
    assert db(gain[50]) < -15
    if rate_hz > 16_000:
        assert db(gain[7000]) == pytest.approx(-3, abs=0.5)


def distortion(strength: float, peak: float) -> float:
    tone = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000).astype(np.float32) * np.float32(peak)
    spectrum = np.abs(np.fft.rfft(distorted(tone, strength)))
    return float(np.sqrt(np.sum(spectrum[2000:24_000:1000] ** 2)) / spectrum[1000])


def test_a_loudspeaker_distorts_loud_sounds_more_the_stronger_it_is_set() -> None:
    measured = [distortion(strength, 0.5) for strength in (0, 1.2, 4)]
    assert measured[0] < 1e-5
    assert 0.01 < measured[1] < 0.04 < 0.1 < measured[2] < 0.2
    assert all(distortion(strength, 0.01) < 0.001 for strength in (1.2, 4))


@pytest.mark.parametrize("delay_ms", [0, 80, 200.5])
def test_the_echo_comes_after_its_delay_however_the_frames_arrive(delay_ms: float) -> None:
    room = RoomSettings(delay_ms=delay_ms)
    far = noise(50 * FRAME)
    at_once = Acoustics(room).process(far)
    assert lag_ms(far, at_once, 48_000) == pytest.approx(delay_ms, abs=0.1)
    stream = Acoustics(room)
    pieces = [stream.process(far[start : start + 2 * FRAME]) for start in range(0, len(far), 2 * FRAME)]
    np.testing.assert_array_equal(np.concatenate(pieces), at_once)
    with pytest.raises(ValueError, match="whole frames of 960 samples"):
        stream.process(far[:100])


@pytest.mark.parametrize("jump_ms", [40, -40])
def test_a_jump_changes_the_delay(jump_ms: int) -> None:
    far = noise(100 * FRAME)
    mic = Acoustics(RoomSettings(jump=(1.0, jump_ms))).process(far)
    assert lag_ms(far[:40_000], mic[:47_000], 48_000) == pytest.approx(80, abs=0.1)
    assert lag_ms(far[48_000:], mic[48_000:], 48_000) == pytest.approx(80 + jump_ms, abs=0.1)


@pytest.mark.parametrize(("delay_ms", "jump"), [(-1, None), (30, (1.0, -40))])
def test_an_echo_before_its_sound_is_refused(delay_ms: float, jump: tuple[float, float] | None) -> None:
    with pytest.raises(ValueError, match="cannot come before its sound"):
        RoomSettings(delay_ms=delay_ms, jump=jump)


@pytest.mark.parametrize("gain_db", [0, -12])
@pytest.mark.parametrize("nonlinearity", [0, 1.2, 4])
def test_speech_of_minus_20_db_comes_back_with_the_gain(gain_db: float, nonlinearity: float) -> None:
    shaped = np.fft.rfft(np.random.default_rng(9).standard_normal(96_000))
    hz = np.fft.rfftfreq(96_000, 1 / 48_000)
    speech = np.fft.irfft(shaped * (hz > 100) / np.sqrt(1 + (hz / 500) ** 3))
    speech *= 0.1 / np.sqrt(np.mean(speech**2))
    room = RoomSettings(echo_gain_db=gain_db, nonlinearity=nonlinearity, noise_dbfs=None)
    mic = Acoustics(room).process(to_int16(speech.astype(np.float32)))
    assert db(active_rms(mic / 32768, 48_000)) == pytest.approx(-20 + gain_db, abs=0.5)


def test_the_echo_of_a_known_far_end_is_exactly_as_loud_as_asked() -> None:
    far = np.concatenate((noise(16_000), np.zeros(8000, np.int16), noise(16_000, seed=2)))
    room = calibrated(RoomSettings(nonlinearity=4), far, -27)
    assert db(active_rms(scene(far, settings=room).echo, 16_000)) == pytest.approx(-27, abs=0.05)


def test_noise_is_as_loud_as_asked_and_comes_from_the_seed() -> None:
    silence = np.zeros(10 * 16_000, np.int16)
    mic = heard(silence, settings=RoomSettings(noise_dbfs=-50))
    assert db(np.sqrt(np.mean((mic / 32768) ** 2))) == pytest.approx(-50, abs=0.1)
    np.testing.assert_array_equal(mic, heard(silence, settings=RoomSettings(noise_dbfs=-50)))
    assert not np.array_equal(mic, heard(silence, settings=RoomSettings(noise_dbfs=-50, seed=2)))
    assert not heard(silence, settings=RoomSettings(noise_dbfs=None)).any()


def test_noise_goes_on_without_an_end() -> None:
    room = Acoustics(RoomSettings(noise_dbfs=-50))
    frames = [room.process(np.zeros(FRAME * 7, np.int16)) for _ in range(80)]
    assert min(np.abs(frame).max() for frame in frames) > 0


def test_a_scene_is_the_sum_of_its_parts_and_a_talker_is_as_loud_as_asked_at_his_time() -> None:
    speech = noise(16_000, seed=5)
    made = scene(noise(80_000, seed=6), [(1.0, speech), (3.5, speech)], near_dbfs=-33)
    np.testing.assert_array_equal(made.mic, to_int16(made.echo + made.near + made.noise))
    np.testing.assert_array_equal(made.mic, heard(made.far, [(1.0, speech), (3.5, speech)], near_dbfs=-33))
    assert not made.near[:16_000].any()
    assert made.near[16_000:16_010].any()
    assert not made.near[45_000:56_000].any()
    assert db(active_rms(made.near[16_000:40_000], 16_000)) == pytest.approx(-33, abs=0.3)


def test_a_faster_microphone_falls_behind_the_far_end() -> None:
    far = noise(30 * 16_000)
    mic = heard(far, settings=DRY, drift_ppm=500)
    places = [at * 16_000 for at in (1, 28)]
    lags = [lag_ms(far[at - 2000 : at + 800], mic[at - 800 : at + 2400], 16_000) - 75 for at in places]
    assert lags[1] - lags[0] == pytest.approx(27 * 0.5, abs=0.2)
    steady = heard(far, settings=DRY)
    assert lag_ms(far, steady, 16_000) == pytest.approx(80, abs=0.1)


def test_a_jump_of_a_scene_is_at_its_time() -> None:
    far = noise(4 * 16_000)
    mic = heard(far, settings=RoomSettings(jump=(2.0, 40)))
    lags = [lag_ms(far[at : at + 12_000], mic[at : at + 14_500], 16_000) for at in (8000, 40_000)]
    assert lags == pytest.approx([80, 120], abs=0.2)


def test_a_sound_at_another_rate_lasts_as_long() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050).astype(np.float32)
    other = at_rate(tone, 22_050, 48_000)
    assert len(other) == 48_000
    expected = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    np.testing.assert_allclose(other[200:-200], expected[200:-200], atol=0.003)
    assert at_rate(tone, 22_050, 22_050) is tone


def test_active_speech_is_measured_without_its_pauses() -> None:
    loud = np.full(16_000, 0.1)
    assert active_rms(np.concatenate((loud, np.zeros(64_000), loud)), 16_000) == pytest.approx(0.1)
    assert active_rms(np.zeros(1000), 16_000) == 0
    assert active_rms(np.zeros(0), 16_000) == 0
    levels = [active_rms(loud * factor, 16_000) for factor in (0.1, 1, 2)]
    assert all(quieter < louder for quieter, louder in pairwise(levels))
