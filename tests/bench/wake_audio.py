"""What the engines hear: speech made on the spot by flite and espeak-ng, or the corpus; always the same for all.

Every draw of chance has a seed. A wake word said alone ends where its sound ends, so the end of the word is known.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.wake_engines import FRAME_SAMPLES
from speakerd.audio.resample import Resampler
from speakerd.wakeword.engine import SAMPLE_RATE_HZ

Sound = NDArray[np.int16]

_LONGEST_SAMPLES = 300 * SAMPLE_RATE_HZ

_FLITE_VOICES = ("slt", "kal16", "rms", "awb")
_ESPEAK_VOICES = ("en-us", "en-gb", "en-gb-scotland")
_SENTENCES = (
    "turn on the kitchen light and tell me what the weather will be tomorrow",
    "hey Charles, are you coming to the harvest festival with us",
    "he gave his dog a biscuit in the garden while the kettle boiled",
    "okay google, computer, stop, set a timer for ten minutes",
    "the quick brown fox jumps over the lazy dog, and nobody was surprised",
    "hey Jervis, the train to the north leaves at a quarter past seven",
)


@dataclass(frozen=True, slots=True)
class Said:
    """A wake word in a sound, in samples from its beginning."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A sound in whole frames and the wake words in it."""

    sound: Sound
    said: tuple[Said, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sound) / SAMPLE_RATE_HZ


def made(seconds: float) -> Scene:
    """Voices, "hey jarvis" and sentences in changing noise, a seventh of it digital silence or noise alone."""
    chance = np.random.default_rng(11)
    pieces, said, position = [], [], 0
    for number in range(10_000):
        if position >= seconds * SAMPLE_RATE_HZ:
            break
        word, sentence = spoken("hey jarvis", number), spoken(_SENTENCES[number % len(_SENTENCES)], number + 3)
        level = float(chance.uniform(0.15, 1.0))
        piece = np.concatenate([_pause(1.0), word, _pause(1.5), sentence, _pause(1.0)]) * level
        noise = chance.normal(0, (0, 10, 60, 200)[number % 4], len(piece))
        start = position + round(1.0 * SAMPLE_RATE_HZ)
        said.append(Said(start, start + len(word)))
        pieces.append(np.clip(piece + noise, -32768, 32767).astype(np.int16))
        position += len(piece)
    sound = np.concatenate(pieces)[: round(seconds * SAMPLE_RATE_HZ)]
    return Scene(_whole_frames(sound), tuple(word for word in said if word.end + SAMPLE_RATE_HZ < len(sound)))


def quiet_room(minutes: float) -> Scene:
    """Soft broadband noise and hum at -60 dBFS, then one wake word."""
    chance = np.random.default_rng(12)
    count = round(minutes * 60 * SAMPLE_RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES
    hiss = np.convolve(chance.standard_normal(count), 0.7 ** np.arange(16), mode="same")
    room = hiss / hiss.std() + 0.3 * np.sin(np.arange(count) * (2 * np.pi * 50 / SAMPLE_RATE_HZ))
    quiet = np.round(room / room.std() * 32768 * 10 ** (-60 / 20)).astype(np.int16)
    word = spoken("hey jarvis", 0)
    sound = np.concatenate([quiet, word, quiet[:SAMPLE_RATE_HZ]])
    return Scene(_whole_frames(sound), (Said(count, count + len(word)),))


def clips(corpus: Path, kind: str, word: str = "") -> Scene:
    """Every "positive" of a word, or every "hard_negative", each after a second and a half of faint noise."""
    chance = np.random.default_rng(13)
    pieces, said, position = [], [], 0
    for entry in _entries(corpus, {kind}):
        if (entry.get("word") or "") != word:
            continue
        gap = chance.normal(0, 5, round(1.5 * SAMPLE_RATE_HZ)).astype(np.int16)
        sound = _read(corpus / entry["path"])
        start = position + len(gap)
        said.append(Said(start, start + int(entry.get("word_end_sample") or len(sound))))
        pieces += [gap, sound]
        position = start + len(sound)
    return Scene(_whole_frames(np.concatenate([*pieces, _pause(1.5)])), tuple(said))


def negatives(corpus: Path, seconds: float) -> Iterator[Sound]:
    """Sounds of the corpus without a wake word, kinds mixed by chance, until there are enough; five minutes at most."""
    entries = list(_entries(corpus, {"speech", "music", "noise"}))
    order = np.random.default_rng(14).permutation(len(entries))
    total = 0.0
    for number in order:
        if total >= seconds:
            return
        sound = _whole_frames(_read(corpus / entries[number]["path"])[: round((seconds - total) * SAMPLE_RATE_HZ)])
        total += len(sound) / SAMPLE_RATE_HZ
        yield from (sound[start : start + _LONGEST_SAMPLES] for start in range(0, len(sound), _LONGEST_SAMPLES))


def mixed(corpus: Path, word: str, seconds: float) -> Scene:
    """The corpus's wake words, as many as fill a tenth of the time, then sounds without any."""
    said = clips(corpus, "positive", word)
    share = said.sound[: round(seconds / 10) * SAMPLE_RATE_HZ // FRAME_SAMPLES * FRAME_SAMPLES]
    sound = np.concatenate([share, *negatives(corpus, seconds - len(share) / SAMPLE_RATE_HZ)])
    return Scene(sound, tuple(word for word in said.said if word.end + SAMPLE_RATE_HZ < len(share)))


def default_corpus() -> Path:
    """Where scripts/corpus puts it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "speakerd" / "corpus"


def _entries(corpus: Path, kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
    manifest = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    return (entry for entry in manifest["files"] if entry["kind"] in kinds)


def spoken(text: str, number: int) -> Sound:
    """What one of the voices says, with a peak of 12000, without the silence around it."""
    voices = len(_FLITE_VOICES) + len(_ESPEAK_VOICES)
    voice = number % voices
    if voice < len(_FLITE_VOICES):
        stretch = f"duration_stretch={(0.9, 1.0, 1.15)[number % 3]}"
        command = ["flite", "-voice", _FLITE_VOICES[voice], "--setf", stretch, "-t", text, "-o", "/dev/stdout"]
    else:
        rate = str((140, 155, 170)[number % 3])
        command = ["espeak-ng", "-v", _ESPEAK_VOICES[voice - len(_FLITE_VOICES)], "-s", rate, "--stdout", text]
    sound = decoded(subprocess.run(command, capture_output=True, check=True).stdout).astype(np.float32)
    sound *= 12000 / np.abs(sound).max()
    (loud,) = np.nonzero(np.abs(sound) > 240)  # 34 dB below the peak
    return sound[loud[0] : loud[-1] + 1].astype(np.int16)


def _read(path: Path) -> Sound:
    return decoded(path.read_bytes())


def decoded(content: bytes) -> Sound:
    with wave.open(io.BytesIO(content)) as file:
        rate_hz, channels = file.getframerate(), file.getnchannels()
        # A WAV from a pipe does not know its length: what is there is read.
        sound = np.frombuffer(file.readframes(min(file.getnframes(), len(content) // 2)), np.int16)[::channels]
    if rate_hz == SAMPLE_RATE_HZ:
        return sound
    resampler = Resampler(rate_hz, SAMPLE_RATE_HZ)
    return np.concatenate([resampler.process(sound), resampler.drain()])


def _pause(seconds: float) -> Sound:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)


def _whole_frames(sound: Sound) -> Sound:
    return sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES]
