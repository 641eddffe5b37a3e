"""Calls that take long, that nobody waits for any more, and that come too often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.answers import TOO_MANY_CALLS
from speakerd.core.approvals import TOO_OFTEN
from speakerd.core.kinds import Asker
from speakerd.core.state import Listening, Rules, State
from speakerd.core.step import step
from speakerd.core.words import CallTool, WordAction
from stories import TALKING, WAKE, played

SLOW = Rules(waiting_cue_seconds=4.0)
CREATED = on.ResponseCreated(1, "r1")
CALLS = [on.ToolCalled(1, "r1", f"c{number}", "look_up", f'{{"n": {number}}}') for number in range(9)]
DONE = on.ResponseEnded(1, "r1", on.Status.COMPLETED)
WAITED = on.TimedOut(on.Timer.WAITING, 0)


def cancelled(effects: list[do.Effect]) -> list[str]:
    return [effect.call_id for effect in effects if isinstance(effect, do.CancelTool)]


def test_a_slow_tool_is_told_of_again_and_again() -> None:
    state, effects = played(SLOW, *TALKING, CREATED, CALLS[0])
    assert do.StartTimer(on.Timer.WAITING, 0, 4.0) in effects
    state, effects = step(state, DONE)
    assert not [each for each in effects if isinstance(each, do.StartTimer) and each.timer is on.Timer.WAITING]
    state, effects = step(state, WAITED)
    assert do.PlayCue(do.Cue.WAITING) in effects
    assert do.StartTimer(on.Timer.WAITING, 1, 4.0) in effects
    assert step(state, WAITED) == (state, [])
    state, effects = step(state, on.ToolFinished(1, "c0", "Found."))
    assert do.StopTimer(on.Timer.WAITING) in effects
    assert step(state, on.TimedOut(on.Timer.WAITING, 1)) == (state, [])


def test_no_cue_sounds_over_an_answer_or_where_none_is_wanted() -> None:
    _, effects = played(SLOW, *TALKING, CREATED, CALLS[0], on.AnswerStarted(1, "r1", "a1"))
    assert do.StopTimer(on.Timer.WAITING) in effects
    _, effects = played(Rules(), *TALKING, CREATED, CALLS[0])
    assert not [each for each in effects if isinstance(each, do.StartTimer)]


@pytest.mark.parametrize(
    "event",
    [on.ActionPressed(), on.SpeechStarted(1, "u2"), on.EndAsked(), on.StopAsked(), replace(WAKE, sample=90_000)],
)
def test_what_nobody_waits_for_any_more_is_ended(event: on.Event) -> None:
    _, effects = played(Rules(), *TALKING, CREATED, *CALLS[:2], DONE, event)
    assert cancelled(effects) == ["c0", "c1"]


def test_each_call_of_an_interrupted_turn_is_answered_once() -> None:
    state, _ = played(Rules(), *TALKING, CREATED, CALLS[0], DONE, on.ActionPressed())
    state, effects = step(state, on.ToolFinished(1, "c0", "error: interrupted"))
    assert effects == [do.SendToolOutput(1, "c0", "error: interrupted")]
    assert step(state, on.ToolFinished(1, "c0", "Found.")) == (state, [])


def test_a_button_held_while_the_next_session_opens_ends_them_too() -> None:
    rules = Rules(push_to_talk=True, reopening_tries=1)
    held = (on.ActionPressed(), on.SessionOpened(1), on.ActionReleased(), on.UplinkClosed(1))
    state, _ = played(rules, on.CardFound(), on.ActionPressed(), *held[1:2])
    state, _ = step(state, on.TimedOut(on.Timer.TAP, state.presses))
    for event in (*held[2:], CREATED, CALLS[0], on.SessionClosed(1, on.Fault.NO_NETWORK, "gone")):
        state, _ = step(state, event)
    _, effects = step(state, on.ActionPressed())
    assert cancelled(effects) == ["c0"]


OFTEN = Rules(most_calls_per_minute=2, words=(WordAction("light", CallTool("set_light", "{}")),))
LIGHT = on.WakeWordHeard("light", 0.9, 90_000)


def outcome(state: State, event: on.Event) -> tuple[State, list[str]]:
    state, effects = step(state, event)
    noted = [f"{each.decision}, {each.reason}" for each in effects if isinstance(each, do.NoteDecision)]
    return state, noted


def test_calls_that_come_too_often_are_refused_until_the_minute_is_over() -> None:
    state, effects = played(OFTEN, *TALKING, CREATED, CALLS[0])
    assert do.StartTimer(on.Timer.MINUTE, 0, 60.0) in effects
    state, noted = outcome(state, CALLS[1])
    assert noted == ["allowed, policy"]
    state, effects = step(state, CALLS[2])
    assert do.SendToolOutput(1, "c2", TOO_OFTEN) in effects
    assert do.NoteDecision("look_up", "refused", "too many within a minute") in effects
    state, noted = outcome(state, LIGHT)
    assert noted == ["refused, too many within a minute"]
    assert step(state, on.TimedOut(on.Timer.MINUTE, 7)) == (state, [])
    state, effects = step(state, on.TimedOut(on.Timer.MINUTE, 0))
    assert state.calls_lately == 0
    assert outcome(state, CALLS[3])[1] == ["allowed, policy"]


def test_words_count_too() -> None:
    state, _ = played(OFTEN, on.CardFound(), LIGHT, LIGHT)
    assert outcome(state, LIGHT)[1] == ["refused, too many within a minute"]


def test_too_many_calls_in_one_turn_are_written_down() -> None:
    state, _ = played(Rules(most_tool_calls=1), *TALKING, CREATED, CALLS[0])
    state, effects = step(state, CALLS[1])
    assert do.NoteDecision("look_up", "refused", "too many calls", Asker.VOICE) in effects
    assert do.SendToolOutput(1, "c1", TOO_MANY_CALLS) in effects
    assert not isinstance(state.phase, Listening)
