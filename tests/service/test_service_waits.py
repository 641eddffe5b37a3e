"""How long was waited, as stories of the real core on a clock of their own."""

from __future__ import annotations

import logging

import pytest

from speakerd.core import events as on
from speakerd.core.state import Rules, State
from speakerd.core.step import step
from speakerd.service.fields import FIELDS, identifier
from speakerd.service.waits import Waits

BEGINNING = (on.CardFound(), on.ActionPressed(), on.SessionOpened(1), on.SpeechStarted(1, "u1"))
ANSWER = (on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "item_1"))
CALL = on.ToolCalled(1, "r1", "c1", "get_time", "{}")

Story = list[tuple[float, on.Event]]


def at(seconds: float, *events: on.Event) -> Story:
    return [(seconds, event) for event in events]


STORIES: dict[str, tuple[Story, list[str]]] = {
    "an answer": (
        [*at(0, *BEGINNING), *at(5, on.SpeechStopped(1, "u1")), *at(5.64, *ANSWER)],
        ["INFO The answer began after 640 ms. AnswerStarted session 1 item item_1 640"],
    ),
    "only the first sound of an answer counts": (
        [
            *at(0, *BEGINNING),
            *at(5, on.SpeechStopped(1, "u1")),
            *at(6, *ANSWER),
            *at(7, on.AnswerStarted(1, "r1", "item_2")),
        ],
        ["INFO The answer began after 1000 ms. AnswerStarted session 1 item item_1 1000"],
    ),
    "an answer that is not of now": (
        [*at(0, *BEGINNING), *at(5, on.SpeechStopped(1, "u1")), *at(6, on.AnswerStarted(9, "r9", "i9"))],
        [],
    ),
    "a turn that was given up": (
        [*at(0, *BEGINNING), *at(5, on.SpeechStopped(1, "u1"), on.EndAsked()), *at(9, on.ToolFinished(1, "c1", "x"))],
        [],
    ),
    "a tool": (
        [
            *at(0, *BEGINNING),
            *at(5, on.SpeechStopped(1, "u1"), on.ResponseCreated(1, "r1")),
            *at(6, CALL),
            *at(6.25, on.ToolFinished(1, "c1", "noon"), on.ToolFinished(1, "c2", "?")),
        ],
        ["DEBUG A tool took 250 ms. ToolFinished session 1 tool get_time 250"],
    ),
    "a tool whose name is a sentence": (
        [
            *at(0, *BEGINNING),
            *at(5, on.SpeechStopped(1, "u1"), on.ResponseCreated(1, "r1")),
            *at(6, on.ToolCalled(1, "r1", "c1", "what the user said", "{}"), on.ToolFinished(1, "c1", "no")),
        ],
        ["DEBUG A tool took 0 ms. ToolFinished session 1 0"],
    ),
}


@pytest.mark.parametrize(("story", "told"), STORIES.values(), ids=STORIES)
def test_what_was_waited_for(story: Story, told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "speakerd.service.waits")
    now = [0.0]
    waits = Waits(lambda: now[0])
    state = State(Rules())
    for now[0], event in story:
        before = state
        state, _ = step(before, event)
        waits(event, before, state)
    assert [_told(record) for record in caplog.records] == told


def _told(record: logging.LogRecord) -> str:
    about = {name: value for name, value in vars(record).items() if name.isupper()}
    assert about.keys() <= FIELDS.keys()
    parts = [record.levelname, record.getMessage(), about.pop("EVENT")]
    latency_ms = about.pop("LATENCY_MS")
    parts += [f"{name.lower()} {value}" for name, value in about.items()]
    return " ".join([*parts, latency_ms])


@pytest.mark.parametrize(
    ("text", "is_one"), [("item_1", True), ("sess-1:a.b", True), ("", False), ("two words", False), ("x" * 101, False)]
)
def test_what_looks_like_an_id(text: str, is_one: bool) -> None:
    assert identifier(text) == (text if is_one else None)
