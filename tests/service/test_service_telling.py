"""What the daemon tells: stories of the real core, heard by a socket and a status line of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from speakerd.core import events as on
from speakerd.core.budget import Budget
from speakerd.core.effects import Cue, RefuseAsk, announcement_item
from speakerd.core.endpoints import EndpointRule
from speakerd.core.events import Fault, Status, Talker
from speakerd.core.state import Idle, Rules, State
from speakerd.core.step import step
from speakerd.service.telling import NOT_ANSWERED, NOT_SPOKEN, Telling, snapshot

TWO = Rules(endpoints=(EndpointRule("openai", bills=True), EndpointRule("offline", is_on_device=True)))
ONE = Rules(endpoints=(EndpointRule("openai", bills=True),))
CAPPED = Rules(
    endpoints=TWO.endpoints,
    budget=Budget(
        day_warning_nano_usd=500_000_000,
        day_cap_nano_usd=1_000_000_000,
        month_cap_nano_usd=20_000_000_000,
        conversation_cap_nano_usd=250_000_000,
    ),
)
FOUND = on.CardFound()
QUESTION = on.TextAsked(7, "What time is it?")
OPENED = on.SessionOpened(1)
RESPONSE = on.ResponseCreated(1, "r1")
ANSWER = on.AnswerStarted(1, "r1", "i1")
DONE = on.ResponseEnded(1, "r1", Status.COMPLETED)
HEARD = on.PlayoutEnded("i1", 900, cut_short=False)


@dataclass
class Outside:
    """The socket and the service manager: what they were told, and who was refused what."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    readies: int = 0

    def publish(self, event: Mapping[str, object]) -> None:
        self.events.append(event)
        if event["event"] == "answered":
            self.ended.append(int(str(event["request"])))

    def refuse(self, request: int, reason: str) -> None:
        self.refused.append((request, reason))

    def ready(self) -> None:
        self.readies += 1

    def status(self, text: str) -> None:
        self.statuses.append(text)


@dataclass
class Speaker:
    """The core with its observer, and nothing else."""

    state: State
    outside: Outside = field(default_factory=Outside)

    def __post_init__(self) -> None:
        self._tell = Telling(self.outside, self.outside)

    def hears(self, *events: on.Event) -> Outside:
        for event in events:
            before = self.state
            self.state, effects = step(before, event)
            for effect in effects:
                if isinstance(effect, RefuseAsk):
                    self.outside.refuse(effect.request, effect.reason)
            self._tell(event, before, self.state)
        return self.outside


def speaker(rules: Rules = ONE) -> Speaker:
    made = Speaker(State(rules))
    made.hears(FOUND)
    return made


# Questions


def test_an_ask_ends_when_its_answer_has_been_heard() -> None:
    told = speaker()
    assert told.hears(QUESTION, OPENED, RESPONSE, ANSWER, DONE).ended == []
    outside = told.hears(HEARD)
    assert (outside.ended, outside.refused) == ([7], [])


def test_an_ask_in_writing_ends_with_the_response() -> None:
    told = speaker()
    words = on.Transcribed(1, "i1", Talker.ASSISTANT, "It is noon.")
    silent = on.TextAsked(7, "What time is it?", aloud=False)
    assert told.hears(silent, OPENED, RESPONSE, words).ended == []
    outside = told.hears(DONE)
    assert (outside.ended, outside.refused) == ([7], [])
    assert {"event": "transcript", "talker": "assistant", "text": "It is noon."} in outside.events


def test_a_tool_that_is_called_is_told() -> None:
    outside = speaker().hears(QUESTION, OPENED, RESPONSE, on.ToolCalled(1, "r1", "c1", "get_time", "{}"))
    assert {"event": "tool", "name": "get_time"} in outside.events


def test_an_ask_that_comes_in_between_is_refused_and_the_first_one_goes_on() -> None:
    told = speaker()
    told.hears(QUESTION, OPENED, RESPONSE, on.TextAsked(8, "And the date?"))
    assert [request for request, _ in told.outside.refused] == [8, 8]
    assert told.outside.refused[0][1].startswith("a conversation is going on")
    assert told.hears(ANSWER, DONE, HEARD).ended == [7], "what was refused is not ended once more"


