"""Voices: espeak-ng, or piper where it and a voice for it are installed. Programs of their own, fed through stdin.

A text is spoken sentence by sentence, so that the first sound comes early and an interruption wastes little.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, samples_of
from speakerd.audio.resample import resampled
from speakerd.errors import SpeechError
from speakerd.offline.brain import Voice
from speakerd.settings_offline import OfflineSettings

_SENTENCE_SECONDS = 20.0
_PIECE_BYTES = SESSION_RATE_HZ // 10 * 2
"""100 ms."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def voice(settings: OfflineSettings) -> Voice:
    """The voice that the settings name; raises SpeechError when its program or file is missing."""
    if not settings.voice.endswith(".onnx"):
        _require("espeak-ng", "run apt install espeak-ng")
        return Espeak(settings.voice, settings.words_per_minute)
    _require("piper", 'install it, or set "offline.voice" to a voice of espeak-ng')
    description = Path(f"{settings.voice}.json")
    try:
        rate_hz = int(json.loads(description.read_text())["audio"]["sample_rate"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpeechError(f"{description} does not describe a piper voice: put it beside the voice's .onnx.") from error
    return Piper(settings.voice, rate_hz)


@dataclass(frozen=True, slots=True)
class Espeak:
    """espeak-ng with one of its own voices."""

    name: str
    words_per_minute: int

    def speak(self, text: str) -> Iterator[bytes]:
        """See Voice."""
        command = ["espeak-ng", "--stdin", "--stdout", "-v", self.name, "-s", str(self.words_per_minute)]
        for sentence in _sentences(text):
            # Double brackets would make espeak-ng read phonemes.
            sound = _run(command, sentence.replace("[[", "[ ["))
            try:
                with wave.open(io.BytesIO(_with_true_length(sound))) as file:
                    samples = samples_of(file.readframes(file.getnframes()))
                    rate_hz = file.getframerate()
            except (wave.Error, EOFError) as error:
                raise SpeechError(
                    f'espeak-ng said nothing: check that it has the voice "{self.name}" (espeak-ng --voices).'
                ) from error
            yield from _pieces(samples, rate_hz)


@dataclass(frozen=True, slots=True)
class Piper:
    """piper with a voice from a file."""

    path: str
    rate_hz: int

    def speak(self, text: str) -> Iterator[bytes]:
        """See Voice."""
        for sentence in _sentences(text):
            sound = _run(["piper", "--model", self.path, "--output-raw"], sentence)
            yield from _pieces(samples_of(sound), self.rate_hz)


def _sentences(text: str) -> Iterator[str]:
    return (sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence)


def _pieces(samples: NDArray[np.int16], rate_hz: int) -> Iterator[bytes]:
    pcm = bytes_of(resampled(samples, rate_hz, SESSION_RATE_HZ))
    return (pcm[start : start + _PIECE_BYTES] for start in range(0, len(pcm), _PIECE_BYTES))


def _run(command: Sequence[str], text: str) -> bytes:
    program = command[0]
    try:
        ended = subprocess.run(
            command, input=text.encode(errors="replace"), capture_output=True, timeout=_SENTENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SpeechError(f"{program} did not finish a sentence within {_SENTENCE_SECONDS:.0f} seconds.") from error
    except OSError as error:
        raise SpeechError(f"{program} cannot be run ({error.strerror}): install it again.") from error
    if ended.returncode != 0:
        complaint = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SpeechError(f"{program} failed: {complaint[-1] if complaint else f'exit code {ended.returncode}'}.")
    return ended.stdout


def _with_true_length(sound: bytes) -> bytes:
    """espeak-ng writes a stream, whose WAV header claims a length of nearly 2 GiB."""
    data = sound.find(b"data")
    if data < 0:
        return sound
    length = len(sound) - data - 8
    return sound[: data + 4] + length.to_bytes(4, "little") + sound[data + 8 :]


def _require(program: str, remedy: str) -> None:
    if shutil.which(program) is None:
        raise SpeechError(f"{program} is not installed: {remedy}.")
