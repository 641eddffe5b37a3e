"""When an utterance begins and ends: exact on made frames, right on synthetic speech, the same for every split."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_RATE_HZ, clip_int16
from speakerd.audio.resample import resampled
from speakerd.audio.utterances import Change, SpeechBegan, SpeechOver
from speakerd.audio.voice import Endpointing, Levels, PatientDetector, VoiceDetector
from speakerd.demo.user_voice import synthesise

Sound = NDArray[np.int16]
FRAMES = {
    ".": (-70.0, False),  # a quiet room
    "V": (-30.0, True),
    "q": (-58.0, True),  # a voice too soft for anybody who speaks to the speaker
    "n": (-30.0, False),  # a noise as loud as a voice
}
LEARNT = "." * 30


def changes(endpointing: Endpointing, frames: str) -> list[Change]:
    return [change for change in (endpointing.feed(*FRAMES[frame]) for frame in frames) if change]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param("." * 100, [], id="silence"),
        pytest.param(LEARNT + "V" * 8 + "." * 75, [SpeechBegan(300), SpeechOver(380 + 750)], id="a short word"),
        pytest.param(LEARNT + "V" * 7 + "." * 75, [], id="a click"),
        pytest.param(LEARNT + "V." * 8 + "." * 74, [SpeechBegan(300), SpeechOver(450 + 750)], id="8 frames of 15"),
        pytest.param(LEARNT + "V.." * 20, [], id="crackle"),
        pytest.param(LEARNT + "n" * 100, [], id="noise"),
        pytest.param(LEARNT + "q" * 100, [], id="somebody speaks in the next room"),
        pytest.param(
            LEARNT + "V" * 8 + "." * 74 + "V" + "." * 75, [SpeechBegan(300), SpeechOver(1130 + 750)], id="a gap within"
        ),
        pytest.param(
            LEARNT + "V" * 8 + "." * 75 + "V" * 8 + "." * 75,
            [SpeechBegan(300), SpeechOver(1130), SpeechBegan(1130), SpeechOver(1210 + 750)],
            id="two utterances",
        ),
        pytest.param("V" * 30, [SpeechBegan(150)], id="speech is under way, and the noise is unknown for 150 ms"),
    ],
)
def test_turns(frames: str, expected: list[Change]) -> None:
    endpointing = Endpointing(silence_ms=750)
    assert changes(endpointing, frames) == expected
    assert endpointing.is_speaking is (len(expected) % 2 == 1)


@pytest.mark.parametrize(("above_db", "count"), [(5.0, 0), (8.0, 1)])
@pytest.mark.parametrize("floor_dbfs", [-50.0, -40.0, -30.0])
def test_a_voice_must_stand_out_from_the_noise(floor_dbfs: float, above_db: float, count: int) -> None:
    endpointing = Endpointing(silence_ms=750)
    for _ in range(2500):
        endpointing.feed(floor_dbfs, False)
    found = [endpointing.feed(floor_dbfs + above_db, True) for _ in range(40)]
    assert len([change for change in found if change]) == count


def test_digital_silence_is_not_taken_for_the_noise() -> None:
    """A muted microphone sends it; what comes after it is known to be noise within 25 s."""
    endpointing = Endpointing(silence_ms=750)
    for level_dbfs, frames in ((-np.inf, 100), (-45.0, 2500)):
        assert [endpointing.feed(level_dbfs, False) for _ in range(frames)] == [None] * frames
    assert [endpointing.feed(-41.0, True) for _ in range(40)] == [None] * 40


@given(st.text(alphabet=sorted(FRAMES), max_size=400), st.integers(20, 1500))
def test_beginnings_and_ends_take_turns_and_time_goes_on(frames: str, silence_ms: int) -> None:
    found = changes(Endpointing(silence_ms), frames)
    assert all(isinstance(change, (SpeechBegan, SpeechOver)[number % 2]) for number, change in enumerate(found))
    assert all(first.at_ms <= second.at_ms for first, second in pairwise(found))
    for began, over in zip(found[::2], found[1::2], strict=False):
        assert frames[began.at_ms // 10] == "V"
        assert over.at_ms - began.at_ms >= 80
        assert "V" not in frames[(over.at_ms - silence_ms + 9) // 10 : over.at_ms // 10]


@given(st.text(alphabet="V.", max_size=300), st.integers(20, 700), st.integers(0, 700))
def test_more_patience_finds_no_more_ends(frames: str, silence_ms: int, more_ms: int) -> None:
    ends = [
        sum(isinstance(change, SpeechOver) for change in changes(Endpointing(ms), frames))
        for ms in (silence_ms, silence_ms + more_ms)
    ]
    assert ends[0] >= ends[1]


def room(*parts: Sound, noise_dbfs: float = -50.0) -> Sound:
    sound = np.concatenate(parts).astype(np.float64)
    return clip_int16(sound + np.random.default_rng(3).standard_normal(len(sound)) * 32768 * 10 ** (noise_dbfs / 20))


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * WAKE_RATE_HZ), np.int16)


def speech(text: str, peak: int = 9000) -> Sound:
    pcm, rate_hz = synthesise(text)
    sound = resampled(pcm, rate_hz, WAKE_RATE_HZ).astype(np.float64)
    return clip_int16(sound * peak / np.abs(sound).max())


def utterances(sound: Sound, silence_ms: int = 700) -> list[Change]:
    endpointing = Endpointing(silence_ms)
    return [change for change in (endpointing.feed(*frame) for frame in Levels().of(sound)) if change]


@pytest.mark.parametrize(
    "text", ["turn on the kitchen light", "set a pasta timer for ten minutes", "stop", "how much time is left"]
)
@pytest.mark.parametrize("noise_dbfs", [-60.0, -50.0])
def test_a_command_is_one_utterance(text: str, noise_dbfs: float) -> None:
    said = speech(text)
    began, over = utterances(room(silence(1.0), said, silence(2.0), noise_dbfs=noise_dbfs))
    assert isinstance(began, SpeechBegan)
    assert 900 <= began.at_ms <= 1400  # flite begins with silence, and an s is not voiced
    end_ms = 1000 + len(said) * 1000 // WAKE_RATE_HZ
    assert end_ms + 200 <= over.at_ms <= end_ms + 900


def test_two_commands_are_two() -> None:
    said = speech("turn on the kitchen light")
    found = utterances(room(silence(0.5), said, silence(1.5), said, silence(1.5)))
    assert [type(change) for change in found] == [SpeechBegan, SpeechOver] * 2


@pytest.mark.parametrize("noise_dbfs", [-50.0, -40.0, -30.0])
def test_a_noisy_room_says_nothing(noise_dbfs: float) -> None:
    assert utterances(room(silence(10.0), noise_dbfs=noise_dbfs)) == []


@pytest.mark.parametrize("noise_dbfs", [-50.0, -40.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_kitchen_hood_says_nothing(noise_dbfs: float, seed: int) -> None:
    """Pink noise, which detectors take for speech until they have learnt it."""
    count = 10 * WAKE_RATE_HZ
    frequencies = np.fft.rfftfreq(count, 1 / WAKE_RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count)) / np.sqrt(np.maximum(frequencies, 40.0))
    noise = np.fft.irfft(spectrum, count)
    assert utterances(clip_int16(noise * 32768 * 10 ** (noise_dbfs / 20) / np.sqrt(np.mean(noise**2)))) == []


def test_a_command_that_is_under_way_when_listening_begins_is_found() -> None:
    """The detector tells nothing of the first half second that it hears."""
    said = speech("hey jarvis, turn on the kitchen light")[WAKE_RATE_HZ * 3 // 10 :]
    began, over = utterances(room(said, silence(2.0)))
    assert isinstance(began, SpeechBegan)
    assert began.at_ms <= 800
    assert over.at_ms >= len(said) * 1000 // WAKE_RATE_HZ + 200


SOUND = room(silence(0.4), speech("stop"), silence(1.2))


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_any_split_gives_the_same_levels(pieces: list[int]) -> None:
    levels, found, at = Levels(), [], 0
    for piece in [*pieces, len(SOUND)]:
        found += levels.of(SOUND[at : at + piece])
        at += piece
    assert found == Levels().of(SOUND)
    assert len(found) == len(SOUND) // 160


def test_a_voice_is_told_from_a_tone_and_a_stricter_detector_is_less_often_sure() -> None:
    said = room(speech("set a pasta timer for ten minutes"), noise_dbfs=-60)
    frames = said[: len(said) // 160 * 160].reshape(-1, 160)
    shares = []
    for threshold in (0.2, 0.5, 0.9):
        detector = VoiceDetector(threshold)
        shares.append(np.mean([detector.is_voice(frame) for frame in frames]))
    assert shares == sorted(shares, reverse=True)
    assert shares[1] > 0.5
    tone = clip_int16(6000 * np.sin(2 * np.pi * 1000 * np.arange(160 * 300) / WAKE_RATE_HZ)).reshape(-1, 160)
    detector = VoiceDetector()
    assert np.mean([detector.is_voice(frame) for frame in tone][50:]) < 0.1


@pytest.mark.parametrize("every", [1, 7, 60])
def test_a_patient_detector_says_what_one_says_that_hears_all_at_once(every: int) -> None:
    said = room(speech("set a pasta timer for ten minutes"), noise_dbfs=-60)
    frames = said[: len(said) // 160 * 160].reshape(-1, 160)
    patient, ordinary = PatientDetector(), VoiceDetector()
    expected = [ordinary.is_voice(frame) for frame in frames]
    assert {True, False} == set(expected)
    for number, frame in enumerate(frames):
        patient.take(frame)
        if number % every == 0:
            assert patient.is_voice() is expected[number]


def test_of_a_long_time_in_which_nobody_asked_the_last_seconds_are_remembered() -> None:
    noise = room(silence(12.0), noise_dbfs=-40)
    frames = noise[: len(noise) // 160 * 160].reshape(-1, 160)
    patient, late = PatientDetector(), VoiceDetector()
    for frame in frames:
        patient.take(frame)
    said = room(speech("stop"), noise_dbfs=-40)[: 160 * 40].reshape(-1, 160)
    for frame in frames[-499:]:
        late.is_voice(frame)
    for frame in said:
        patient.take(frame)
        assert patient.is_voice() is late.is_voice(frame)


def test_levels_are_those_of_each_frame() -> None:
    sound = np.concatenate((np.full(160, 32767), np.full(160, 328), np.zeros(160), np.full(100, 9))).astype(np.int16)
    assert [level for level, _ in Levels().of(sound)] == pytest.approx([0.0, -40.0, -np.inf], abs=0.01)
