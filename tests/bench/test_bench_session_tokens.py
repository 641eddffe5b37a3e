"""What is counted of conversations, in fast time and with real voices."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bench.audio_voices import levelled
from bench.session_others import HABITS, others
from bench.session_ours import WAYS, ours
from bench.session_talk import Talk
from bench.wake_audio import spoken
from fast_loop import run_fast
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, clip_int16
from speakerd.audio.resample import resampled


def talk_of(questions: int) -> Talk:
    """Somebody asks in one breath with the wake word, which nobody says aloud, and goes on after each answer."""
    question = levelled(resampled(spoken("what is the time", 0), WAKE_RATE_HZ, SESSION_RATE_HZ), -26.0)
    silence = np.zeros(round(5.5 * SESSION_RATE_HZ), np.int16)
    sound = np.concatenate([silence, *[question, silence] * questions, silence])
    return Talk(clip_int16(sound + np.random.default_rng(1).normal(0, 20, len(sound))), (5.4,), ((5.5, 7.0),))


@pytest.mark.parametrize("name", WAYS)
def test_one_answer_bills_what_the_user_said_and_two_bill_it_again_with_the_answer(tmp_path: Path, name: str) -> None:
    one, two = (run_fast(ours(talk_of(count), WAYS[name], tmp_path / str(count))) for count in (1, 2))
    assert (one.answers, one.sessions, two.answers, two.sessions) == (1, 1, 2, 1)
    assert one.audio_in_tokens == pytest.approx(10 * one.committed_seconds, abs=1)
    # The second answer: what was said first, the first answer of 3 s, what was said then.
    second = 10 * one.committed_seconds + 20 * 3.0 + 10 * (two.committed_seconds - one.committed_seconds)
    assert two.audio_in_tokens == pytest.approx(one.audio_in_tokens + second, abs=4)
    assert 1.0 < one.committed_seconds <= one.sent_seconds


@pytest.mark.parametrize("name", HABITS)
def test_others_are_billed_by_the_same_rules(tmp_path: Path, name: str) -> None:
    talk = talk_of(1)
    bill = run_fast(others(talk, HABITS[name], tmp_path / "socket"))
    assert (bill.answers, bill.sessions) == (1, 1)
    assert bill.audio_in_tokens == math.ceil(round(10 * bill.committed_seconds, 6))
    # All is sent but while the answer plays; one of them goes on until nothing is left, the other until it is quiet.
    assert bill.sent_seconds < talk.seconds - 2.9
    assert bill.sent_seconds > bill.committed_seconds


def test_sound_that_is_not_sent_saves_nothing_where_only_speech_is_kept(tmp_path: Path) -> None:
    saving, plain = (run_fast(ours(talk_of(1), WAYS[name], tmp_path / name)) for name in ("saving", "plain"))
    assert saving.sent_seconds < plain.sent_seconds
    assert saving.audio_in_tokens == pytest.approx(plain.audio_in_tokens, abs=2)
