"""What the microphone hears of the room: unchanged without a canceller, in step with it, and without our own sound."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.barge_in import Talker
from speakerd.audio.echo_path import Heard
from speakerd.audio.near_end import NearEnd
from speakerd.audio.pcm import clip_int16, rms_dbfs
from speakerd.audio.resample import Resampler
from speakerd.demo.acoustics import RoomSettings, Scene, calibrated, scene, spoken
from speakerd.demo.acoustics_filters import to_int16
from speakerd.demo.user_voice import synthesise

Sound = NDArray[np.int16]
RATES_HZ = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000]
SILENCE: Sound = np.zeros(0, np.int16)


def tones(rate_hz: int, seconds: float) -> Sound:
    """Three tones that every rate can carry: the same sound at each."""
    at = np.arange(round(rate_hz * seconds)) / rate_hz
    return clip_int16(np.sum([3_000 * np.sin(2 * np.pi * hz * at + hz) for hz in (310, 1_130, 3_090)], axis=0))


@dataclass
class Ears:
    """All that came out of a near end."""

    session: list[Sound] = field(default_factory=list)
    wake: list[Sound] = field(default_factory=list)
    far: list[Sound] = field(default_factory=list)
    talkers: list[tuple[float, Talker]] = field(default_factory=list)
    is_talker: list[bool | None] = field(default_factory=list)

    def take(self, heard: Heard, seconds: float = 0.0) -> None:
        self.session.append(heard.session)
        self.wake.append(heard.wake)
        self.far.append(heard.far_wake)
        self.talkers += [(seconds, talker) for talker in heard.talkers]
        self.is_talker.append(heard.is_talker)

    def sound(self, rate_hz: int) -> Sound:
        return np.concatenate(self.session if rate_hz == 24_000 else self.wake)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_without_a_canceller_every_sample_passes_at_once_and_unchanged(rate_hz: int) -> None:
    near_end, ears = NearEnd(rate_hz, cancels_echo=False), Ears()
    sound = np.random.default_rng(1).integers(-9_000, 9_000, rate_hz // 2).astype(np.int16)
    to_session, to_wake, to_far = Resampler(rate_hz, 24_000), Resampler(rate_hz, 16_000), Resampler(rate_hz, 16_000)
    step = rate_hz // 50
    for at in range(0, len(sound), step):
        piece, far = sound[at : at + step], sound[::-1][at : at + step]
        heard = near_end.process(piece, far)
        ears.take(heard)
        np.testing.assert_array_equal(heard.session, to_session.process(piece))
        np.testing.assert_array_equal(heard.wake, to_wake.process(piece))
        assert (heard.talkers, heard.is_talker, heard.levels) == ((), None, ())
    played = np.concatenate(ears.far)
    expected = to_far.process(sound[::-1])
    np.testing.assert_array_equal(played[len(played) - len(expected) :], expected)
    assert near_end.echo_delay_ms is None


@pytest.mark.parametrize("cancels_echo", [False, True])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_of_two_channels_the_mean_is_heard(rate_hz: int, cancels_echo: bool) -> None:
    one, two = (NearEnd(rate_hz, channels, cancels_echo=cancels_echo) for channels in (1, 2))
    sound = np.random.default_rng(1).integers(-9_000, 9_000, rate_hz // 10).astype(np.int16)
    both = np.stack((sound - 3, sound + 3), axis=1).reshape(-1)
    for far in (SILENCE, sound):
        mono, mean = one.process(sound, far), two.process(both, far)
        np.testing.assert_array_equal(mono.session, mean.session)
        np.testing.assert_array_equal(mono.wake, mean.wake)


@pytest.mark.parametrize("cancels_echo", [False, True])
def test_levels_are_told_only_where_they_are_wanted(cancels_echo: bool) -> None:
    sound = tones(16_000, 1.0)
    for wants_levels in (False, True):
        near_end = NearEnd(16_000, cancels_echo=cancels_echo, wants_levels=wants_levels)
        levels = near_end.process(sound, SILENCE).levels
        assert len(levels) == (100 if wants_levels else 0)
    assert levels[50][0] == pytest.approx(rms_dbfs(sound), abs=0.5)


def late_ms(sound: Sound, rate_hz: int, seconds: float) -> float:
    """By how much the tones come late, as found in 0.2 s from a time on."""
    place = np.arange(round(seconds * rate_hz), round((seconds + 0.2) * rate_hz))
    waves = np.exp(2j * np.pi * np.outer([310, 1_130], place / rate_hz))
    phases = np.angle(waves.conj() @ sound[place] * np.exp(-1j * (np.array([310, 1_130]) - np.pi / 2)))
    # 310 Hz tells the delay up to 3.2 ms, the difference to 1130 Hz up to 1.2 ms, both together up to 100 ms.
    candidates = np.arange(0, 0.05, 1e-5)
    off = np.exp(1j * (phases[:, None] + 2 * np.pi * np.outer([310, 1_130], candidates)))
    return float(candidates[np.argmax(off.real.sum(axis=0))] * 1000)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_with_a_canceller_silence_and_own_sound_leave_both_streams_in_step(rate_hz: int) -> None:
    """Late by a constant, before, while and after our own sound plays; what stands here has nothing of it."""
    near_end, ears = NearEnd(rate_hz, cancels_echo=True), Ears()
    sound = tones(rate_hz, 4.0)
    far = np.random.default_rng(2).normal(0, 3_000, len(sound)).astype(np.int16)
    step = 2 * (rate_hz // 100)
    for at in range(0, len(sound), step):
        plays = 1.5 < at / rate_hz < 2.0
        ears.take(near_end.process(sound[at : at + step], far[at : at + step] if plays else SILENCE))
    session, wake = ears.sound(24_000), ears.sound(16_000)
    assert abs(len(session) * 2 / 3 - len(wake)) <= 160
    late = [late_ms(sound, hz, at) for sound, hz in ((session, 24_000), (wake, 16_000)) for at in (0.5, 3.6)]
    assert late == pytest.approx([late[0]] * 4, abs=0.02)
    assert late[0] <= 12.1
    for stream, hz in ((session, 24_000), (wake, 16_000)):
        place = np.arange(hz // 2, hz)
        expected = np.sum(
            [3_000 * np.sin(2 * np.pi * one * (place / hz - late[0] / 1000) + one) for one in (310, 1_130, 3_090)],
            axis=0,
        )
        assert np.sqrt(np.mean((stream[place] - expected) ** 2)) < 40


def test_when_our_own_sound_begins_again_nothing_is_heard_of_the_last_time() -> None:
    near_end, ears = NearEnd(48_000, cancels_echo=True), Ears()
    sound = tones(48_000, 3.0)
    far = np.random.default_rng(2).integers(-2, 3, len(sound)).astype(np.int16)
    for at in range(0, len(sound), 960):
        plays = at / 48_000 < 0.5 or at / 48_000 >= 2.5
        ears.take(near_end.process(sound[at : at + 960], far[at : at + 960] if plays else SILENCE))
    place = np.arange(round(2.4 * 24_000), round(2.53 * 24_000))
    expected = np.sum(
        [3_000 * np.sin(2 * np.pi * hz * (place / 24_000 - 0.01) + hz) for hz in (310, 1_130, 3_090)], axis=0
    )
    np.testing.assert_allclose(ears.sound(24_000)[place], expected, atol=40)


@settings(max_examples=25, deadline=None)
@given(
    rate_hz=st.sampled_from(RATES_HZ),
    pieces=st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), min_size=1, max_size=40),
)
def test_no_order_of_sound_and_silence_loses_a_sample(rate_hz: int, pieces: list[tuple[int, bool, bool]]) -> None:
    near_end, ears = NearEnd(rate_hz, cancels_echo=True), Ears()
    far = np.random.default_rng(2).normal(0, 3_000, rate_hz).astype(np.int16)
    captured = 0
    for ms, plays, was_lost in pieces:
        count = ms * rate_hz // 1000
        captured += count
        ears.take(near_end.process(far[:count][::-1], far[:count] if plays else SILENCE, was_lost=was_lost))
    missing = captured / rate_hz - len(ears.sound(24_000)) / 24_000
    assert 0 <= missing <= 0.020
    assert abs(captured / rate_hz - len(ears.sound(16_000)) / 16_000) <= 0.010


@pytest.mark.parametrize("rate_hz", [11_025, 22_050, 48_000, 192_000])
def test_the_delay_is_told_as_it_is_at_any_rate(rate_hz: int) -> None:
    """Also where pieces are no whole frames; the card's own reports are no longer than 960 samples."""
    near_end = NearEnd(rate_hz, cancels_echo=True)
    far = np.random.default_rng(3).normal(0, 3_000, round(rate_hz * 4.6)).astype(np.int16)
    near = np.concatenate((np.zeros(rate_hz // 10, np.int16), far // 2))
    step = min(960, 2 * (rate_hz // 100))
    near_end.process(np.zeros(rate_hz // 130, np.int16), SILENCE)
    for at in range(0, len(far), step):
        near_end.process(near[at : at + step][: len(far) - at], far[at : at + step])
    assert near_end.echo_delay_ms == pytest.approx(100, abs=1)


# With rooms


def active(sound: Sound, dbfs: float) -> Sound:
    loud = sound[np.abs(sound) > 300].astype(float)
    return clip_int16(sound.astype(float) * 32768 * 10 ** (dbfs / 20) / np.sqrt(np.mean(loud**2)))


@cache
def own_speech() -> Sound:
    text = (
        "The weather in the next days will be sunny, with some clouds in the afternoon and light winds from the west. "
    )
    text += "On Saturday it may rain a little, and in the night it will be colder than before."
    return active(synthesise(text)[0], -20)[: 10 * 16_000]


@cache
def commands() -> list[Sound]:
    said = (("stop it please", "rms"), ("no, wait a moment", "awb"), ("thank you, that is enough", "slt"))
    return [active(np.trim_zeros(synthesise(text, voice=voice)[0]), -20) for text, voice in said]


ROOMS = {
    "base": (RoomSettings(), 0.0),
    "200 ms": (RoomSettings(delay_ms=200), 0.0),
    "jump": (RoomSettings(jump=(4.0, 40.0)), 0.0),
    "distortion": (RoomSettings(nonlinearity=4), 0.0),
    "drift": (RoomSettings(), 60.0),
}
TALK_SECONDS = (4.5, 6.5, 8.5)


@cache
def made(kind: str) -> Scene:
    room, drift_ppm = ROOMS[kind]
    return scene(own_speech(), settings=calibrated(room, own_speech(), -25), drift_ppm=drift_ppm)


def listened(mic: Sound, far: Sound) -> tuple[NearEnd, Ears]:
    near_end, ears = NearEnd(16_000, cancels_echo=True), Ears()
    for at in range(0, len(mic), 320):
        ears.take(near_end.process(mic[at : at + 320], far[at : at + 320]), (at + 320) / 16_000)
    return near_end, ears


@pytest.mark.parametrize("kind", ROOMS)
def test_our_own_speech_is_taken_out_and_is_nobody(kind: str) -> None:
    sound = made(kind)
    near_end, ears = listened(sound.mic, sound.far)
    echo_dbfs, left_dbfs = rms_dbfs(sound.mic[5 * 16_000 :]), rms_dbfs(ears.sound(24_000)[5 * 24_000 :])
    assert echo_dbfs - left_dbfs >= 20
    assert Talker.HEARD not in [talker for _, talker in ears.talkers]
    room, _ = ROOMS[kind]
    assert near_end.echo_delay_ms == pytest.approx(room.delay_seconds(9.0) * 1000, abs=2)


@pytest.mark.parametrize("kind", ROOMS)
def test_talkers_as_loud_as_the_echo_are_heard_soon(kind: str) -> None:
    sound, onsets = made(kind), []
    near = np.zeros(len(sound.far), np.float32)
    for seconds, command in zip(TALK_SECONDS, commands(), strict=True):
        start = round(seconds * 16_000)
        said = spoken(command, 16_000, -25, ROOMS[kind][0], 16_000)[: len(near) - start]
        near[start : start + len(said)] += said
        onsets.append(seconds + int(np.argmax(np.abs(said) > 0.01)) / 16_000)
    _, ears = listened(to_int16(sound.echo + near + sound.noise), sound.far)
    heard = [seconds for seconds, talker in ears.talkers if talker is Talker.HEARD]
    for onset in onsets:
        assert any(onset < seconds <= onset + 0.4 for seconds in heard)
        assert any(ears.is_talker[round(onset * 50) : round((onset + 0.4) * 50)]), "the wake word may be said now"
