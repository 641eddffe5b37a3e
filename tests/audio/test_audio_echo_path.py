"""When the cancellers work, and what is told of them; the rooms are in test_audio_near_end.py."""

from __future__ import annotations

import numpy as np
import pytest

from echo_sounds import Sound, echo_of, speech_shaped
from speakerd.audio.barge_in import HOLD_AFTER_XRUN_MS, Talker
from speakerd.audio.echo_path import EchoPath, Heard
from speakerd.audio.pcm import rms_dbfs
from speakerd.audio.resample import Resampler

OWN = speech_shaped(12, seed=6)
TALKER = speech_shaped(12, seed=8, rms=3_000)
NOBODY: Sound = np.zeros(len(OWN), np.int16)
NOTHING: Sound = np.zeros(0, np.int16)
LINGER_PIECES = 61
"""1.2 s, in pieces of 20 ms, and the piece that ends it."""


class Path:
    """An echo path at 16 kHz, whose microphone hears an echo and perhaps a talker, in pieces of 20 ms."""

    def __init__(self) -> None:
        self.path = EchoPath(16_000, 0.0)
        self.resampler = Resampler(16_000, 24_000)
        self.played: Sound = NOTHING
        self.echoes: list[Sound] = []
        """What was heard of our own sound."""

    def go_on(self, pieces: int, *, plays: bool, talker: Sound = NOBODY, wants_levels: bool = False) -> list[Heard]:
        start, end = len(self.played), len(self.played) + pieces * 320
        self.played = np.concatenate((self.played, OWN[start:end] if plays else NOBODY[start:end]))
        echo = echo_of(self.played, 60)[start:]
        self.echoes.append(echo)
        near, found = echo + talker[start:end], []
        session = self.resampler.process(near)
        for at in range(0, pieces * 320, 320):
            far = self.played[start + at :][:320] if plays else NOTHING
            plain = session[at * 3 // 2 :][:480]
            found.append(self.path.process(plain, near[at : at + 320], far, wants_levels=wants_levels))
        return found


def talkers(found: list[Heard]) -> list[Talker]:
    return [talker for heard in found for talker in heard.talkers]


def test_while_nothing_plays_nobody_can_speak_over_it() -> None:
    path = Path()
    found = path.go_on(100, plays=False, talker=TALKER)
    assert talkers(found) == []
    assert {heard.is_talker for heard in found} == {None}
    assert not any(len(heard.far_wake) for heard in found)


def test_while_it_plays_and_until_its_echo_is_over_it_is_listened_to() -> None:
    path = Path()
    assert {heard.is_talker for heard in path.go_on(150, plays=True)} == {False}
    after = path.go_on(LINGER_PIECES + 5, plays=False)
    assert [heard.is_talker for heard in after] == [False] * (LINGER_PIECES - 1) + [None] * 6
    assert [len(heard.far_wake) for heard in after] == [320] * (LINGER_PIECES - 1) + [0] * 6


def test_a_pause_between_two_sentences_ends_nothing() -> None:
    path = Path()
    path.go_on(100, plays=True)
    assert {heard.is_talker for heard in path.go_on(LINGER_PIECES - 1, plays=False)} == {False}
    assert {heard.is_talker for heard in path.go_on(50, plays=True)} == {False}
    assert [heard.is_talker for heard in path.go_on(LINGER_PIECES, plays=False)][-2:] == [False, None]


def test_who_speaks_over_us_is_told_once_and_is_gone_when_our_own_sound_is_over() -> None:
    path = Path()
    path.go_on(200, plays=True)
    both = talkers(path.go_on(60, plays=True, talker=TALKER))
    assert both[:2] == [Talker.HINTED, Talker.HEARD]
    after = path.go_on(LINGER_PIECES, plays=False, talker=TALKER)
    assert talkers(after)[-1] is Talker.NONE
    assert after[-1].talkers == (Talker.NONE,)


def test_after_lost_samples_nobody_is_told_for_a_while() -> None:
    path = Path()
    path.go_on(200, plays=True)
    path.path.samples_lost()
    assert talkers(path.go_on(HOLD_AFTER_XRUN_MS // 20, plays=True, talker=TALKER)) == []
    assert Talker.HEARD in talkers(path.go_on(40, plays=True, talker=TALKER))


@pytest.mark.parametrize("plays", [False, True])
def test_every_10_ms_has_its_level(plays: bool) -> None:
    path = Path()
    found = path.go_on(100, plays=plays, talker=TALKER, wants_levels=True)
    assert sum(len(heard.levels) for heard in found) == 200
    assert all(not heard.levels for heard in path.go_on(10, plays=plays))


def test_the_wake_word_hears_the_talker_as_loud_as_without_our_own_sound() -> None:
    path = Path()
    path.go_on(300, plays=True)
    start = len(path.played)
    came = np.concatenate([heard.wake for heard in path.go_on(150, plays=True, talker=TALKER)])
    assert rms_dbfs(came) == pytest.approx(rms_dbfs(TALKER[start : start + len(came)]), abs=2)


def test_the_echo_of_a_second_answer_is_gone_at_once() -> None:
    """What was learnt of the room stays."""
    path = Path()
    path.go_on(250, plays=True)
    path.go_on(LINGER_PIECES + 20, plays=False)
    found = path.go_on(100, plays=True)
    left = np.concatenate([heard.session for heard in found])
    assert rms_dbfs(path.echoes[-1]) - rms_dbfs(left) >= 25
    assert talkers(found) == []
