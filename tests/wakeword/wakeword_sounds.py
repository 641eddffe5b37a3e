"""Real speech for the tests of this folder: flite's voices in a made room."""

from __future__ import annotations

import io
import subprocess
import wave
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ

Sound = NDArray[np.int16]


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
