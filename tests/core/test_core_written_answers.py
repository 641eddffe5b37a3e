"""An answer in writing alone is for the text that asked for it: whoever speaks next is answered aloud."""

from __future__ import annotations

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.state import Card, Rules, State
from speakerd.core.step import step

TYPED: list[on.Event] = [
    on.ActionPressed(),
    on.SessionOpened(1),
    on.ActionReleased(),
    on.TextAsked(1, "What time is it?", aloud=False),
    on.ResponseCreated(1, "r1"),
    on.ResponseEnded(1, "r1", on.Status.COMPLETED),
]
SPOKEN: dict[str, tuple[Rules, list[on.Event]]] = {
    "its end is found on the device": (
        Rules(local_turns=True),
        [on.UtteranceBegan(1, 5), on.UtteranceEnded(1, 50)],
    ),
    "its end is found by the endpoint, whose first answer fails": (
        Rules(),
        [
            on.SpeechStarted(1, "u1"),
            on.SpeechStopped(1, "u1"),
            on.ResponseCreated(1, "r2"),
            on.ResponseEnded(1, "r2", on.Status.FAILED, on.Fault.SERVER_ERROR),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "speaking"), SPOKEN.values(), ids=SPOKEN)
def test_who_speaks_after_a_silent_answer_is_answered_aloud(rules: Rules, speaking: list[on.Event]) -> None:
    state = State(rules, card=Card.UP)
    asked: list[bool] = []
    for event in (*TYPED, *speaking):
        state, effects = step(state, event)
        asked += [effect.aloud for effect in effects if isinstance(effect, do.CreateResponse)]
    assert asked == [False, True]