@pytest.mark.parametrize("fault", [Fault.NO_NETWORK, Fault.BAD_KEY, Fault.SERVER_ERROR])
def test_an_ask_that_finds_no_endpoint_is_refused(fault: Fault) -> None:
    told = speaker()
    told.hears(QUESTION)
    for session in range(1, 6):
        told.hears(on.SessionClosed(session, fault, "why"))
    assert isinstance(told.state.phase, Idle)
    assert {request for request, _ in told.outside.refused} == {7}


def test_an_answer_that_fails_is_told_with_its_fault() -> None:
    told = speaker()
    told.hears(QUESTION, OPENED, RESPONSE, on.ResponseEnded(1, "r1", Status.FAILED, Fault.SERVER_ERROR))
    told.hears(on.ResponseCreated(1, "r2"), on.ResponseEnded(1, "r2", Status.FAILED, Fault.SERVER_ERROR))
    assert told.outside.refused == [(7, "The assistant could not answer: server error.")]
    assert told.outside.ended == [7]


def test_an_ask_that_the_core_passes_over_in_silence_hangs_nobody() -> None:
    told = speaker()
    told.hears(on.StopAsked(), QUESTION)
    assert told.outside.refused == [(7, NOT_ANSWERED)]


# What is to be said

SAY = on.SayAsked(5, "The post is here.")
SPOKEN = on.PlayoutEnded(announcement_item(1), 1200, cut_short=False)
CUT = on.PlayoutEnded(announcement_item(1), 400, cut_short=True)
FAILED = on.PlayoutEnded(announcement_item(1), 0, cut_short=True)


def test_a_say_ends_when_it_has_been_heard() -> None:
    told = speaker()
    assert told.hears(SAY).ended == []
    assert snapshot(told.state)["announcing"] is True
    outside = told.hears(SPOKEN)
    assert (outside.ended, outside.refused) == ([5], [])
    assert snapshot(told.state)["announcing"] is False


def test_each_say_waits_for_its_own_turn() -> None:
    told = speaker()
    second = on.PlayoutEnded(announcement_item(2), 1200, cut_short=False)
    assert told.hears(SAY, on.SayAsked(6, "And a parcel."), SPOKEN).ended == [5]
    assert told.hears(second).ended == [5, 6]
    assert told.outside.refused == []


def test_a_say_waits_for_the_end_of_a_conversation() -> None:
    told = speaker()
    assert told.hears(QUESTION, OPENED, RESPONSE, ANSWER, SAY, DONE, HEARD).ended == [7]
    assert told.hears(SPOKEN).ended == [7, 5]


WHAT_ENDS_IT = {
    "it cannot be spoken": FAILED,
    "the player threw it away": CUT,
    "a wake word": on.WakeWordHeard("hey_jarvis", 0.9, 16_000),
    "the button": on.ActionPressed(),
    "the owner wants quiet": on.EndAsked(),
    "an alarm": on.AlarmRang("tea"),
    "the card is lost": on.CardLost("unplugged"),
    "it took too long": on.TimedOut(on.Timer.ANNOUNCEMENT, 1),
    "the service ends": on.StopAsked(),
}


@pytest.mark.parametrize("event", WHAT_ENDS_IT.values(), ids=WHAT_ENDS_IT)
def test_a_say_that_was_not_heard_to_its_end_is_told(event: on.Event) -> None:
    told = speaker()
    outside = told.hears(SAY, event, CUT)
    assert (outside.refused, outside.ended) == ([(5, NOT_SPOKEN)], [5])


def test_a_say_without_a_card_is_refused_and_not_ended() -> None:
    told = Speaker(State(ONE))
    told.hears(on.CardLost("none"), SAY)
    assert told.outside.refused[0][0] == 5
    assert told.outside.refused[0][1].startswith("the sound card is not available")
    assert told.outside.ended == []


# The snapshot


