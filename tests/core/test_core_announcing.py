"""Stories of what the speaker says in its own voice."""

from __future__ import annotations

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.activations import TOO_MUCH_TO_SAY
from speakerd.core.lights import Light
from speakerd.core.state import Rules
from speakerd.core.step import step
from stories import ANNOUNCING, NO_AGE, ONE, PHASE, WAKE, Story, listening, play, played

STORIES: dict[str, tuple[Rules, Story]] = {
    "what was to be said waits for the end of the conversation, and a wake word cuts it off": (
        ONE,
        [
            *listening(),
            (on.SayAsked(5, "dinner"), [], Light.LISTENING),
            (
                on.EndAsked(),
                [do.CloseUplink(), do.CloseSession(1), do.StopTimer(PHASE), NO_AGE],
                Light.IDLE,
            ),
            (on.SayAsked(6, "really"), [do.Announce(2, "really"), do.StartTimer(ANNOUNCING, 2, 60.0)], Light.SPEAKING),
            (on.SayAsked(7, "now"), [], Light.SPEAKING),
            (
                on.PlayoutEnded(do.announcement_item(2), 900, cut_short=False),
                [do.Announce(3, "now"), do.StartTimer(ANNOUNCING, 3, 60.0)],
                Light.SPEAKING,
            ),
            (
                WAKE,
                [
                    *(do.OpenSession(2), do.StopAnnouncing(3), do.StopPlayout()),
                    *(do.StartTimer(PHASE, 4, 10.0), do.StopTimer(ANNOUNCING)),
                ],
                Light.OPENING,
            ),
            (on.PlayoutEnded(do.announcement_item(3), 400, cut_short=True), [], Light.OPENING),
        ],
    ),
    "a press is for the announcement": (
        ONE,
        [
            (on.CardFound(), [], Light.IDLE),
            (on.SayAsked(6, "x"), [do.Announce(1, "x"), do.StartTimer(ANNOUNCING, 1, 60.0)], Light.SPEAKING),
            (
                on.ActionPressed(),
                [do.StopAnnouncing(1), do.StopPlayout(), do.StopTimer(ANNOUNCING)],
                Light.IDLE,
            ),
            (on.SayAsked(7, "y"), [do.Announce(2, "y"), do.StartTimer(ANNOUNCING, 2, 60.0)], Light.SPEAKING),
            (
                on.TimedOut(ANNOUNCING, 2),
                [do.StopAnnouncing(2), do.StopPlayout(), do.StopTimer(ANNOUNCING)],
                Light.IDLE,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)


def test_there_is_an_end_to_what_can_be_said_at_once() -> None:
    state, effects = played(ONE, on.CardFound(), *(on.SayAsked(number, "x") for number in range(9)))
    assert effects == []
    assert step(state, on.SayAsked(9, "x"))[1] == [do.RefuseAsk(9, TOO_MUCH_TO_SAY)]
