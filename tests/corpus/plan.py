"""What is made, decided by seeds alone. A voice that is missing changes nothing for the others. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal

import numpy as np

from corpus.rooms import ROOMS, heard_in
from corpus.sentences import COMMANDS, HARD_NEGATIVES, WAKE_WORDS
from corpus.sound import SAMPLE_RATE_HZ, Sound, amplitude, rms, white

SEED = 20261123
SPEEDS = (0.85, 1.0, 1.2)
NOISES: tuple[tuple[str, float | None], ...] = (("none", None), ("white", 20.0), ("babble", 10.0))
LEAD_SAMPLES = 2 * SAMPLE_RATE_HZ
"""With the word itself more than the 26 frames of 80 ms on which a score depends."""
TRAIL_SAMPLES = SAMPLE_RATE_HZ
FLOOR_DBFS = -60.0
LEVELS_DBFS = (-23.0, -30.0)
"""RMS of the voice while it speaks: near the speaker, and across the room."""
_COMMAND_GAP_SAMPLES = SAMPLE_RATE_HZ // 20
_CONDITIONS = tuple(product(ROOMS, NOISES))
_NEGATIVE_VOICES = 10


@dataclass(frozen=True, slots=True)
class Clip:
    """One short file to be made."""

    kind: Literal["positive", "hard_negative"]
    word: str
    """The wake word that it holds; empty in a hard negative."""
    text: str
    command: str
    """What follows the word at once; may be empty."""
    voice: str
    speed: float
    room: str
    noise: str
    snr_db: float | None
    level_dbfs: float

    @property
    def path(self) -> str:
        """Relative to the corpus; says everything that decides the content."""
        said = "-".join([*self.text.lower().replace(".", "").split(), *(["command"] if self.command else [])])
        return f"{self.kind}/{said}/{self.voice}-{self.speed:.2f}-{self.room}-{self.noise}.wav"

    @property
    def seed(self) -> int:
        """Of its room and its noise."""
        return seed(self.path)


def seed(*names: object) -> int:
    """A number that depends on the names alone."""
    return zlib.crc32("/".join(str(name) for name in (SEED, *names)).encode())


def positives(voices: Sequence[str], quick: bool = False) -> Iterator[Clip]:
    """Wake words by every voice: three conditions of nine at each speed, the last one with a command."""
    for voice, speed in product(voices, (1.0,) if quick else SPEEDS):
        yield from _spoken(voice, speed, "hey_jarvis", 3)
    for voice, word in product(voices, ("alexa",) if quick else ("alexa", "hey_mycroft")):
        speed = 1.0 if quick else SPEEDS[seed(voice, word) % len(SPEEDS)]
        yield from _spoken(voice, speed, word, 1 if quick else 2)


def hard_negatives(voices: Sequence[str], quick: bool = False) -> Iterator[Clip]:
    """Every phrase by some voices, in the quick form by one."""
    for text in HARD_NEGATIVES:
        in_order = sorted(voices, key=partial(seed, text))
        for voice in in_order[: 1 if quick else _NEGATIVE_VOICES]:
            rng = np.random.default_rng(seed(text, voice))
            room, (noise, snr_db) = _CONDITIONS[rng.integers(len(_CONDITIONS))]
            speed = 1.0 if quick else SPEEDS[rng.integers(len(SPEEDS))]
            level = LEVELS_DBFS[rng.integers(len(LEVELS_DBFS))]
            yield Clip("hard_negative", "", text, "", voice, speed, room, noise, snr_db, level)


def mixed(clip: Clip, spoken: Sound, command: Sound, babble: Sound) -> Sound:
    """What a microphone hears: 2 s of floor, the trimmed voice in its room and noise, 1 s of floor."""
    gap = np.zeros(_COMMAND_GAP_SAMPLES if len(command) else 0)
    voice = np.concatenate([_at_unit_level(spoken), gap, _at_unit_level(command)])
    roomy = heard_in(voice, clip.room, clip.seed)
    roomy *= amplitude(clip.level_dbfs) / rms(roomy[: len(spoken)])
    sound = np.pad(roomy, (LEAD_SAMPLES, max(0, TRAIL_SAMPLES - (len(roomy) - len(voice)))))
    sound += white(len(sound), clip.seed + 1) * amplitude(FLOOR_DBFS)
    if clip.snr_db is None:
        return sound
    noise = white(len(sound), clip.seed + 2) if clip.noise == "white" else _part(babble, len(sound), clip.seed)
    return sound + noise * (amplitude(clip.level_dbfs - clip.snr_db) / rms(noise))


def word_end_sample(spoken: Sound) -> int:
    """Where, in the file, the trimmed word ends in the direct sound."""
    return LEAD_SAMPLES + len(spoken)


def _spoken(voice: str, speed: float, word: str, count: int) -> Iterator[Clip]:
    rng = np.random.default_rng(seed(voice, speed, word))
    for turn, number in enumerate(rng.permutation(len(_CONDITIONS))[:count]):
        room, (noise, snr_db) = _CONDITIONS[number]
        command = COMMANDS[rng.integers(len(COMMANDS))] if turn == 2 else ""
        level = LEVELS_DBFS[rng.integers(len(LEVELS_DBFS))]
        yield Clip("positive", word, WAKE_WORDS[word], command, voice, speed, room, noise, snr_db, level)


def _at_unit_level(sound: Sound) -> Sound:
    return sound / rms(sound) if len(sound) else sound


def _part(babble: Sound, samples: int, number: int) -> Sound:
    return np.take(babble, np.arange(samples) + number % len(babble), mode="wrap")
