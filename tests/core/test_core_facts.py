"""Stories of what the model is told from turn to turn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.lights import Light
from speakerd.core.state import Rules
from stories import AGE, NO_AGE, ONE, PHASE, Story, asked, listening, play

STORIES: dict[str, tuple[Rules, Story]] = {
    "facts are told from the user's words to the answer's end": (
        replace(ONE, facts=True),
        [
            *listening(),
            (on.SpeechStarted(1, "u1"), [do.TellFacts(1), do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
            *asked()[4:],
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.COMPLETED),
                [do.ForgetFacts(1), do.StartTimer(PHASE, 6, 8.0)],
                Light.LISTENING,
            ),
        ],
    ),
    "facts come before a written question, which ends with its session": (
        replace(ONE, facts=True),
        [
            (on.CardFound(), [], Light.IDLE),
            (on.TextAsked(3, "hi", aloud=False), [do.OpenSession(1), do.StartTimer(PHASE, 1, 10.0)], Light.OPENING),
            (
                on.SessionOpened(1),
                [
                    *(do.TellFacts(1), do.SendText(1, "hi"), do.CreateResponse(1, aloud=False)),
                    *(do.StartTimer(PHASE, 2, 30.0), do.StartTimer(AGE, 1, 3300.0)),
                ],
                Light.THINKING,
            ),
            (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 3, 30.0)], Light.THINKING),
            (
                on.ResponseEnded(1, "r1", on.Status.COMPLETED),
                [do.CloseSession(1), do.StopTimer(PHASE), NO_AGE],
                Light.IDLE,
            ),
        ],
    ),
}


@pytest.mark.parametrize(("rules", "story"), STORIES.values(), ids=STORIES)
def test_story(rules: Rules, story: Story) -> None:
    play(rules, story)
