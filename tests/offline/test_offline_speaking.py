"""The voices: real espeak-ng, a piper that we play, and one sentence for everything that is missing or fails."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from speakerd.audio.pcm import SESSION_RATE_HZ, samples_of
from speakerd.errors import SpeechError
from speakerd.offline.speaking import Piper, voice
from speakerd.settings import OfflineSettings


def program(folder: Path, name: str, script: str) -> Path:
    """Put a program of ours first on the path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return folder


def seconds(pieces: list[bytes]) -> float:
    return sum(map(len, pieces)) / 2 / SESSION_RATE_HZ


def test_espeak_speaks_in_pieces_of_whole_samples() -> None:
    pieces = list(voice(OfflineSettings()).speak("The kitchen light is on. Anything else?"))
    assert {len(piece) % 2 for piece in pieces} == {0}
    assert max(map(len, pieces)) == SESSION_RATE_HZ // 10 * 2
    assert 1.5 < seconds(pieces) < 5
    assert np.abs(samples_of(b"".join(pieces))).max() > 3000


def test_brackets_and_broken_characters_are_read_like_any_others() -> None:
    speak = voice(OfflineSettings()).speak
    assert list(speak("The [[h@l'oU]] lamp is on.")) == list(speak("The [ [h@l'oU]] lamp is on."))
    assert seconds(list(speak("It is \ud800 on."))) > 0.5


def test_slower_is_longer() -> None:
    slow, quick = (list(voice(OfflineSettings(words_per_minute=w)).speak("Good morning to you.")) for w in (90, 300))
    assert seconds(slow) > 1.5 * seconds(quick)


def test_the_first_sound_needs_only_the_first_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'bin', 'piper', f'cat >> {log}; head -c 4800 /dev/zero')}:/bin")
    said = Piper("voice.onnx", SESSION_RATE_HZ).speak("One. Two! Three?")
    assert [len(piece) for piece in islice(said, 1)] == [4800]
    assert log.read_text() == "One."
    assert len(list(said)) == 2
    assert log.read_text() == "One.Two!Three?"


def test_piper_is_used_for_a_voice_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'bin', 'piper', 'cat > /dev/null; head -c 32000 /dev/zero')}:/bin")
    model = tmp_path / "joe.onnx"
    Path(f"{model}.json").write_text(json.dumps({"audio": {"sample_rate": 16_000}}))
    pieces = list(voice(OfflineSettings(voice=str(model))).speak("Hello."))
    assert seconds(pieces) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("chosen", "script", "sentence"),
    [
        ("en-gb", None, "espeak-ng is not installed: run apt install espeak-ng."),
        ("joe.onnx", None, 'piper is not installed: install it, or set "offline.voice" to a voice of espeak-ng.'),
        ("en-gb", "echo broken >&2; exit 3", "espeak-ng failed: broken."),
        ("en-gb", "exit 3", "espeak-ng failed: exit code 3."),
        ("xx", "true", 'espeak-ng said nothing: check that it has the voice "xx" (espeak-ng --voices).'),
    ],
)
def test_what_is_missing_or_fails_is_one_sentence(
    chosen: str, script: str | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = program(tmp_path / "bin", "espeak-ng", script) if script else tmp_path
    monkeypatch.setenv("PATH", f"{folder}:/bin" if script else str(folder))
    with pytest.raises(SpeechError) as caught:
        list(voice(OfflineSettings(voice=chosen)).speak("Hello."))
    assert str(caught.value) == sentence


def test_a_piper_voice_without_its_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{program(tmp_path / 'bin', 'piper', 'true')}:/bin")
    with pytest.raises(SpeechError, match=r"joe\.onnx\.json does not describe a piper voice"):
        voice(OfflineSettings(voice=str(tmp_path / "joe.onnx")))
