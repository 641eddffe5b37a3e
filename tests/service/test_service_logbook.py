"""The journal's lines, as stories of the real core: what befalls conversations, endpoints and money."""

from __future__ import annotations

import logging
from enum import Enum

import pytest

from speakerd.core import events as on
from speakerd.core.budget import Budget
from speakerd.core.endpoints import EndpointRule
from speakerd.core.events import Fault, Status, Talker, Timer
from speakerd.core.state import Rules, State
from speakerd.core.step import step
from speakerd.service.fields import FIELDS
from speakerd.service.logbook import write_down

OPENAI, OFFLINE = EndpointRule("openai", bills=True), EndpointRule("offline", is_on_device=True)
TWO = Rules(endpoints=(OPENAI, OFFLINE), reopening_tries=0)
ONE = Rules(endpoints=(OPENAI,))
BUDGET = Budget(
    day_warning_nano_usd=500_000_000,
    day_cap_nano_usd=1_000_000_000,
    month_cap_nano_usd=20_000_000_000,
    conversation_cap_nano_usd=250_000_000,
)
CAPPED = Rules(endpoints=(OPENAI, OFFLINE), budget=BUDGET)
CAPPED_ALONE = Rules(endpoints=(OPENAI,), budget=BUDGET)

PRESS = on.ActionPressed()
OPENED = on.SessionOpened(1)
TALKING = (PRESS, OPENED, on.SpeechStarted(1, "u1"), on.SpeechStopped(1, "u1"), on.ResponseCreated(1, "r1"))


class Due(Enum):
    """A timer of the core that runs out now."""

    PHASE = Timer.PHASE
    HEALTH = Timer.HEALTH

    def event(self, state: State) -> on.Event:
        return on.TimedOut(self.value, state.epoch if self is Due.PHASE else state.checks)


def spent(today_usd: float, session: int = 1, conversation_usd: float = 0.0, day: str = "2026-11-26") -> on.Spent:
    return on.Spent(session, day, round(today_usd * 1e9), round(today_usd * 1e9), round(conversation_usd * 1e9))


BEGINS = "INFO A conversation begins with openai in session 1."
OVER = "INFO The conversation of session 1 is over."
DOWN = "WARNING openai is down (no network); it is looked for again from time to time."

STORIES: dict[str, tuple[Rules, list[on.Event | Due], list[str]]] = {
    "a conversation": (ONE, [PRESS, OPENED, PRESS], [BEGINS, OVER]),
    "nothing but the room": (ONE, [on.VoiceHinted(1), on.MuteAsked(True), on.AlarmRang("tea"), on.EndAsked()], []),
    "failover before a conversation": (
        TWO,
        [PRESS, on.SessionClosed(1, Fault.NO_NETWORK, "why"), on.SessionOpened(2), PRESS],
        [
            DOWN,
            "INFO offline serves now.",
            "INFO A conversation begins with offline in session 2.",
            "INFO The conversation of session 2 is over.",
        ],
    ),
    "failover within a conversation": (
        TWO,
        [
            *TALKING,
            on.SessionClosed(1, Fault.NO_NETWORK, "why"),
            on.SessionOpened(2),
        ],
        [
            BEGINS,
            DOWN,
            "INFO offline serves now.",
            "INFO The conversation goes on with offline in session 2.",
        ],
    ),
    "an endpoint that is only looked for, in vain and then not": (
        TWO,
        [
            PRESS,
            on.SessionClosed(1, Fault.NO_NETWORK, "why"),
            on.EndAsked(),
            Due.HEALTH,
            on.SessionClosed(3, Fault.NO_NETWORK, "why"),
            Due.HEALTH,
            on.SessionOpened(4),
        ],
        [
            DOWN,
            "INFO offline serves now.",
            "DEBUG openai is down (no network); it is looked for again from time to time.",
            "INFO openai is up again.",
            "INFO openai serves now.",
        ],
    ),
    "a key that is refused, and mended": (
        TWO,
        [PRESS, on.SessionClosed(1, Fault.BAD_KEY, "why sk-1234"), on.EndAsked(), on.RetryAsked()],
        [
            "WARNING openai is given up (bad key): once that is mended, run `speakerd retry`.",
            "INFO offline serves now.",
            "INFO openai is to be tried again.",
            "INFO openai serves now.",
        ],
    ),
    "an answer that never comes": (
        ONE,
        [*TALKING, Due.PHASE],
        [BEGINS, "WARNING The conversation failed: no answer."],
    ),
    "a session that breaks off while an answer sounds": (
        ONE,
        [*TALKING, on.AnswerStarted(1, "r1", "i1"), on.SessionClosed(1, Fault.SERVER_ERROR, "why")],
        [BEGINS, "INFO Session 1 broke off; the conversation is to go on with openai."],
    ),
    "the warning, then the limit of the day": (
        CAPPED,
        [spent(0.2), spent(0.6), spent(0.7), spent(1.25)],
        [
            "WARNING The warning of the day is reached: 0.60 of 0.50 USD (2026-11-26).",
            "INFO offline serves now.",
            "WARNING The limit of the day is reached: 1.25 of 1.00 USD (2026-11-26).",
        ],
    ),
    "the next day": (
        CAPPED,
        [spent(1.25), spent(0.0, on.NO_SESSION, day="2026-11-27")],
        [
            "INFO offline serves now.",
            "WARNING The limit of the day is reached: 1.25 of 1.00 USD (2026-11-26).",
            "WARNING The warning of the day is reached: 1.25 of 0.50 USD (2026-11-26).",
            "INFO openai serves now.",
        ],
    ),
    "the limit of the month": (
        CAPPED_ALONE,
        [on.Spent(1, "2026-11-26", 0, 20_000_000_000)],
        [
            "WARNING No endpoint serves: the budget is used up, and all of them cost money.",
            "WARNING The limit of the month is reached: 20.00 of 20.00 USD (2026-11-26).",
        ],
    ),
    "the limit of a conversation": (
        CAPPED,
        [PRESS, OPENED, spent(0.3, conversation_usd=0.3)],
        [
            BEGINS,
            OVER,
            "WARNING The limit of a conversation is reached: 0.30 of 0.25 USD (2026-11-26).",
        ],
    ),
}


