"""What is said in the audio bench: our own long speech, what people say over it, and wake words; all synthetic."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import count, cycle
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.wake_audio import decoded, spoken
from speakerd.audio.pcm import SESSION_RATE_HZ, clip_int16
from speakerd.audio.resample import resampled
from speakerd.wakeword.engine import SAMPLE_RATE_HZ

VOICE_RATE_HZ = SAMPLE_RATE_HZ
OWN_DBFS = -20.0
_FEWEST_LOUD = 0.01
"""Amplitude of what counts as speech and not as a pause, relative to the peak of the frame that is loudest."""
_OWN = (
    "The forecast for tomorrow is mild, with a little rain in the morning and some sun in the late afternoon.",
    "Your next appointment is at a quarter past nine, in the small room on the second floor.",
    "To make the dough, mix four cups of flour with a spoon of salt, and add the water slowly while you stir.",
    "The harbour was built in the eighteenth century, and most of its warehouses are homes and workshops today.",
    "There are seven trains before noon; the fastest of them takes two hours and forty minutes.",
    "A gentle stretch before you go to bed may help, but do not force it if your back hurts.",
    "The garden service comes every other Tuesday, and the harvest festival begins on the first of October.",
    "In chess, the knight is the only piece that may jump over the others, which makes it strong in crowded positions.",
    "I have set the heating to nineteen degrees until ten o'clock, and to sixteen degrees during the night.",
    "The river rises in the hills to the north, passes three lakes, and reaches the sea near the old lighthouse.",
    "He jarred the door a little, as if to say that visitors were welcome, and went back to his chair.",
    "Light travels about three hundred thousand kilometres in one second, and needs eight minutes from the sun to us.",
)
_OVER = (
    "stop it please, that is enough",
    "wait a moment, what did you say about the morning",
    "no, I meant the other one",
    "could you turn it down a little",
    "and how long does it take by bus",
    "thank you, that will do",
    "hold on, somebody is at the door",
    "tell me about the weather instead",
)
_WAKE = "hey jarvis"
_WAKE_NUMBERS = (1, 2, 14, 8, 9, 15, 16)
"""Voices and paces of flite (slt, kal16, rms) that are heard well across a quiet room: what is missed there (awb, and
slt but for its slowest) would tell nothing about playout."""


def own_speech(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Sentences of one voice without end, 24 kHz, at the level of a loud answer."""
    chance = Random(seed)  # noqa: S311 - an order, no secrets
    pieces: list[NDArray[np.int16]] = []
    sentences = [_own_sentence(number) for number in range(len(_OWN))]
    while sum(map(len, pieces)) < seconds * SESSION_RATE_HZ:
        chance.shuffle(sentences)
        pieces += sentences
    return np.concatenate(pieces)[: round(seconds * SESSION_RATE_HZ)]


def over_speech() -> Iterator[NDArray[np.int16]]:
    """What people say over our own speech, in all voices in turn, 16 kHz, silence cut off; without an end."""
    return (spoken(_OVER[number % len(_OVER)], number) for number in count())


def wake_words() -> Iterator[NDArray[np.int16]]:
    """The wake word, as `over_speech`."""
    return (spoken(_WAKE, number) for number in cycle(_WAKE_NUMBERS))


def _own_sentence(number: int) -> NDArray[np.int16]:
    command = ["espeak-ng", "-v", "en-gb", "-s", "160", "--stdout", _OWN[number]]
    sound = resampled(decoded(subprocess.run(command, capture_output=True, check=True).stdout), 16_000, SESSION_RATE_HZ)
    return levelled(sound, OWN_DBFS)


def levelled(sound: NDArray[np.int16], dbfs: float) -> NDArray[np.int16]:
    """The same sound with this RMS where it is no pause."""
    frames = sound[: len(sound) // 480 * 480].reshape(-1, 480).astype(np.float64)
    powers = (frames**2).mean(axis=1)
    loud = powers[powers > powers.max() * _FEWEST_LOUD]
    gain = 32768 * 10 ** (dbfs / 20) / np.sqrt(loud.mean())
    return clip_int16(sound * gain)
