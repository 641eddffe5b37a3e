"""What a story puts into the room, and what the card needs to be built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError


def test_speech_is_mixed_into_the_room_resampled_and_clipped(tmp_path: Path) -> None:
    card = FakeCard(tmp_path, channels=1)
    start = card.say(np.full(16000, 30000, np.int16), 16000, lead_ms=500)
    assert 24000 <= start < card.mic_position() + 24000
    room = np.fromfile(tmp_path / "mic.raw", np.int16)
    assert len(room) == start + 48000
    assert not room[:start].any()
    np.testing.assert_allclose(room[start + 4800 : start + 43200], 30000, atol=2)
    card.say(np.full(16000, 30000, np.int16), 16000, lead_ms=600)
    assert np.fromfile(tmp_path / "mic.raw", np.int16)[start + 20000] == 32767


def room_noise(folder: Path, seed: int) -> NDArray[np.float64]:
    """One period of 10 s, from wherever it began."""
    FakeCard(folder, channels=1).fill_room_noise(11, -40, seed)
    return np.fromfile(folder / "mic.raw", np.int16)[-480_000:].astype(np.float64)


def test_room_noise_is_pink_as_loud_as_asked_and_the_same_for_a_seed(tmp_path: Path) -> None:
    noise = room_noise(tmp_path / "card", seed=3)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2)) / 32768) == pytest.approx(-40, abs=0.1)
    power = np.abs(np.fft.rfft(noise)) ** 2  # 0.1 Hz for each bin
    octaves = [power[low : 2 * low].sum() for low in (1000, 10_000, 100_000)]
    np.testing.assert_allclose(octaves, octaves[0], rtol=0.2)
    np.testing.assert_array_equal(noise, room_noise(tmp_path / "same", seed=3))
    assert not np.array_equal(noise, room_noise(tmp_path / "other", seed=4))


@pytest.mark.parametrize(
    ("compiler", "sentence"),
    [
        (None, "needs a C compiler: apt install gcc libc6-dev libasound2-dev"),
        ("echo 'fatal error: alsa/asoundlib.h: No such file' >&2; exit 1", "needs the headers of ALSA: apt install"),
        ("echo 'internal error' >&2; exit 1", "cannot be compiled: internal error"),
    ],
)
def test_what_is_missing_for_building_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str | None, sentence: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if compiler is not None:
        (programs / "gcc").write_text(f"#!/bin/sh\n{compiler}\n")
        (programs / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(AudioDeviceError, match=sentence):
        FakeCard(tmp_path / "card")
    assert list((tmp_path / "cache" / "speakerd").iterdir()) == []
