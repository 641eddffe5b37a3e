"""How long our own sound takes to the microphone, found from what is played and heard."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.echo_delay import EchoDelay
from speakerd.audio.pcm import clip_int16, to_int16
from speakerd.demo.acoustics import RoomSettings, heard

RATE_HZ = 16_000
LOOK = 32_768
"""Samples between two looks."""
Sound = NDArray[np.int16]


@cache
def white(seconds: float = 5.0, seed: int = 1) -> Sound:
    return np.random.default_rng(seed).normal(0, 3_000, round(seconds * RATE_HZ)).astype(np.int16)


@cache
def speech_shaped(seed: int = 1) -> Sound:
    """Syllables of noise with the spectrum of speech: most of it is below 1 kHz, and four times a second it is soft."""
    sound = white(seed=seed).astype(float)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    shaped = np.fft.irfft(np.fft.rfft(sound) / np.sqrt(1 + (hz / 500) ** 3), len(sound))
    syllables = np.clip(np.sin(2 * np.pi * 2 * np.arange(len(sound)) / RATE_HZ), 0.02, 1)
    return to_int16(shaped * syllables / 8_192)


def later(sound: Sound, ms: float) -> Sound:
    count = round(ms * RATE_HZ / 1000)
    return np.concatenate((np.zeros(count, np.int16), sound))[: len(sound)]


def with_noise(sound: Sound, echo: float, noise: float) -> Sound:
    """An echo of a tenth of full scale at most, and noise of the room."""
    return (sound * echo + np.random.default_rng(7).normal(0, noise, len(sound))).astype(np.int16)


def fed(delay: EchoDelay, near: Sound, far: Sound, piece: int = 320) -> list[bool]:
    return [
        delay.feed(near[start : start + piece], far[start : start + piece])
        for start in range(0, min(len(near), len(far)), piece)
    ]


@pytest.mark.parametrize("delay_ms", [0, 5, 21.5, 80, 200, 333, 450, 495])
@pytest.mark.parametrize(("echo", "noise"), [(0.5, 0), (0.3, 100), (0.1, 600)])
@pytest.mark.parametrize("sound", [white, speech_shaped])
def test_a_delay_is_found_in_noise(sound: object, echo: float, noise: float, delay_ms: float) -> None:
    far = white() if sound is white else speech_shaped()
    delay = EchoDelay()
    fed(delay, with_noise(later(far, delay_ms), echo, noise), far)
    assert delay.delay_ms == pytest.approx(delay_ms, abs=1)


@pytest.mark.parametrize("room", [RoomSettings(delay_ms=120), RoomSettings(delay_ms=40, nonlinearity=4)])
def test_a_delay_is_found_in_a_room_that_rings_and_distorts(room: RoomSettings) -> None:
    delay = EchoDelay()
    fed(delay, heard(speech_shaped(), settings=room), speech_shaped())
    assert delay.delay_ms == pytest.approx(room.delay_ms, abs=1)


def humming(sound: Sound) -> Sound:
    """With 100 Hz of the mains, which are the same everywhere."""
    return sound + clip_int16(2_000 * np.sin(2 * np.pi * 100 * np.arange(len(sound)) / RATE_HZ))


@pytest.mark.parametrize(
    ("near", "far"),
    [
        pytest.param(white(seed=2), white(), id="somebody else speaks"),
        pytest.param(humming(white(seed=2) // 50), humming(white() // 50), id="both hum"),
        pytest.param(speech_shaped(2), speech_shaped(), id="somebody else speaks, as loud as we do"),
        pytest.param(np.zeros_like(white()), white(), id="a deaf microphone"),
        pytest.param(white(), np.zeros_like(white()), id="we are silent"),
        pytest.param(later(white(), 50), (white() // 300).astype(np.int16), id="we are too soft to be sure"),
        pytest.param(later(white(), 620), white(), id="later than any card"),
    ],
)
def test_without_an_echo_nothing_is_found(near: Sound, far: Sound) -> None:
    delay = EchoDelay()
    assert not any(fed(delay, near, far))
    assert delay.delay_ms is None


def test_two_looks_must_agree() -> None:
    delay = EchoDelay()
    far = white(seconds=9)
    near = np.concatenate((later(far, 40)[:LOOK], later(far, 140)[LOOK : 3 * LOOK], later(far, 240)[3 * LOOK :]))
    known = []
    for start in range(0, 4 * LOOK, LOOK):
        known.append(delay.feed(near[start : start + LOOK], far[start : start + LOOK]))
        if start == 0:
            assert delay.delay_ms is None
    assert known == [False, False, True, False]
    assert delay.delay_ms == pytest.approx(140, abs=1), "what one look contradicts is still believed"


def test_a_look_without_an_echo_does_not_count_as_agreement() -> None:
    delay = EchoDelay()
    far, other = white(seconds=9), white(seconds=9, seed=5)
    near = np.concatenate((later(far, 40)[:LOOK], other[LOOK : 2 * LOOK], later(far, 40)[2 * LOOK :]))
    known = [delay.feed(near[at : at + LOOK], far[at : at + LOOK]) for at in range(0, 4 * LOOK, LOOK)]
    assert known == [False, False, False, True]


def test_a_restart_keeps_what_is_known_and_begins_a_look_anew() -> None:
    far = white(seconds=7)
    near = later(far, 70)
    delay = EchoDelay()
    assert not any(fed(delay, near[: LOOK - 320], far[: LOOK - 320]))
    delay.restart()
    known = fed(delay, near[LOOK:], far[LOOK:], piece=512)
    assert known.index(True) == 2 * LOOK // 512 - 1
    delay.restart()
    assert delay.delay_ms == pytest.approx(70, abs=1)


@settings(max_examples=12, deadline=None)
@given(pieces=st.lists(st.integers(1, 5_000), min_size=30, max_size=60))
def test_the_pieces_never_matter(pieces: list[int]) -> None:
    far = speech_shaped()
    near = with_noise(later(far, 111), 0.3, 50)
    delay, at = EchoDelay(), 0
    for piece in [*pieces, *[5_000] * 16]:
        delay.feed(near[at : at + piece], far[at : at + piece])
        at += piece
    assert delay.delay_ms == pytest.approx(111, abs=1)
