from __future__ import annotations

import itertools

import numpy as np
import pytest

from speakerd.audio import cues
from speakerd.audio.cues import cue_samples, ringing_samples
from speakerd.audio.pcm import SESSION_RATE_HZ, ms_of, peak_dbfs
from speakerd.core.effects import Cue


@pytest.mark.parametrize("cue", Cue)
def test_a_cue_is_short_gentle_and_does_not_click(cue: Cue) -> None:
    sound = cue_samples(cue)
    assert sound.dtype == np.int16
    assert 200 <= ms_of(len(sound), SESSION_RATE_HZ) <= 500
    assert -16 <= peak_dbfs(sound) <= -9
    assert abs(int(sound[0])) < 40
    assert abs(int(sound[-1])) < 40


def test_no_two_cues_sound_alike() -> None:
    for one, other in itertools.combinations(map(cue_samples, Cue), 2):
        shorter = min(len(one), len(other))
        assert not np.array_equal(one[:shorter], other[:shorter])


def test_no_two_cues_have_the_same_notes() -> None:
    notes = [tuple(hz for hz, _ in melody if hz) for melody in cues._MELODIES.values()]
    assert len(set(notes)) == len(notes) == len(Cue)


@pytest.mark.parametrize("cue", Cue)
def test_nothing_in_a_cue_jumps(cue: Cue) -> None:
    spectrum = np.square(np.abs(np.fft.rfft(cue_samples(cue))))
    hz = np.fft.rfftfreq(len(cue_samples(cue)), 1 / SESSION_RATE_HZ)
    assert spectrum[hz > 4000].sum() < 1e-6 * spectrum.sum(), "a click has all frequencies"


def test_the_ringing_can_be_repeated_without_a_click() -> None:
    sound = ringing_samples()
    assert 1500 <= ms_of(len(sound), SESSION_RATE_HZ) <= 3000
    assert abs(int(sound[0])) < 40
    assert not sound[-SESSION_RATE_HZ // 2 :].any()
    assert peak_dbfs(sound) > -16
