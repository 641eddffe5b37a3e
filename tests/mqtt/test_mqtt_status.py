"""What the speaker tells of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core.events import NO_SESSION, ActionPressed, Spent, Talker, Transcribed, WakeWordHeard
from speakerd.core.state import Card, Conversation, State, Thinking
from speakerd.mqtt.status import Facts, settled, status, wake

IDLE = State(card=Card.UP)
QUIET = {"state": "idle", "muted": "OFF", "volume_percent": 70, "cost_today_usd": None, "next_timer": None}


@pytest.mark.parametrize(
    ("state", "facts", "changes"),
    [
        (IDLE, Facts(0.7), {}),
        (replace(IDLE, muted=True), Facts(0.7), {"state": "muted", "muted": "ON"}),
        (replace(IDLE, phase=Thinking(Conversation(1))), Facts(0.0), {"state": "thinking", "volume_percent": 0}),
        (replace(IDLE, ringing=frozenset(["egg timer"])), Facts(1.0), {"state": "ringing", "volume_percent": 100}),
        (
            replace(IDLE, spent=Spent(NO_SESSION, "2026-11-26", 123_456_789, 2_000_000_000)),
            Facts(0.7),
            {"cost_today_usd": 0.1235},
        ),
        (IDLE, Facts(0.7, 1_795_710_600.4), {"next_timer": "2026-11-26T16:30:00+00:00"}),
    ],
)
def test_the_status(state: State, facts: Facts, changes: dict[str, object]) -> None:
    assert status(state, facts) == QUIET | changes


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (Facts(0.7, 100.4), None, Facts(0.7, 100.4)),
        (Facts(0.7, 101.1), Facts(0.7, 100.4), Facts(0.7, 100.4)),
        (Facts(0.2, 101.1), Facts(0.7, 100.4), Facts(0.2, 100.4)),
        (Facts(0.7, 160.0), Facts(0.7, 100.4), Facts(0.7, 160.0)),
        (Facts(0.7), Facts(0.7, 100.4), Facts(0.7)),
        (Facts(0.7, 100.4), Facts(0.7), Facts(0.7, 100.4)),
    ],
)
def test_the_time_of_a_timer_does_not_flicker(now: Facts, before: Facts | None, told: Facts) -> None:
    assert settled(now, before) == told


def test_a_wake_word_is_told_by_its_name_and_nothing_else_is() -> None:
    assert wake(WakeWordHeard("hey_jarvis", 0.93, 16_000)) == {"event_type": "wake", "word": "hey_jarvis"}
    assert wake(Transcribed(1, "u1", Talker.USER, "my secret")) is None
    assert wake(ActionPressed()) is None
