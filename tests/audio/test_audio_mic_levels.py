"""Figures and advice for sounds of which we know what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.mic_levels import SILENCE_DBFS, MicFigures, MicLevels, advice, verdict

RATE_HZ, FRAME = 16_000, 1280
SECONDS = 8

Sound = NDArray[np.float64]


def seconds() -> Sound:
    return np.arange(RATE_HZ * SECONDS, dtype=np.float64) / RATE_HZ


def room(dbfs: float) -> Sound:
    return np.random.default_rng(4).normal(0, 32768 * 10 ** (dbfs / 20), RATE_HZ * SECONDS)


def tone(hz: float, dbfs: float) -> Sound:
    sine: Sound = 32768 * 10 ** (dbfs / 20) * np.sqrt(2) * np.sin(2 * np.pi * hz * seconds())
    return sine


def speech(dbfs: float) -> Sound:
    """A low voice, in every other second."""
    voiced = sum((tone(100 * harmonic, dbfs - 6.0) for harmonic in (1, 2, 5, 9)), np.zeros(RATE_HZ * SECONDS))
    return voiced * (seconds() % 2 < 1)


def heard(sound: Sound) -> MicLevels:
    levels = MicLevels()
    for frame in np.clip(np.rint(sound), -32768, 32767).astype(np.int16).reshape(-1, FRAME):
        levels.take(frame)
    return levels


GOOD = "The microphone is good: speech is"
NOBODY = "Nobody spoke: run it again"
TABLE: dict[str, tuple[Callable[[], Sound], float, list[str]]] = {
    "good": (lambda: room(-60) + speech(-25), 0.0, [GOOD]),
    "nobody spoke": (lambda: room(-60), 0.0, [NOBODY]),
    "dead": (lambda: np.full(RATE_HZ * SECONDS, 7.0), 0.0, ["The microphone sends one constant value: check its plug"]),
    "too quiet": (
        lambda: room(-80) + speech(-53),
        0.0,
        ["Speech is too quiet (-53 dBFS): raise the card's capture level (alsamixer, F4); where it has none, "],
    ),
    "clipping": (
        lambda: room(-60) + speech(-3),
        0.0,
        ["It clips ("],
    ),
    "clipping by our gain": (lambda: room(-60) + speech(-3), 6.0, ["It clips ("]),
    "50 Hz": (lambda: room(-60) + tone(50, -45) + speech(-20), 0.0, ["The room's sound is mostly mains hum (50 Hz)"]),
    "60 Hz": (lambda: room(-60) + tone(60, -50) + tone(180, -47), 0.0, ["The room's sound is mostly mains", NOBODY]),
    "a quiet hum harms nobody": (lambda: room(-90) + tone(50, -75) + speech(-25), 0.0, [GOOD]),
    "a noisy room": (lambda: room(-36) + speech(-24), 0.0, ["Speech is only 12 dB above the room: move the"]),
    "off centre": (lambda: room(-60) + speech(-25) + 3000, 0.0, ["Its samples are off centre by +9% of full scale"]),
}


@pytest.mark.parametrize(("sound", "gain_db", "sentences"), TABLE.values(), ids=TABLE)
def test_what_is_wrong_is_said(sound: Callable[[], Sound], gain_db: float, sentences: list[str]) -> None:
    told = verdict(heard(sound()).figures(), gain_db)
    assert [said.startswith(begin) for said, begin in zip(told, sentences, strict=True)] == [True] * len(sentences), (
        told
    )


def test_every_figure() -> None:
    figures = heard(room(-60) + speech(-25) + 328).figures()
    assert figures.seconds == SECONDS
    assert figures.noise_floor_dbfs == pytest.approx(-60, abs=0.5)
    assert figures.speech_dbfs == pytest.approx(-25, abs=0.5)
    assert figures.snr_db == pytest.approx(35, abs=1)
    assert figures.dc_offset == pytest.approx(0.01, abs=0.001)
    assert (figures.clipped_samples, figures.hum_hz, figures.is_dead) == (0, 0, False)


@pytest.mark.parametrize(
    ("speech_dbfs", "peak_dbfs", "gain_db", "advised"),
    [
        (-50.0, -30.0, 0.0, "set audio.input_gain_db to 22."),
        (-50.0, -10.0, 0.0, "set audio.input_gain_db to 7."),
        (-50.0, -30.0, 10.0, "set audio.input_gain_db to 32."),
        (-60.0, -50.0, 30.0, "set audio.input_gain_db to 40."),
    ],
)
def test_the_advised_gain_makes_speech_loud_but_clips_nothing(
    speech_dbfs: float, peak_dbfs: float, gain_db: float, advised: str
) -> None:
    figures = MicFigures(8.0, peak_dbfs, -80.0, speech_dbfs, 0, 0.0, 0, False)
    [sentence] = advice(figures, gain_db)
    assert sentence.endswith(advised)


def test_clipping_names_what_makes_it_loud() -> None:
    figures = MicFigures(8.0, 0.0, -60.0, -10.0, 900, 0.0, 0, False)
    assert "lower the card's capture level (alsamixer, F4)" in advice(figures)[0]
    assert "lower audio.input_gain_db" in advice(figures, 6.0)[0]


FLAT = np.zeros(FRAME, np.int16)
LOUD = np.resize(np.array([32_767, -32_768], np.int16), FRAME)
HALF = np.resize(np.array([16_384, -16_384], np.int16), FRAME)


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        ([], "no sound yet"),
        ([FLAT], f"-100 dBFS  [>{'.' * 40}]  peak -100"),
        ([HALF], f"  -6 dBFS  [{'#' * 37}>...]  peak   -6"),
        ([HALF, FLAT], f"-100 dBFS  [{'.' * 37}>...]  peak   -6"),
        ([HALF] + [FLAT] * 19, f"-100 dBFS  [>{'.' * 40}]  peak -100  MICROPHONE SILENT"),
        ([LOUD, HALF], f"  -6 dBFS  [{'#' * 37}...>]  peak    0  CLIPPING"),
    ],
)
def test_the_meter(frames: list[NDArray[np.int16]], line: str) -> None:
    levels = MicLevels()
    for frame in frames:
        levels.take(frame)
    assert levels.line() == line


@given(st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=5), st.integers(1, 30))
def test_levels_keep_their_order(values: list[int], frames: int) -> None:
    levels = MicLevels()
    for _ in range(frames):
        levels.take(np.resize(np.array(values, np.int16), FRAME))
    figures = levels.figures()
    assert SILENCE_DBFS <= figures.noise_floor_dbfs <= figures.peak_dbfs + 0.01 <= 0.02
    assert figures.is_dead == (len(set(values)) == 1)
    assert verdict(figures)
