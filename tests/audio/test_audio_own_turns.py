"""The user's turns as found on the device: when nothing need be sent, and what must be fed at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.own_turns import OwnTurns, TurnRules
from speakerd.audio.utterances import SpeechBegan, SpeechOver

QUIET, VOICE = (-70.0, False), (-30.0, True)


def fed(turns: OwnTurns, frame: tuple[float, bool], count: int) -> list[SpeechBegan | SpeechOver]:
    return [change for change in (turns.feed(*frame) for _ in range(count)) if change]


@pytest.mark.parametrize(
    ("finds_turns", "trims_silence", "wants_levels"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_levels_are_wanted_only_for_something(finds_turns: bool, trims_silence: bool, wants_levels: bool) -> None:
    turns = OwnTurns(TurnRules(finds_turns, trims_silence))
    assert (turns.finds_turns, turns.wants_levels) == (finds_turns, wants_levels)


def test_an_utterance_is_found_and_ends_after_the_silence_that_was_asked_for() -> None:
    turns = OwnTurns(TurnRules(finds_turns=True, silence_ms=400))
    assert fed(turns, QUIET, 50) == []
    assert fed(turns, VOICE, 30) == [SpeechBegan(500)]
    assert turns.is_speaking
    assert fed(turns, QUIET, 39) == []
    assert fed(turns, QUIET, 1) == [SpeechOver(1200)]
    assert not turns.is_speaking


def test_after_two_seconds_of_silence_nothing_need_be_sent() -> None:
    turns = OwnTurns(TurnRules(trims_silence=True))
    fed(turns, QUIET, 199)
    assert not turns.may_rest
    fed(turns, QUIET, 1)
    rested = turns.may_rest
    fed(turns, VOICE, 1)
    assert (rested, turns.may_rest) == (True, False), "the first sign of a voice is enough"


def test_silence_within_an_utterance_is_no_rest() -> None:
    turns = OwnTurns(TurnRules(trims_silence=True, silence_ms=3000))
    fed(turns, QUIET, 50)
    fed(turns, VOICE, 20)
    fed(turns, QUIET, 290)
    assert turns.is_speaking
    assert not turns.may_rest


def test_a_session_that_opens_is_sent_two_seconds_whoever_speaks() -> None:
    turns = OwnTurns(TurnRules(trims_silence=True))
    fed(turns, QUIET, 500)
    turns.uplink_opened()
    fed(turns, QUIET, 199)
    assert not turns.may_rest
    fed(turns, QUIET, 1)
    assert turns.may_rest


def test_silence_is_sent_unless_it_is_to_be_trimmed() -> None:
    turns = OwnTurns(TurnRules(finds_turns=True))
    fed(turns, QUIET, 1000)
    assert not turns.may_rest


def test_a_restart_ends_an_utterance_without_a_word() -> None:
    turns = OwnTurns(TurnRules(finds_turns=True))
    fed(turns, VOICE, 50)
    turns.restart()
    assert not turns.is_speaking
    assert fed(turns, VOICE, 50) == [SpeechBegan(150)], "time begins anew, and the noise is unknown again"


@given(st.lists(st.tuples(st.sampled_from([QUIET, VOICE]), st.integers(1, 120)), max_size=20))
def test_nothing_rests_within_two_seconds_of_any_voice(stretches: list[tuple[tuple[float, bool], int]]) -> None:
    turns = OwnTurns(TurnRules(trims_silence=True))
    since_voice_ms = 0
    for frame, count in stretches:
        for _ in range(count):
            turns.feed(*frame)
            since_voice_ms = 0 if frame is VOICE or turns.is_speaking else since_voice_ms + 10
            assert turns.may_rest is (since_voice_ms >= 2000)
