"""How long an announcement may take: it is ended when it hangs, and never in the middle of a long text."""

from __future__ import annotations

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.state import Card, Rules, State
from speakerd.core.step import step


@pytest.mark.parametrize(("text", "seconds"), [("Dinner.", 60.0), ("x" * 120, 60.0), ("x" * 2000, 1000.0)])
def test_a_long_text_has_the_time_that_it_takes(text: str, seconds: float) -> None:
    state, effects = step(State(Rules(announcement_seconds=60.0), card=Card.UP), on.SayAsked(1, text))
    assert do.StartTimer(on.Timer.ANNOUNCEMENT, 1, seconds) in effects
    state, effects = step(state, on.TimedOut(on.Timer.ANNOUNCEMENT, 1))
    assert state.announcing is None
    assert effects == [do.StopAnnouncing(1), do.StopPlayout(), do.StopTimer(on.Timer.ANNOUNCEMENT)]
