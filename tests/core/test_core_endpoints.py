"""Stories of endpoints that fail, and of those that take over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.budget import Budget
from speakerd.core.derived import serving
from speakerd.core.endpoints import Down, EndpointRule
from speakerd.core.lights import Light, light
from speakerd.core.sentences import GIVEN_UP
from speakerd.core.state import Idle, Opening, Rules, State, Thinking
from speakerd.core.step import step
from stories import (
    AGE,
    BAD_KEY,
    CLOUD,
    HEALTH,
    LOST,
    NO_AGE,
    NO_CREDIT,
    NO_NETWORK,
    OFFLINE,
    ONE,
    PHASE,
    SPARING,
    TALKING,
    TWO,
    WAKE,
    Story,
    asked,
    closed,
    listening,
    play,
    played,
    spoken,
    woken,
)


def looking(session: int) -> list[do.Effect]:
    return [do.OpenSession(session), do.StartTimer(SPARING, session, 10.0), do.StopTimer(HEALTH)]


LAN = EndpointRule("lan")

STORIES: dict[str, tuple[Rules, Story]] = {
    "a network that stays away: three more tries, then the light, the sound, and a look from time to time": (
        ONE,
        [
            *listening(),
            (closed(1), [*LOST, do.StartTimer(PHASE, 3, 10.0), NO_AGE], Light.OPENING),
            (closed(2), [do.OpenSession(3, 0, 2, True, 0.5)], Light.OPENING),
            (closed(2), [], Light.OPENING),
            (closed(3), [do.OpenSession(4, 0, 3, True, 1.5)], Light.OPENING),
            (closed(4), [do.OpenSession(5, 0, 4, True, 3.0)], Light.OPENING),
            (
                closed(5),
                [
                    *(do.CloseSession(5), do.PlayCue(do.Cue.NO_NETWORK), do.StopTimer(PHASE)),
                    do.StartTimer(HEALTH, 1, 30.0),
                ],
                Light.NO_NETWORK,
            ),
            (on.TimedOut(HEALTH, 0), [], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 1), looking(6), Light.NO_NETWORK),
            (closed(6), [do.StopTimer(SPARING), do.StartTimer(HEALTH, 2, 60.0)], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 2), looking(7), Light.NO_NETWORK),
            (on.SessionOpened(7), [do.CloseSession(7), do.StopTimer(SPARING)], Light.IDLE),
        ],
    ),
    "a beginning that fails is tried once more within its time": (
        ONE,
        [
            *woken(),
            (closed(1), [do.OpenSession(2, after_seconds=0.5)], Light.OPENING),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, 27_200), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "the next endpoint takes over at once, and the first one when it is back": (
        TWO,
        [
            *woken(4.0),
            (
                closed(1),
                [do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0), do.StartTimer(HEALTH, 1, 30.0)],
                Light.OPENING,
            ),
            (
                on.SessionOpened(2),
                [do.OpenUplink(2, 27_200), do.StartTimer(PHASE, 3, 8.0), do.StartTimer(AGE, 2, 3300.0)],
                Light.LISTENING,
            ),
            (on.TimedOut(HEALTH, 1), [do.StartTimer(HEALTH, 2, 30.0)], Light.LISTENING),
            (
                on.TimedOut(PHASE, 3),
                [
                    *(do.CloseUplink(), do.JudgeWake("hey_jarvis", False, 40_000), do.CloseSession(2)),
                    *(do.StopTimer(PHASE), do.StopTimer(AGE)),
                ],
                Light.NO_NETWORK,
            ),
            (WAKE, [do.OpenSession(3, 1), do.StartTimer(PHASE, 5, 10.0)], Light.OPENING),
            (on.EndAsked(), [do.CloseSession(3), do.StopTimer(PHASE)], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 2), looking(4), Light.NO_NETWORK),
            (on.SessionOpened(4), [do.CloseSession(4), do.StopTimer(SPARING)], Light.IDLE),
            (WAKE, [do.OpenSession(5), do.StartTimer(PHASE, 7, 4.0)], Light.OPENING),
        ],
    ),
    "a wake word cuts off the look at an endpoint, and it is looked for again": (
        TWO,
        [
            *woken(4.0),
            (
                closed(1),
                [do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0), do.StartTimer(HEALTH, 1, 30.0)],
                Light.OPENING,
            ),
            (on.EndAsked(), [do.CloseSession(2), do.StopTimer(PHASE)], Light.NO_NETWORK),
            (on.TimedOut(HEALTH, 1), looking(3), Light.NO_NETWORK),
            (
                WAKE,
                [
                    *(do.CloseSession(3), do.OpenSession(4, 1), do.StartTimer(PHASE, 4, 10.0)),
                    *(do.StopTimer(SPARING), do.StartTimer(HEALTH, 1, 30.0)),
                ],
                Light.OPENING,
            ),
        ],
    ),
    "an endpoint that does not answer in time gives way to the next": (
        TWO,
        [
            *woken(4.0),
            (
                on.TimedOut(PHASE, 1),
                [
                    *(do.CloseSession(1), do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0)),
                    do.StartTimer(HEALTH, 1, 30.0),
                ],
                Light.OPENING,
            ),
        ],
    ),
    "a key that is refused: the next endpoint serves, the owner is told, and nothing is tried until he asks": (
        TWO,
        [
            *woken(4.0),
            (closed(1, BAD_KEY), [do.OpenSession(2, 1), do.StartTimer(PHASE, 2, 10.0)], Light.OPENING),
            (
                on.EndAsked(),
                [do.CloseSession(2), do.StopTimer(PHASE)],
                Light.BAD_KEY,
            ),
            (WAKE, [do.OpenSession(3, 1), do.StartTimer(PHASE, 4, 10.0)], Light.OPENING),
            (on.RetryAsked(), [], Light.OPENING),
            (on.EndAsked(), [do.CloseSession(3), do.StopTimer(PHASE)], Light.IDLE),
            (WAKE, [do.OpenSession(4), do.StartTimer(PHASE, 6, 4.0)], Light.OPENING),
        ],
    ),
    "credit that runs out in mid-conversation: the next endpoint goes on with its words": (
        TWO,
        [
            *asked(4.0),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.FAILED, NO_CREDIT),
                [
                    *(do.CloseUplink(), do.CloseSession(1), do.OpenSession(2, 1, 1, True, 0.1)),
                    *(do.StartTimer(PHASE, 6, 10.0), NO_AGE),
                ],
                Light.OPENING,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


@pytest.mark.parametrize("fault", GIVEN_UP)
def test_what_only_the_owner_can_mend_is_said_aloud_when_the_conversation_is_over(fault: on.Fault) -> None:
    state, effects = played(TWO, on.CardFound(), WAKE, closed(1, fault), on.SessionOpened(2))
    assert spoken(effects) == []
    state, effects = step(state, on.ActionPressed())
    assert spoken(effects) == [GIVEN_UP[fault].format(name="cloud")]
    assert light(state).value == fault.value


def test_an_endpoint_that_stays_away_keeps_no_other_one_waiting() -> None:
    """Each is looked for at least every other time."""
    down = (Down(0, NO_NETWORK, 6), Down(1, NO_NETWORK))
    state = State(replace(ONE, endpoints=(CLOUD, LAN, OFFLINE)), down=down)
    looked_for = []
    for _ in range(10):
        state, effects = step(state, on.TimedOut(HEALTH, state.checks))
        [opening] = [effect for effect in effects if isinstance(effect, do.OpenSession)]
        looked_for.append(opening.endpoint)
        state, _ = step(state, closed(opening.session))
    assert looked_for == [1, 1, 1, 1, 1, 0, 1, 0, 1, 0]


def test_past_the_cap_no_endpoint_that_costs_money_is_looked_for() -> None:
    rules = replace(TWO, budget=Budget(day_cap_nano_usd=100))
    state, effects = played(rules, on.CardFound(), WAKE, closed(1))
    assert do.StartTimer(HEALTH, 1, 30.0) in effects
    state, effects = step(state, on.Spent(on.NO_SESSION, "2026-11-26", 100, 100))
    assert effects == [do.StopTimer(HEALTH)]
    state, effects = step(state, on.Spent(on.NO_SESSION, "2026-11-27", 0, 100))
    assert effects == [do.StartTimer(HEALTH, 1, 30.0)]


def test_a_session_that_is_kept_ready_may_be_ended_by_its_endpoint() -> None:
    rules = replace(ONE, warm_seconds=30.0)
    kept = (on.CardFound(), WAKE, on.SessionOpened(1), on.EndAsked(), on.SessionOpened(2))
    state, effects = played(rules, *kept, closed(2))
    assert (light(state), effects) == (Light.IDLE, [do.StopTimer(AGE), do.StopTimer(SPARING)])
    assert do.OpenSession(3) in step(state, WAKE)[1]
    state, _ = played(rules, *kept, closed(2, NO_CREDIT))
    assert light(state) is Light.NO_CREDIT


def test_an_endpoint_that_fails_to_answer_twice_gives_way_to_the_next() -> None:
    state, effects = played(TWO, *TALKING, *failed(1), *failed(1))
    assert effects[1:3] == [do.CloseSession(1), do.OpenSession(2, 1, 1, True, 0.1)]
    assert light(step(state, on.EndAsked())[0]) is Light.SERVER_ERROR
    state, effects = played(ONE, *TALKING, *failed(1), *failed(1))
    assert do.PlayCue(do.Cue.SERVER_ERROR) in effects
    assert isinstance(state.phase, Idle)


def test_an_answer_without_sound_needs_no_card() -> None:
    question = on.TextAsked(1, "hi", aloud=False)
    state, _ = played(ONE, on.CardFound(), question, on.CardLost("unplugged"))
    assert isinstance(state.phase, Opening)
    state, _ = step(state, on.SessionOpened(1))
    state, _ = step(state, on.CardLost("unplugged"))
    assert isinstance(state.phase, Thinking)
    assert isinstance(played(ONE, on.CardFound(), on.TextAsked(1, "hi"), on.CardLost("unplugged"))[0].phase, Idle)


def test_an_endpoint_that_is_looked_for_and_says_nothing_stays_down() -> None:
    state, _ = played(TWO, on.CardFound(), WAKE, closed(1), on.EndAsked(), on.TimedOut(HEALTH, 1))
    state, effects = step(state, on.TimedOut(SPARING, 3))
    assert effects == [do.CloseSession(3), do.StopTimer(SPARING), do.StartTimer(HEALTH, 2, 60.0)]


def test_the_endpoint_that_serves_is_the_one_of_the_conversation() -> None:
    state, _ = played(TWO, on.CardFound())
    served = [serving(state)]
    for event in (WAKE, closed(1), on.SessionOpened(2), on.EndAsked()):
        state, _ = step(state, event)
        served.append(serving(state))
    assert served == [0, 0, 1, 1, 1]


def test_the_light_is_of_the_first_endpoint() -> None:
    state, _ = played(TWO, on.CardFound())
    last, first = Down(1, on.Fault.REFUSED), Down(0, NO_NETWORK)
    assert light(replace(state, down=(last,))) is Light.IDLE
    assert light(replace(state, down=(last, first))) is Light.NO_NETWORK


def heard_again(session: int) -> tuple[on.Event, ...]:
    return (on.SessionOpened(session), on.SpeechStarted(session, "u"), on.SpeechStopped(session, "u"))


def failed(session: int) -> tuple[on.Event, ...]:
    ended = on.ResponseEnded(session, "r", on.Status.FAILED, on.Fault.SERVER_ERROR)
    return (on.ResponseCreated(session, "r"), ended)


def test_the_next_endpoint_may_fail_once_too() -> None:
    _, effects = played(TWO, *TALKING, *failed(1), *failed(1), *heard_again(2), *failed(2))
    assert do.CreateResponse(2) in effects


def test_an_answer_that_fails_once_more_after_a_break_is_given_up() -> None:
    _, effects = played(ONE, *TALKING, *failed(1), closed(1), *heard_again(2), *failed(2))
    assert do.PlayCue(do.Cue.SERVER_ERROR) in effects


def test_the_next_turn_may_fail_once_again() -> None:
    empty = (on.ResponseCreated(1, "r"), on.ResponseEnded(1, "r", on.Status.COMPLETED))
    _, effects = played(ONE, *TALKING, *failed(1), *empty, *heard_again(1)[1:], *failed(1))
    assert do.CreateResponse(1) in effects
