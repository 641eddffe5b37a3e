"""Real speech for the tests of this folder: flite's voices in a made room, heard by the real engine."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from speakerd.core.events import Event, WakeWordHeard
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.ears import WakeWordEars
from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ
from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine

Sound = NDArray[np.int16]


def engine(word: str = "hey_jarvis") -> OpenWakeWordEngine:
    """The one real engine for a word; the models come from the default folder, where pip puts them if need be."""
    return _engine(word)


@cache
def said(text: str, voice: str = "slt", stretch: float = 1.0) -> Sound:
    """What a voice of flite says, 16 kHz, with a peak of 8000."""
    command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", "/dev/stdout"]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE_HZ, 1, 2)
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    loud: Sound = (sound * (8000 / np.abs(sound.astype(int)).max())).astype(np.int16)
    return loud


def pause(seconds: float) -> Sound:
    """Nobody speaks."""
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)


def room(*sounds: Sound, noise: float = 30, seed: int = 1) -> Sound:
    """The sounds one after the other in a room with white noise of a standard deviation, in whole frames."""
    together = np.concatenate(sounds)
    together = np.pad(together, (0, -len(together) % FRAME_SAMPLES))
    hiss = np.random.default_rng(seed).standard_normal(len(together)) * noise
    return np.clip(together + hiss, -32768, 32767).astype(np.int16)


def frames(sound: Sound) -> Iterator[tuple[Sound, int]]:
    """Each frame with the position after it."""
    for end in range(FRAME_SAMPLES, len(sound) + 1, FRAME_SAMPLES):
        yield sound[end - FRAME_SAMPLES : end], end


def scores(sound: Sound, word: str = "hey_jarvis") -> list[float]:
    """The score after each frame; the engine goes on from what it heard before."""
    return [engine(word).score(frame) for frame, _ in frames(sound)]


def heard(sound: Sound, settings: WakeWordSettings | None = None) -> list[WakeWordHeard]:
    """What freshly armed ears report of a sound."""
    settings = settings or WakeWordSettings()
    events: list[Event] = []
    ears = WakeWordEars(settings, engine(settings.word), events.append)
    ears.rearm()
    for frame, end_sample in frames(sound):
        ears.hear(frame, end_sample)
    return [event for event in events if isinstance(event, WakeWordHeard)]


@cache
def _engine(word: str) -> OpenWakeWordEngine:
    folder = models.default_folder()
    models.fetch(folder)
    paths = models.verified(folder, [word])
    return OpenWakeWordEngine(paths[word], paths["melspectrogram"], paths["embedding_model"])
