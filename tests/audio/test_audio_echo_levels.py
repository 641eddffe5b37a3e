"""How loud our own sound comes back, before and after it was taken out: made sounds, figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.echo_levels import EchoFigures, EchoLevels
from speakerd.audio.pcm import WAKE_RATE_HZ

PIECE = 480
ROOM_DBFS, ECHO_DBFS = -60.0, -25.0
SILENT, SPOKEN = 2.0, 10.0

Sound = NDArray[np.int16]


def noise(seconds: float, dbfs: float, seed: int) -> Sound:
    loudness = 32768 * 10 ** (dbfs / 20)
    return np.random.default_rng(seed).normal(0, loudness, round(seconds * WAKE_RATE_HZ)).astype(np.int16)


def figures(near: Sound, clean: Sound, far: Sound, piece: int = PIECE) -> EchoFigures:
    levels = EchoLevels()
    for start in range(0, len(near), piece):
        levels.take(*(sound[start : start + piece] for sound in (near, clean, far)))
    return levels.figures()


def played(
    left_dbfs: float, *, echo_dbfs: float = ECHO_DBFS, room_dbfs: float = ROOM_DBFS
) -> tuple[Sound, Sound, Sound]:
    """Silence, sound and silence: near, clean and far end; the canceller leaves so much after nearly 5 s."""
    room = noise(2 * SILENT + SPOKEN, room_dbfs, seed=1)
    far = np.zeros_like(room)
    sounding = slice(round(SILENT * WAKE_RATE_HZ), round((SILENT + SPOKEN) * WAKE_RATE_HZ))
    far[sounding] = noise(SPOKEN, -20.0, seed=2)
    near, clean = room.copy(), room.copy()
    near[sounding] += noise(SPOKEN, echo_dbfs, seed=2)
    clean[sounding] += noise(SPOKEN, left_dbfs, seed=2)
    learning = slice(sounding.start, sounding.start + round(4.9 * WAKE_RATE_HZ))
    clean[learning] = near[learning]
    return near, clean, far


def test_the_room_the_echo_and_what_is_left_of_it() -> None:
    found = figures(*played(-50.0))
    assert found.room_dbfs == pytest.approx(ROOM_DBFS, abs=0.3)
    assert found.loudest_dbfs == pytest.approx(ROOM_DBFS, abs=1.0)
    # Half a second of reverberation is looked at, too, in which there is none here.
    assert found.echo_dbfs == pytest.approx(ECHO_DBFS, abs=0.6)
    assert found.left_dbfs == pytest.approx(-50.0, abs=0.8)
    assert found.erle_db == pytest.approx(25.0, abs=0.5)
    assert found.above_room_db == pytest.approx(35.0, abs=0.8)
    assert found.echo_seconds == pytest.approx(SPOKEN - 5 + 0.5, abs=0.1)
    assert found.clipped_samples == 0


def test_a_noisy_room_does_not_make_the_canceller_look_bad() -> None:
    found = figures(*played(-70.0, room_dbfs=-45.0))
    assert found.left_dbfs == pytest.approx(-45.0, abs=0.3)
    assert found.erle_db >= 25.0


def test_without_an_echo_nothing_was_cancelled() -> None:
    near, _, far = played(-90.0, echo_dbfs=-90.0)
    found = figures(near, near, far)
    assert found.above_room_db == pytest.approx(0.0, abs=0.3)
    assert found.erle_db == pytest.approx(0.0, abs=0.1)


@settings(max_examples=30, deadline=None)
@given(cancelled_db=st.integers(0, 30), piece=st.sampled_from([160, 320, 480, 1280]))
def test_erle_is_what_was_taken_from_the_echo(cancelled_db: int, piece: int) -> None:
    near, clean, far = played(ECHO_DBFS - cancelled_db, room_dbfs=-90.0)
    assert figures(near, clean, far, piece).erle_db == pytest.approx(cancelled_db, abs=0.2)


def test_a_noise_counts_only_while_we_are_silent() -> None:
    near, clean, far = played(-50.0)
    near[5 * WAKE_RATE_HZ : 6 * WAKE_RATE_HZ] += 3000  # in the middle of our speech
    assert figures(near, clean, far).loudest_dbfs < -58
    near[-WAKE_RATE_HZ // 2 :] += 1000
    found = figures(near, clean, far)
    assert found.loudest_dbfs == pytest.approx(20 * np.log10(1000 / 32768), abs=0.3)
    assert found.room_dbfs == pytest.approx(ROOM_DBFS, abs=0.5)


def test_the_crackle_of_a_microphone_that_opens_is_no_noise() -> None:
    near, clean, far = played(-50.0)
    near[: WAKE_RATE_HZ // 4] = 8000
    assert figures(near, clean, far).loudest_dbfs < -58


def test_samples_at_full_scale_are_counted_while_we_speak() -> None:
    near, clean, far = played(-50.0)
    near[100:200] = 32_767
    near[4 * WAKE_RATE_HZ : 4 * WAKE_RATE_HZ + 123] = -32_768
    assert figures(near, clean, far).clipped_samples == 123


def test_what_keeps_a_sink_awake_is_no_sound_and_nothing_is_no_failure() -> None:
    room = noise(3.0, ROOM_DBFS, seed=1)
    awake = np.random.default_rng(3).integers(-1, 2, len(room)).astype(np.int16)
    found = figures(room, room, awake)
    assert (found.echo_seconds, found.erle_db) == (0.0, 0.0)
    assert EchoLevels().figures().echo_seconds == 0.0
