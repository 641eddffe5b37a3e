"""A recorded afternoon in a kitchen: three conversations of ten questions in all, and a television now and then.

Everything is made by flite and espeak-ng with fixed voices and seeds, so it is the same on every machine that has the
same versions of them. The pauses after questions are long enough for an answer of `ANSWER_SECONDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.audio_voices import levelled
from bench.wake_audio import spoken
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, clip_int16
from speakerd.audio.resample import resampled

ANSWER_SECONDS = 3.0
_ANSWER_SECONDS_AND_MORE = ANSWER_SECONDS + 1.2
"""Until an answer has been heard: its server waits for the end of the question, too."""
_WAKE = "hey jarvis"
_CONVERSATIONS = (
    (
        "what will the weather be like tomorrow afternoon",
        "and do I need an umbrella on the way to work",
        "how long does the bus to the station take",
        "then please set an alarm for half past six",
    ),
    (
        "how many grams of flour do I need for a pizza",
        "and how long must the dough rest before I bake it",
        "set a timer for twenty minutes please",
    ),
    (
        "which of the kitchen lights are still on",
        "turn off the one above the window",
        "thank you and what is the time now",
    ),
)
_TELEVISION = (
    "good evening and welcome to the news at eight, here are the headlines of the day",
    "the minister said that the talks would go on until the end of the week",
    "in sports, the home team won by two goals in the last five minutes of the match",
    "more rain is expected in the north, while the south stays dry and mild",
)
_INTERJECTIONS = ("", "here is the weather", "two goals to nil")
_INTERJECTION_SECONDS = 1.8
_REACTIONS_SECONDS = (1.0, 2.4, 0.6, 1.7, 3.1, 0.9, 2.0, 1.3, 2.7, 0.8)
"""How long users think before they go on."""
_TELEVISION_SECONDS = 60.0
_QUIET_SECONDS = 12.0
"""Between a conversation and the television."""
_USER_DBFS, _TELEVISION_DBFS, _ROOM_DBFS = -26.0, -38.0, -62.0
"""The user stands near the microphone, the television at the other end of the room."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What happened in the kitchen."""

    sound: NDArray[np.int16]
    """At 24 kHz."""
    wakes: tuple[float, ...]
    """Seconds at which wake words have been said."""
    questions: tuple[tuple[float, float], ...]
    """Seconds from which to which a question is asked."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return len(self.sound) / SESSION_RATE_HZ


class _Tape:
    """Sounds one after another, and the second at which the next one begins."""

    def __init__(self) -> None:
        self.pieces: list[NDArray[np.int16]] = []
        self.seconds = 0.0

    def wait(self, seconds: float) -> None:
        self.say(np.zeros(round(seconds * SESSION_RATE_HZ), np.int16))

    def say(self, sound: NDArray[np.int16]) -> None:
        self.pieces.append(sound)
        self.seconds += len(sound) / SESSION_RATE_HZ


def recorded() -> Talk:
    """The afternoon."""
    tape = _Tape()
    wakes: list[float] = []
    questions: list[tuple[float, float]] = []
    reactions = iter(_REACTIONS_SECONDS)
    for number, conversation in enumerate(_CONVERSATIONS):
        tape.wait(_QUIET_SECONDS)
        tape.say(_voice(_WAKE, number, _USER_DBFS))
        wakes.append(tape.seconds)
        for question in conversation:
            tape.wait(next(reactions) if questions else 0.3)
            began = tape.seconds
            tape.say(_voice(question, number, _USER_DBFS))
            questions.append((began, tape.seconds))
            tape.say(_answer_time(number))
        tape.wait(_QUIET_SECONDS)
        tape.say(_television(number))
    sound = np.concatenate(tape.pieces).astype(np.float64)
    hiss = np.random.default_rng(21).normal(0, 32768 * 10 ** (_ROOM_DBFS / 20), len(sound))
    return Talk(clip_int16(sound + hiss), tuple(wakes), tuple(questions))


def _answer_time(number: int) -> NDArray[np.int16]:
    """Silence while an answer is heard; in two of the conversations the television goes on in the next room."""
    silence = np.zeros(round(_ANSWER_SECONDS_AND_MORE * SESSION_RATE_HZ), np.int16)
    if number > 0:
        voice = _voice(_INTERJECTIONS[number], 4 + number, _TELEVISION_DBFS)
        start = round(_INTERJECTION_SECONDS * SESSION_RATE_HZ)
        silence[start : start + len(voice)] = voice[: len(silence) - start]
    return silence


def _television(number: int) -> NDArray[np.int16]:
    """A minute of other voices, with music of three tones under them."""
    tape = _Tape()
    chance = np.random.default_rng(number)
    while tape.seconds < _TELEVISION_SECONDS:
        tape.say(_voice(_TELEVISION[int(chance.integers(len(_TELEVISION)))], 4 + number, _TELEVISION_DBFS))
        tape.wait(float(chance.uniform(0.3, 2.0)))
    voices = np.concatenate(tape.pieces).astype(np.float64)
    times = np.arange(len(voices)) / SESSION_RATE_HZ
    music = sum(np.sin(2 * np.pi * hz * times) for hz in (220.0, 277.2, 329.6))
    return clip_int16(voices + 32768 * 10 ** ((_TELEVISION_DBFS - 15) / 20) * music)


@cache
def _voice(text: str, number: int, dbfs: float) -> NDArray[np.int16]:
    return levelled(resampled(spoken(text, number), WAKE_RATE_HZ, SESSION_RATE_HZ), dbfs)
