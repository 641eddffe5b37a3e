"""Stories of what the speaker says in its own voice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.activations import CARD_MISSING, TOO_MUCH_TO_SAY
from speakerd.core.lights import Light
from speakerd.core.sentences import GIVEN_UP
from speakerd.core.state import Rules
from speakerd.core.step import step
from stories import ANNOUNCING, BAD_KEY, NO_AGE, ONE, PHASE, WAKE, Story, closed, listening, play, played, spoken

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


@pytest.mark.parametrize(("full_duplex", "since_sample"), [(False, 40_000), (True, 27_200)])
def test_what_is_announced_is_not_sent_as_if_the_user_had_said_it(full_duplex: bool, since_sample: int) -> None:
    rules = replace(ONE, full_duplex=full_duplex)
    _, effects = played(rules, on.CardFound(), on.SayAsked(1, "dinner"), WAKE, on.SessionOpened(1))
    assert effects[0] == do.OpenUplink(1, since_sample)


def test_a_sentence_waits_for_the_cue_before_it() -> None:
    state, effects = played(ONE, on.CardFound(), WAKE, closed(1, BAD_KEY))
    assert spoken(effects) == []
    state, effects = step(state, on.CueEnded(do.Cue.BAD_KEY))
    assert spoken(effects) == [GIVEN_UP[BAD_KEY].format(name="the endpoint")]


def test_what_is_asked_for_twice_is_said_twice() -> None:
    state, _ = played(ONE, on.CardFound(), on.SayAsked(1, "dinner"), on.SayAsked(2, "dinner"))
    assert [each.request for each in state.announcements] == [2]


def test_what_cannot_be_heard_is_refused() -> None:
    assert played(ONE, on.SayAsked(1, "dinner"))[1] == [do.RefuseAsk(1, CARD_MISSING)]