@pytest.mark.parametrize(("rules", "events", "written"), STORIES.values(), ids=STORIES)
def test_the_journal_of_a_story(
    rules: Rules, events: list[on.Event | Due], written: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "speakerd.service.logbook")
    state = State(rules)
    for happening in (on.CardFound(), *events):
        event = happening.event(state) if isinstance(happening, Due) else happening
        before = state
        state, _ = step(before, event)
        write_down(event, before, state)
    assert [f"{record.levelname} {record.getMessage()}" for record in caplog.records] == written


def test_nothing_that_was_said_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "speakerd.service.logbook")
    said = "between us"
    state = State(TWO)
    for event in (
        on.CardFound(),
        on.SayAsked(1, said),
        on.TextAsked(2, said),
        OPENED,
        on.ResponseCreated(1, "r1"),
        on.Transcribed(1, "u1", Talker.USER, said),
        on.ToolCalled(1, "r1", "c1", said, said),
        on.ToolFinished(1, "c1", said),
        on.ResponseEnded(1, "r1", Status.FAILED, Fault.BAD_KEY),
        on.SessionClosed(2, Fault.REFUSED, said),
        on.EndAsked(),
    ):
        before = state
        state, _ = step(before, event)
        write_down(event, before, state)
    assert caplog.records
    assert said not in caplog.text


FIELDS_OF: dict[str, tuple[Rules, list[on.Event], list[dict[str, str]]]] = {
    "a conversation that cost something": (
        CAPPED,
        [PRESS, OPENED, spent(0.1, conversation_usd=0.02), PRESS],
        [
            {"EVENT": "SessionOpened", "PHASE": "listening", "SESSION": "1", "ENDPOINT": "openai"},
            {"EVENT": "ActionPressed", "PHASE": "idle", "SESSION": "1", "COST_USD": "0.020000"},
        ],
    ),
    "an endpoint that fails": (
        ONE,
        [PRESS, on.SessionClosed(1, Fault.BAD_KEY, "why")],
        [
            {"EVENT": "SessionClosed", "PHASE": "idle", "ENDPOINT": "openai", "FAULT": "bad key"},
            {"EVENT": "SessionClosed", "PHASE": "idle", "SESSION": "1", "FAULT": "bad key"},
        ],
    ),
    "a limit": (
        CAPPED_ALONE,
        [spent(0.6)],
        [{"EVENT": "Spent", "PHASE": "idle", "SESSION": "1", "COST_USD": "0.600000"}],
    ),
}


@pytest.mark.parametrize(("rules", "events", "expected"), FIELDS_OF.values(), ids=FIELDS_OF)
def test_what_a_line_is_about_is_in_its_fields(
    rules: Rules, events: list[on.Event], expected: list[dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "speakerd.service.logbook")
    state = State(rules)
    for event in (on.CardFound(), *events):
        before = state
        state, _ = step(before, event)
        write_down(event, before, state)
    found = [{name: value for name, value in vars(record).items() if name.isupper()} for record in caplog.records]
    assert found == expected
    assert {name for one in found for name in one} <= FIELDS.keys()