def test_the_first_endpoint_serves_and_nothing_is_known_of_the_money() -> None:
    told = snapshot(State(TWO))
    assert told["endpoint"] == "openai"
    assert told["endpoints"] == [
        {"name": "openai", "state": "up", "fault": None},
        {"name": "offline", "state": "up", "fault": None},
    ]
    assert told["budget"] == {
        "day": None,
        "today_usd": None,
        "month_usd": None,
        "conversation_usd": None,
        "caps": {"warning_usd": None, "today_usd": None, "month_usd": None, "conversation_usd": None},
    }


@pytest.mark.parametrize(("fault", "standing"), [(Fault.BAD_KEY, "given up"), (Fault.NO_NETWORK, "down")])
def test_while_the_first_is_down_the_next_serves_and_each_tells_why(fault: Fault, standing: str) -> None:
    told = speaker(TWO)
    told.hears(QUESTION, on.SessionClosed(1, fault, "why"))
    now = snapshot(told.state)
    assert (now["phase"], now["endpoint"]) == ("opening", "offline")
    assert now["endpoints"] == [
        {"name": "openai", "state": standing, "fault": fault.value},
        {"name": "offline", "state": "up", "fault": None},
    ]
    told.hears(on.EndAsked(), on.RetryAsked())
    assert snapshot(told.state)["endpoint"] == "openai"


def test_what_was_spent_is_told_beside_the_limits() -> None:
    told = speaker(CAPPED)
    told.hears(on.Spent(1, "2026-11-26", 412_345_678, 5_100_000_000, 20_000_001))
    assert snapshot(told.state)["budget"] == {
        "day": "2026-11-26",
        "today_usd": 0.412345678,
        "month_usd": 5.1,
        "conversation_usd": 0.020000001,
        "caps": {"warning_usd": 0.5, "today_usd": 1.0, "month_usd": 20.0, "conversation_usd": 0.25},
    }
    assert snapshot(told.state)["endpoint"] == "openai"


def test_past_the_limit_what_costs_nothing_serves() -> None:
    told = speaker(CAPPED)
    told.hears(on.Spent(on.NO_SESSION, "2026-11-26", 1_000_000_000, 5_100_000_000))
    now = snapshot(told.state)
    assert now["endpoint"] == "offline"
    assert now["endpoints"] == [
        {"name": "openai", "state": "over budget", "fault": None},
        {"name": "offline", "state": "up", "fault": None},
    ]


def test_past_the_limit_nobody_serves_where_all_cost() -> None:
    rules = Rules(endpoints=ONE.endpoints, budget=CAPPED.budget)
    told = speaker(rules)
    told.hears(on.Spent(on.NO_SESSION, "2026-11-26", 1_000_000_000, 5_100_000_000), QUESTION)
    assert snapshot(told.state)["endpoint"] is None
    assert {request for request, _ in told.outside.refused} == {7}
    assert "Today's limit of 1 dollar is used up" in told.outside.refused[0][1]


# When


def test_ready_is_said_once_the_card_is_found_or_known_to_be_missing() -> None:
    for event in (FOUND, on.CardLost("none")):
        told = Speaker(State(ONE))
        assert told.hears(on.Spent(on.NO_SESSION, "2026-11-26", 0, 0)).readies == 0
        assert told.hears(event, FOUND).readies == 1


def test_the_status_line_is_written_when_it_changes() -> None:
    told = speaker()
    told.hears(on.Spent(on.NO_SESSION, "2026-11-26", 1, 1), on.Spent(on.NO_SESSION, "2026-11-26", 2, 2))
    assert told.outside.statuses == ["idle"]
    told.hears(QUESTION, OPENED)
    assert told.outside.statuses == ["idle", "opening", "thinking"]


def test_followers_are_told_of_changes_and_of_nothing_else() -> None:
    told = speaker()
    told.outside.events.clear()
    told.hears(on.VoiceHinted(1), on.CueEnded(Cue.DONE), on.TimedOut(on.Timer.PHASE, 0))
    assert told.outside.events == []
    told.hears(QUESTION)
    assert [event["phase"] for event in told.outside.events] == ["opening"]
