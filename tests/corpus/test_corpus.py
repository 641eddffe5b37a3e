from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import plan, recordings, rooms, sound
from corpus.plan import Clip
from corpus.sound import SAMPLE_RATE_HZ, amplitude, rms

VOICES = [f"voice-{number}" for number in range(40)]
WORD = np.sin((1 + np.arange(SAMPLE_RATE_HZ)) * 0.3)
BABBLE = sound.coloured(5 * SAMPLE_RATE_HZ, 1, 1)


def clip(room: str = "dry", noise: str = "none", snr_db: float | None = None, level_dbfs: float = -23.0) -> Clip:
    return Clip("positive", "alexa", "alexa", "", "voice", 1.0, room, noise, snr_db, level_dbfs)


def everything(voices: list[str], quick: bool = False) -> list[Clip]:
    return [*plan.positives(voices, quick), *plan.hard_negatives(voices, quick)]


@pytest.mark.parametrize("quick", [False, True])
def test_the_plan_is_the_same_each_time_and_no_two_files_have_one_name(quick: bool) -> None:
    clips = everything(VOICES, quick)
    assert clips == everything(VOICES, quick)
    assert len({each.path for each in clips}) == len(clips)
    assert len({each.seed for each in clips}) == len(clips)


def test_a_missing_voice_changes_no_positive_of_the_others() -> None:
    others = [each for each in plan.positives(VOICES) if each.voice != VOICES[7]]
    assert list(plan.positives([*VOICES[:7], *VOICES[8:]])) == others


def test_the_full_plan_holds_what_is_to_be_measured() -> None:
    positives = list(plan.positives(VOICES))
    jarvis = [each for each in positives if each.word == "hey_jarvis"]
    assert 500 <= len(positives) <= 1000
    assert len(jarvis) == len(VOICES) * len(plan.SPEEDS) * 3
    assert {(each.room, each.noise) for each in jarvis} == {(r, n) for r in rooms.ROOMS for n, _ in plan.NOISES}
    assert sum(bool(each.command) for each in jarvis) == len(jarvis) // 3
    assert {each.voice for each in plan.hard_negatives(VOICES)} == set(VOICES)


@given(st.sampled_from(["small", "large"]), st.integers(0, 2**32 - 1))
def test_rooms_conserve_energy_and_never_delay(room: str, number: int) -> None:
    response = rooms.impulse(room, number)
    assert np.sum(response**2) == pytest.approx(1)
    assert np.argmax(np.abs(response)) == 0


def test_the_dry_room_changes_nothing_and_the_large_one_rings_longer_than_the_small_one() -> None:
    np.testing.assert_allclose(rooms.heard_in(WORD, "dry", 1), WORD, atol=1e-12)
    tails = [rms(rooms.heard_in(WORD, room, 1)[len(WORD) + 800 :][:8000]) for room in ("small", "large")]
    assert tails[0] < tails[1] / 2


@pytest.mark.parametrize("level_dbfs", plan.LEVELS_DBFS)
@pytest.mark.parametrize("room", rooms.ROOMS)
def test_the_voice_is_as_loud_as_asked_and_the_pauses_are_not_digital_silence(room: str, level_dbfs: float) -> None:
    mixed = plan.mixed(clip(room, level_dbfs=level_dbfs), WORD, np.zeros(0), BABBLE)
    end = plan.word_end_sample(WORD)
    assert rms(mixed[plan.LEAD_SAMPLES : end]) == pytest.approx(amplitude(level_dbfs), rel=0.01)
    assert rms(mixed[: plan.LEAD_SAMPLES]) == pytest.approx(amplitude(plan.FLOOR_DBFS), rel=0.05)
    assert len(mixed) >= end + plan.TRAIL_SAMPLES


@pytest.mark.parametrize(("noise", "snr_db"), [("white", 20.0), ("babble", 10.0)])
def test_the_noise_lies_as_far_below_the_voice_as_asked(noise: str, snr_db: float) -> None:
    silent = plan.mixed(clip(), WORD, np.zeros(0), BABBLE)
    noisy = plan.mixed(clip(noise=noise, snr_db=snr_db), WORD, np.zeros(0), BABBLE)
    assert rms(noisy - silent) == pytest.approx(amplitude(-23 - snr_db), rel=0.02)


def test_a_command_follows_the_word_and_is_as_loud() -> None:
    alone = plan.mixed(clip(), WORD, np.zeros(0), BABBLE)
    mixed = plan.mixed(clip(), WORD, WORD / 100, BABBLE)
    end = plan.word_end_sample(WORD)
    assert len(mixed) == len(alone) + len(WORD) + SAMPLE_RATE_HZ // 20
    command = mixed[end + SAMPLE_RATE_HZ // 20 :][: len(WORD)]
    assert rms(command) == pytest.approx(rms(mixed[plan.LEAD_SAMPLES : end]), rel=0.02)


@pytest.mark.parametrize("from_hz", [8000, 11025, 22050, 24000, 44100, 48000, 128000])
def test_resampling_keeps_a_tone(from_hz: int) -> None:
    instants = np.arange(2 * from_hz) / from_hz
    at_16k = sound.resampled(np.sin(2 * np.pi * 440 * instants), from_hz)
    expected = np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    assert len(at_16k) == len(expected)
    np.testing.assert_allclose(at_16k[2000:-2000], expected[2000:-2000], atol=0.01)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_trimming_takes_silence_away_and_no_sound(before: int, after: int) -> None:
    trimmed = sound.trimmed(np.pad(WORD, (before, after)))
    assert 0 <= len(trimmed) - len(WORD) < 320
    assert np.sum(trimmed**2) == pytest.approx(np.sum(WORD**2))


def test_silence_trims_to_nothing() -> None:
    assert len(sound.trimmed(np.zeros(1000))) == 0


def test_a_file_is_16_khz_mono_int16_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "word.wav"
    sound.write(path, WORD * 1.5)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE_HZ, 1, 2)
    np.testing.assert_allclose(sound.read(path), np.clip(WORD * 1.5, -1, 1), atol=2**-15)
    assert sound.seconds(path) == 1
    assert [each.name for each in path.parent.iterdir()] == ["word.wav"]


def test_the_game_archive_gives_up_its_sentences() -> None:
    head = b"QTBL" + b"CEM10\0\0\0" + b"\x01" + (2).to_bytes(2, "big")
    start = len(head) + 2 * 21
    entries = [
        name.ljust(12, b"\0") + b"\x01" + at.to_bytes(4, "big") + size.to_bytes(4, "big")
        for name, at, size in [(b"ONE.SB", start, 3), (b"TWELVE_LETTE", start + 3, 2)]
    ]
    archive = head + b"".join(entries) + b"abcde"
    assert list(recordings.game_entries(archive)) == [("ONE.SB", b"abc"), ("TWELVE_LETTE", b"de")]
    with pytest.raises(ValueError, match="begin with QTBL"):
        list(recordings.game_entries(b"RIFF"))
