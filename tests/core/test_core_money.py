"""Stories of the owner's limits on what endpoints cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.budget import Budget, spoken_usd
from speakerd.core.derived import serving
from speakerd.core.lights import Light, light
from speakerd.core.sentences import CONVERSATION_CAP, limit_sentence
from speakerd.core.state import Idle, Listening
from speakerd.core.step import step
from stories import ANSWERING, CENT, CLOUD, OFFLINE, TALKING, TWO, WAKE, played, spoken

BUDGET = Budget(50 * CENT, 100 * CENT, 1000 * CENT, 30 * CENT)
THRIFTY = replace(TWO, budget=BUDGET)
ALONE = replace(THRIFTY, endpoints=(CLOUD,))


def spent(cents: int, *, month: int = 0, conversation: int = 0, session: int = 1, day: str = "2026-11-26") -> on.Spent:
    return on.Spent(session, day, cents * CENT, (month or cents) * CENT, conversation * CENT)


@pytest.mark.parametrize(
    ("booked", "kind", "goes_on"),
    [
        (spent(49, conversation=29), None, True),
        (spent(50), "warning 2026-11-26", True),
        (spent(100), "day 2026-11-26", False),
        (spent(100, month=1000), "month 2026-11", False),
        (spent(1, month=1000), "month 2026-11", False),
    ],
)
def test_a_limit_is_told_when_the_answer_is_over(booked: on.Spent, kind: str | None, goes_on: bool) -> None:
    state, effects = played(THRIFTY, *ANSWERING, booked, on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    assert light(state) is Light.SPEAKING
    assert effects == []
    state, effects = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Listening) is goes_on
    state, effects = (state, effects) if not goes_on else step(state, on.EndAsked())
    if kind is None:
        assert spoken(effects) == []
    elif not goes_on:
        assert spoken(effects) == [limit_sentence(kind, BUDGET, booked, goes_on=True)]
        assert light(state) is Light.OVER_BUDGET


def test_a_limit_is_told_once_and_again_the_next_day() -> None:
    told = []
    state = played(ALONE, on.CardFound())[0]
    for cents, day in ((60, 26), (70, 26), (101, 26), (102, 26), (50, 27)):
        state, effects = step(state, spent(cents, day=f"2026-11-{day}"))
        told += spoken(effects)
        state, effects = step(state, on.PlayoutEnded(do.announcement_item(state.announced), 1, cut_short=False))
    assert [sentence.split()[0] for sentence in told] == ["Talking", "Today's", "Talking"]


def test_what_was_spent_before_the_start_is_not_told_but_kept_to() -> None:
    state, effects = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION))
    assert (effects, light(state)) == ([], Light.OVER_BUDGET)
    state, effects = step(state, WAKE)
    assert isinstance(state.phase, Idle)
    assert do.PlayCue(do.Cue.OVER_BUDGET) in effects
    assert spoken(effects) == ["Today's limit of 1 dollar is used up. I cannot answer until tomorrow."]
    state, _ = step(state, spent(0, session=on.NO_SESSION, day="2026-11-27"))
    assert do.OpenSession(1) in step(state, WAKE)[1]


def test_past_the_cap_the_endpoint_that_costs_nothing_serves() -> None:
    state, _ = played(THRIFTY, on.CardFound(), spent(100, session=on.NO_SESSION))
    assert serving(state) == 1
    assert do.OpenSession(1, 1) in step(state, WAKE)[1]


def test_a_written_question_past_the_cap_is_refused_with_the_reason() -> None:
    state, _ = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION))
    _, effects = step(state, on.TextAsked(3, "hi"))
    [refusal] = [effect for effect in effects if isinstance(effect, do.RefuseAsk)]
    assert "limit of 1 dollar" in refusal.reason


def test_a_conversation_that_costs_too_much_ends_and_says_so() -> None:
    state, _ = played(THRIFTY, *ANSWERING, spent(31, conversation=30), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, effects = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Idle)
    assert spoken(effects) == [CONVERSATION_CAP.format(limit="30 cents")]
    assert serving(state) == 0


def test_no_output_of_a_tool_is_answered_past_the_cap() -> None:
    called = (*TALKING, on.ResponseCreated(1, "r1"), on.ToolCalled(1, "r1", "c1", "clock", "{}"))
    ended = (spent(100), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, effects = played(THRIFTY, *called, *ended, on.ToolFinished(1, "c1", "noon"))
    assert isinstance(state.phase, Idle)
    assert do.CreateResponse(1) not in effects


def test_the_assistant_on_the_device_may_talk_as_long_as_it_likes() -> None:
    rules = replace(THRIFTY, endpoints=(OFFLINE, CLOUD))
    state, _ = played(rules, *ANSWERING, spent(0, month=1000), on.ResponseEnded(1, "r1", on.Status.COMPLETED))
    state, _ = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Listening)


@pytest.mark.parametrize(
    ("cents", "words"),
    [(0, "0 cents"), (1, "1 cent"), (100, "1 dollar"), (250, "2 dollars and 50 cents"), (101, "1 dollar and 1 cent")],
)
def test_money_as_it_is_spoken(cents: int, words: str) -> None:
    assert spoken_usd(cents * CENT) == words
