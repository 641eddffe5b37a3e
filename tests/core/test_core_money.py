"""Stories of the owner's limits on what endpoints cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.budget import Budget, spoken_usd
from speakerd.core.derived import serving
from speakerd.core.lights import Light, light
from speakerd.core.sentences import CONVERSATION_CAP, GIVEN_UP, limit_sentence
from speakerd.core.state import Idle, Listening, Thinking
from speakerd.core.step import step
from stories import (
    ANSWERING,
    CENT,
    CLOUD,
    NO_CREDIT,
    OFFLINE,
    TALKING,
    TWO,
    WAKE,
    closed,
    played,
    spoken,
)

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
    state, effects = step(state, on.CueEnded(do.Cue.OVER_BUDGET))
    assert spoken(effects) == ["Today's limit of 1 dollar is used up. I cannot answer until tomorrow."]
    state, _ = step(state, spent(0, session=on.NO_SESSION, day="2026-11-27"))
    assert state.fault is None
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


NEXT_DAY = spent(0, session=on.NO_SESSION, day="2026-11-27")
CALLED = (*TALKING, on.ResponseCreated(1, "r1"), on.ToolCalled(1, "r1", "c1", "clock", "{}"))
ENDED = on.ResponseEnded(1, "r1", on.Status.COMPLETED)


def test_no_output_of_a_tool_is_answered_past_the_cap_while_the_model_still_speaks() -> None:
    speaking = (*CALLED, on.AnswerStarted(1, "r1", "a1"), spent(100), ENDED)
    state, effects = played(THRIFTY, *speaking, on.ToolFinished(1, "c1", "noon"))
    assert effects == [do.SendToolOutput(1, "c1", "noon")]
    state, effects = step(state, on.PlayoutEnded("a1", 900, cut_short=False))
    assert isinstance(state.phase, Idle)
    assert do.PlayCue(do.Cue.OVER_BUDGET) in effects


@pytest.mark.parametrize(
    ("before", "booked"),
    [(TALKING[:4], spent(100)), (TALKING, spent(100)), (TALKING, spent(31, conversation=30)), (CALLED, spent(100))],
    ids=["the user speaks", "an answer is owed", "an answer is owed in a dear conversation", "a tool runs"],
)
def test_past_the_cap_no_session_that_costs_money_is_opened_again(
    before: tuple[on.Event, ...], booked: on.Spent
) -> None:
    """What was lost with the connection is booked before or after that is known."""
    for rest in ((booked, closed(1)), (closed(1), booked)):
        state, effects = played(THRIFTY, *before, *rest)
        assert isinstance(state.phase, Idle)
        assert state.cues == {do.Cue.OVER_BUDGET}
        assert not [effect for effect in effects if isinstance(effect, do.OpenSession)]


def test_a_cap_that_is_reached_while_a_session_opens_is_kept_to() -> None:
    """The last answer of the conversation before may be booked late."""
    state, effects = played(THRIFTY, on.CardFound(), WAKE, spent(100, session=0))
    assert effects[:2] == [do.CloseSession(1), do.OpenSession(2, 1)]
    state, effects = played(ALONE, on.CardFound(), on.TextAsked(3, "hi"), spent(100, session=0))
    assert [type(effect) for effect in effects[:3]] == [do.CloseSession, do.RefuseAsk, do.PlayCue]
    assert light(state) is Light.OVER_BUDGET
    assert step(played(THRIFTY, on.CardFound(), WAKE)[0], spent(99))[1] == []


def test_what_another_conversation_cost_ends_none() -> None:
    again = (on.EndAsked(), WAKE, on.SessionOpened(2), on.SpeechStarted(2, "u1"), on.SpeechStopped(2, "u1"))
    state, _ = played(THRIFTY, *TALKING, *again, spent(31, conversation=30, session=1))
    assert isinstance(state.phase, Thinking)
    assert not state.phase.talk.ending
    assert state.announcements == ()
    state, _ = step(state, spent(32, conversation=30, session=2))
    assert [each.text for each in state.announcements] == [CONVERSATION_CAP.format(limit="30 cents")]
    assert state.told_limits == {"conversation 2"}


def test_a_conversation_that_has_moved_to_who_costs_nothing_goes_on() -> None:
    moved = (
        closed(1, NO_CREDIT),
        spent(31, conversation=30),
        on.SessionOpened(2),
        spent(31, conversation=30, session=2),
    )
    state, _ = played(THRIFTY, *TALKING, *moved)
    assert isinstance(state.phase, Listening)
    assert [each.text for each in state.announcements] == [GIVEN_UP[NO_CREDIT].format(name="cloud")]


def test_who_asks_again_and_again_past_the_cap_is_told_once_at_a_time() -> None:
    asking: tuple[on.Event, ...] = (WAKE, on.CueEnded(do.Cue.OVER_BUDGET)) * 5
    state, _ = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION), *asking)
    assert (state.announced, state.announcements) == (1, ())


def test_a_question_that_is_not_to_be_heard_is_refused_in_silence() -> None:
    over = spent(100, session=on.NO_SESSION)
    _, effects = played(ALONE, on.CardFound(), over, on.TextAsked(3, "hi", aloud=False))
    assert [type(effect) for effect in effects] == [do.RefuseAsk]


def test_the_light_of_a_limit_goes_out_with_its_day() -> None:
    state, _ = played(ALONE, on.CardFound(), spent(100, session=on.NO_SESSION), WAKE)
    assert light(state) is Light.OVER_BUDGET
    assert light(step(state, NEXT_DAY)[0]) is Light.IDLE


def test_what_was_told_of_conversations_that_are_over_is_forgotten() -> None:
    state, _ = played(THRIFTY, *TALKING, spent(31, conversation=30), on.EndAsked(), WAKE, on.SessionOpened(2))
    assert state.told_limits == {"conversation 1"}
    assert step(state, spent(32, session=2))[0].told_limits == set()
