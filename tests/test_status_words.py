"""Status and events in an owner's words: a table of each, and nothing that could steer a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.budget import Budget
from speakerd.core.endpoints import Down, EndpointRule
from speakerd.core.events import Fault, Spent
from speakerd.core.state import Announcement, Card, Rules, State
from speakerd.service.telling import snapshot
from speakerd.status_words import event_line, printable, status_lines

ENDPOINTS = (EndpointRule("openai", bills=True), EndpointRule("offline", is_on_device=True))
BUDGET = Budget(day_cap_nano_usd=1_000_000_000, month_cap_nano_usd=20_000_000_000)


def test_a_speaker_that_has_just_begun() -> None:
    assert status_lines(snapshot(State(Rules(endpoints=ENDPOINTS)))) == [
        "phase        idle",
        "light        starting",
        "microphone   open",
        "sound card   starting",
        "fault        none",
        "endpoint     openai",
        "             openai: up",
        "             offline: up",
        "spent        not known yet",
    ]


def test_a_speaker_in_trouble() -> None:
    state = State(
        Rules(endpoints=ENDPOINTS, budget=BUDGET),
        card=Card.UP,
        muted=True,
        fault=Fault.BAD_KEY,
        down=(Down(0, Fault.BAD_KEY),),
        announcing=Announcement(1, "words"),
        ringing=frozenset({"tea"}),
        spent=Spent(3, "2026-11-26", 412_300_000, 5_100_000_000, 20_000_000),
    )
    assert status_lines({**snapshot(state), "overruns": 2, "echo_delay_ms": 41.5}) == [
        "phase        idle",
        "light        ringing",
        "microphone   closed (muted)",
        "sound card   up",
        "fault        bad key",
        "sound        a timer rings",
        "sound        it says something in its own voice",
        "endpoint     offline",
        "             openai: given up (bad key)",
        "             offline: up",
        "spent        0.4123 of 1.00 USD today",
        "spent        5.1000 of 20.00 USD this month",
        "spent        0.0200 USD in the last conversation",
        "overruns     2",
        "echo_delay_ms 41.5",
    ]


def test_past_the_limit_no_endpoint_serves() -> None:
    spent = Spent(3, "2026-11-26", 1_000_000_000, 5_100_000_000)
    told = status_lines(snapshot(State(Rules(endpoints=ENDPOINTS[:1], budget=BUDGET), spent=spent)))
    assert "endpoint     none" in told
    assert "             openai: over budget" in told


def test_the_latest_decisions_on_tools_are_told() -> None:
    known = {"decision": "refused", "reason": "policy", "asker": "voice", "at": "2026-11-26T12:00:00+00:00"}
    decisions = [{"tool": f"tool_{number}", **known} for number in range(9)]
    lines = status_lines({**snapshot(State(Rules(endpoints=ENDPOINTS))), "decisions": decisions})
    told = [line for line in lines if line.startswith("tool ")]
    assert told[-1] == "tool         tool_8 refused (policy), asked by voice, 2026-11-26T12:00:00+00:00"
    assert len(told) == 5


def test_an_older_daemon_tells_less() -> None:
    assert status_lines({"event": "snapshot", "phase": "idle", "light": "idle", "muted": False}) == [
        "phase        idle",
        "light        idle",
        "microphone   open",
        "sound card   none",
        "fault        none",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"event": "transcript", "talker": "user", "text": "Hello."}, "you          Hello."),
        ({"event": "transcript", "talker": "assistant", "text": "Hi."}, "assistant    Hi."),
        ({"event": "transcript", "talker": "user", "text": "a\x1b[2Jb"}, "you          a [2Jb"),
        ({"event": "tool", "name": "get_time"}, "tool         get_time"),
        ({"event": "phase", "phase": "idle", "light": "idle"}, "phase        idle"),
        (
            {"event": "phase", "phase": "thinking", "light": "thinking", "muted": True, "endpoint": "openai"},
            "phase        thinking, muted, endpoint openai",
        ),
        ({"event": "phase", "phase": "idle", "light": "muted", "muted": True}, "phase        idle, muted"),
        ({"event": "phase", "phase": "idle", "light": "no network"}, "phase        idle, no network"),
        ({"event": "answered", "request": 7}, None),
        ({"event": "of another version"}, None),
        ({}, None),
    ],
)
def test_an_event_is_a_line_or_nothing(event: Mapping[str, Any], line: str | None) -> None:
    assert event_line(event) == line


@given(st.text())
def test_nothing_that_steers_a_terminal_is_printed(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(mark.isprintable() or mark == "\n" for mark in shown)
    assert printable(shown) == shown
