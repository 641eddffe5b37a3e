"""The wake word's own way: the echo is looked for where it comes, and the voice stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from echo_sounds import RATE_HZ, echo_of, in_pieces, speech_shaped
from speakerd.audio.pcm import rms_dbfs
from speakerd.audio.word_path import WordPath
from test_audio_echo import no_speex  # noqa: F401 - a fixture

SECONDS = 11
FAR = speech_shaped(SECONDS, seed=4)
LAST = slice(9 * RATE_HZ, SECONDS * RATE_HZ)


@pytest.mark.parametrize("delay_ms", [10, 90, 280, 420])
def test_an_echo_is_found_however_late_it_comes(delay_ms: float) -> None:
    near, path = echo_of(FAR, delay_ms), WordPath()
    came = in_pieces(path.process, near, FAR)
    assert len(came) == len(near)
    assert path.delay_ms == pytest.approx(delay_ms, abs=1)
    assert rms_dbfs(near[LAST]) - rms_dbfs(came[LAST]) >= 20


def test_an_echo_that_comes_sooner_than_it_did_is_found_again() -> None:
    """Another loudspeaker at the same card, for example."""
    path = WordPath()
    in_pieces(path.process, echo_of(FAR, 300), FAR)
    near = echo_of(FAR, 20)
    came = in_pieces(path.process, near, FAR)
    assert path.delay_ms == pytest.approx(20, abs=1)
    assert rms_dbfs(near[LAST]) - rms_dbfs(came[LAST]) >= 20


def test_what_is_known_of_the_delay_holds_for_the_next_answer() -> None:
    path = WordPath()
    in_pieces(path.process, echo_of(FAR, 300), FAR)
    path.begin()
    near = echo_of(FAR, 300)
    came = in_pieces(path.process, near, FAR)
    second = slice(RATE_HZ, 2 * RATE_HZ)
    assert path.delay_ms == pytest.approx(300, abs=1)
    assert rms_dbfs(near[second]) - rms_dbfs(came[second]) >= 15


def test_without_an_echo_nothing_is_taken_out() -> None:
    near = speech_shaped(SECONDS, seed=5)
    path = WordPath()
    came = in_pieces(path.process, near, FAR)
    assert path.delay_ms is None
    assert rms_dbfs(came[LAST]) == pytest.approx(rms_dbfs(near[LAST]), abs=1)


@pytest.mark.usefixtures("no_speex")
def test_without_the_linear_canceller_the_sound_passes_as_it_is_and_the_delay_is_known() -> None:
    near, path = echo_of(FAR, 90), WordPath()
    path.begin()
    np.testing.assert_array_equal(in_pieces(path.process, near, FAR), near)
    assert path.delay_ms == pytest.approx(90, abs=1)
