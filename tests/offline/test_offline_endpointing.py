"""When an utterance begins and ends: exact on made frames, right on synthetic speech, the same for every split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of
from speakerd.audio.resample import resampled
from speakerd.audio.utterances import Change, SpeechBegan, SpeechOver
from speakerd.demo.user_voice import synthesise
from speakerd.offline.endpointing import Endpointer, utterances


@pytest.mark.parametrize(
    ("frames", "changes"),
    [
        ("." * 50, []),
        ("V.V.V" + "." * 30, [SpeechBegan(0), SpeechOver(900)]),
        ("VV" + "." * 50, []),
        ("V..V..V..V", []),
        ("....VVV" + "." * 25, [SpeechBegan(120), SpeechOver(960)]),
        ("VVV" + "." * 24 + "V" + "." * 25, [SpeechBegan(0), SpeechOver(53 * 30)]),
        ("VVV" + "." * 25 + "VVV" + "." * 25, [SpeechBegan(0), SpeechOver(840), SpeechBegan(840), SpeechOver(56 * 30)]),
    ],
    ids=["silence", "a short word", "a click", "crackle", "late", "a gap within", "two utterances"],
)
def test_turns(frames: str, changes: list[Change]) -> None:
    turns = utterances(750)
    found = [turns.feed(frame == "V") for frame in frames]
    assert [change for change in found if change] == changes


@given(frames=st.lists(st.booleans(), max_size=200), silence_ms=st.integers(200, 1500))
def test_beginnings_and_ends_take_turns_and_time_goes_on(frames: list[bool], silence_ms: int) -> None:
    turns = utterances(silence_ms)
    changes = [change for change in map(turns.feed, frames) if change]
    assert all(isinstance(change, (SpeechBegan, SpeechOver)[n % 2]) for n, change in enumerate(changes))
    assert [change.at_ms for change in changes] == sorted(change.at_ms for change in changes)


def room(*parts: np.ndarray, noise_dbfs: float = -50.0) -> bytes:
    sound = np.concatenate(parts).astype(np.float64)
    noise = np.random.default_rng(3).standard_normal(len(sound)) * 32768 * 10 ** (noise_dbfs / 20)
    return bytes_of(np.clip(sound + noise, -32768, 32767).astype(np.int16))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SESSION_RATE_HZ), np.int16)


def speech(text: str, peak: int = 9000) -> np.ndarray:
    pcm, rate_hz = synthesise(text)
    sound = resampled(pcm, rate_hz, SESSION_RATE_HZ).astype(np.float64)
    return np.asarray(sound * peak / np.abs(sound).max(), np.int16)


@pytest.mark.parametrize(
    "text", ["turn on the kitchen light", "set a pasta timer for ten minutes", "stop", "how much time is left"]
)
def test_a_command_is_one_utterance(text: str) -> None:
    said = speech(text)
    changes = Endpointer(700).feed(room(silence(1.0), said, silence(2.0)))
    began, over = changes
    assert isinstance(began, SpeechBegan)
    assert 900 <= began.at_ms <= 1400  # flite begins with silence, and an s is not voiced
    end_ms = 1000 + len(said) * 1000 // SESSION_RATE_HZ
    assert end_ms + 200 <= over.at_ms <= end_ms + 900


@pytest.mark.parametrize("noise_dbfs", [-50.0, -40.0, -30.0])
def test_a_noisy_room_says_nothing(noise_dbfs: float) -> None:
    assert Endpointer(700).feed(room(silence(20.0), noise_dbfs=noise_dbfs)) == []


@pytest.mark.parametrize("noise_dbfs", [-50.0, -40.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_kitchen_hood_says_nothing(noise_dbfs: float, seed: int) -> None:
    """Pink noise, which the detector takes for speech until it has learnt it."""
    count = 20 * SESSION_RATE_HZ
    frequencies = np.fft.rfftfreq(count, 1 / SESSION_RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count)) / np.sqrt(np.maximum(frequencies, 40.0))
    noise = np.fft.irfft(spectrum, count)
    level = 32768 * 10 ** (noise_dbfs / 20) / np.sqrt(np.mean(noise**2))
    assert Endpointer(700).feed(bytes_of((noise * level).astype(np.int16))) == []


def test_a_command_that_is_under_way_when_listening_begins_is_found() -> None:
    said = speech("hey jarvis, turn on the kitchen light")[SESSION_RATE_HZ * 3 // 10 :]
    began, over = Endpointer(700).feed(room(said, silence(2.0)))
    assert isinstance(began, SpeechBegan)
    assert began.at_ms <= 300
    assert over.at_ms >= len(said) * 1000 // SESSION_RATE_HZ + 200


SOUND = room(silence(0.4), speech("stop"), silence(1.2))


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.integers(1, 9000), min_size=1, max_size=60))
def test_any_split_gives_the_same_result(pieces: list[int]) -> None:
    whole = Endpointer(700).feed(SOUND)
    endpointer, changes, at = Endpointer(700), [], 0
    for piece in pieces:
        changes += endpointer.feed(SOUND[at : at + piece])
        at += piece
    changes += endpointer.feed(SOUND[at:])
    assert changes == whole
    assert len(whole) == 2
