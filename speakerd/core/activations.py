"""How a conversation begins, and how its owner cuts in: wake words, the action button, text, and the wish for quiet."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.answers import used
from speakerd.core.approvals import approve, is_press_an_answer, on_word_call, withdraw
from speakerd.core.derived import uplinked
from speakerd.core.moves import Outcome, announce, cancel_calls, enter, finish, interrupt, set_aside, spoken_to
from speakerd.core.opening import hear_by_button, open_conversation
from speakerd.core.settling import stop_announcing
from speakerd.core.state import (
    HELD,
    RELEASED,
    Card,
    Conversation,
    Idle,
    Listening,
    Opening,
    Requested,
    Speaking,
    State,
    Thinking,
    Wake,
)
from speakerd.core.turns import commit, on_opened, words
from speakerd.core.words import CallTool, Stop, Talk

CARD_MISSING = "the sound card is not available: see what `speakerd check` says"
BUSY = "a conversation is going on: ask again when it has ended"
TOO_MUCH_TO_SAY = "there is too much to say already: try again in a moment"

BUTTON = "the button"
UNWANTED = "the user wanted quiet"

_MOST_ANNOUNCEMENTS = 8


def on_wake_word(state: State, event: on.WakeWordHeard) -> Outcome:
    """Do what the owner set for this word."""
    match state.rules.action(event.word):
        case Stop():
            state, withdrawing = withdraw(state, UNWANTED)
            is_answering = isinstance(state.phase, Thinking | Speaking) or state.announcing
            state, ending = end(state) if is_answering else quiet(state)
            return state, withdrawing + ending
        case CallTool() as action:
            # Ringing goes on: nobody asked for quiet.
            return on_word_call(state, action, event.sample) if _hears(state) else (state, [])
        case Talk():
            return _on_talk_word(state, event)
        case action:
            assert_never(action)


def _on_talk_word(state: State, event: on.WakeWordHeard) -> Outcome:
    state, effects = quiet(state)
    if not _hears(state):
        return state, effects
    match state.phase:
        case Idle():
            since_sample = _since(state, event)
            wake = Wake(event.word, event.sample)
            state, opening = _open(state, Opening(0, since_sample=since_sample, wake=wake))
            return state, effects + opening
        case Thinking() | Speaking() as phase:
            going_on = replace(phase, talk=spoken_to(phase.talk, by_button=False))
            state, interrupting = interrupt(state, going_on, event.sample)
            return state, effects + interrupting
        case Listening(talk=talk, utterance=None) if talk.by_button:
            # He talks without the button from now on.
            talk = replace(talk, by_button=False, since_sample=_since(state, event))
            return enter(state, Listening(talk)), effects
        case _:
            return state, effects


def _since(state: State, event: on.WakeWordHeard) -> int:
    """A wake word and its command come in one breath; in half duplex our own voice before it is left out."""
    is_own = state.announcing is not None and not state.rules.full_duplex
    return event.sample if is_own else max(0, event.sample - state.rules.preroll_samples)


def on_action(state: State) -> Outcome:
    """The button: quiet first, then whatever goes on; in idle it begins a conversation."""
    if state.ringing:
        return quiet(state)
    if state.announcing:
        return stop_announcing(replace(state, announcements=()))
    is_answer = state.approval is not None and is_press_an_answer(state)
    if state.rules.push_to_talk and state.card is Card.UP and not (state.muted or state.microphone_silent):
        # Whoever holds it has something to say, such as no.
        pressed_for = state.approval.number if state.approval and is_answer else 0
        return _on_hold(replace(state, presses=state.presses + 1, is_tap=True, pressed_for=pressed_for))
    if state.approval is not None and is_answer:
        return approve(state, state.approval, BUTTON)
    match state.phase:
        case Idle() if state.muted:
            return state, [do.PlayCue(do.Cue.MUTED)]
        case Idle() if state.microphone_silent:
            return state, [do.PlayCue(do.Cue.NO_MICROPHONE)]
        case Idle() if state.card is Card.UP:
            waits_for_cue = state.rules.turn_cues and not state.rules.full_duplex
            return _open(state, Opening(0, since_sample=None if waits_for_cue else do.LEFT_OFF))
        case Thinking() | Speaking() as phase:
            return interrupt(state, phase)
        case _:
            return finish(state)


def _on_hold(state: State) -> Outcome:
    """The user talks as long as the button is down."""
    match state.phase:
        case Idle():
            return _open(state, Opening(0, since_sample=do.LEFT_OFF, is_held=True))
        case Opening(text=None) as phase:
            return _hold_on(state, phase)
        case Opening():
            return finish(state)
        case Listening(talk=talk):
            return _heard_from_now(enter(state, Listening(replace(talk, by_button=True), HELD)), [])
        case phase:
            going_on = replace(phase, talk=spoken_to(phase.talk, by_button=True))
            return _heard_from_now(*interrupt(state, going_on, utterance=HELD))


def _heard_from_now(state: State, effects: list[do.Effect]) -> Outcome:
    """What the user says while our own sound keeps the microphone closed is kept."""
    phase = state.phase
    if not isinstance(phase, Listening) or uplinked(state) is not None:
        return state, effects
    talk = replace(phase.talk, since_sample=do.LEFT_OFF)
    return replace(state, phase=replace(phase, talk=talk)), [*effects, do.MarkUplink()]


def _hold_on(state: State, phase: Opening) -> Outcome:
    """The user cannot wait for the session: what he says is kept for it, and he wants no other answer."""
    talk = phase.resume
    since_sample = talk.since_sample if talk else phase.since_sample
    marking: list[do.Effect] = [do.MarkUplink()] if since_sample is None else []
    since_sample = do.LEFT_OFF if since_sample is None else since_sample
    if talk is not None:
        marking += cancel_calls(talk)
        talk = spoken_to(set_aside(talk), by_button=True)
        talk = replace(talk, since_sample=since_sample, continuing=False, response=None)
    return replace(state, phase=replace(phase, since_sample=since_sample, is_held=True, resume=talk)), marking


def on_release(state: State) -> Outcome:
    """The button came up: what was said while it was down is the utterance. A mere tap holds no words, and approves."""
    approval = state.approval
    if approval is None or not state.is_tap or approval.number != state.pressed_for:
        return _let_up(state)
    state, effects = _let_up(state)
    state, approving = approve(state, approval, BUTTON)
    return state, effects + approving


def _let_up(state: State) -> Outcome:
    match state.phase:
        case Opening(is_held=True) if state.is_tap:
            return finish(state)
        case Opening(is_held=True) as phase:
            return replace(state, phase=replace(phase, is_held=False)), []
        case Listening(talk=talk, utterance=utterance) if utterance == HELD:
            return _let_go(state, talk)
        case _:
            return state, []


def _let_go(state: State, talk: Conversation) -> Outcome:
    if state.is_tap:
        return enter(state, Listening(replace(talk, since_sample=None))), []
    released = Listening(talk, RELEASED)
    if uplinked(state) is not None:
        return enter(state, released), []
    if talk.since_sample is not None:
        return hear_by_button(state, talk, is_held=False)
    # Ringing began meanwhile: what was said before it is sent.
    return commit(state, released)


def on_text(state: State, event: on.TextAsked) -> Outcome:
    """A question by text: where nothing goes on, or a conversation waits for the user."""
    if state.card is not Card.UP and event.aloud:
        return state, [do.RefuseAsk(event.request, CARD_MISSING)]
    match state.phase:
        case Idle():
            return _open(state, Opening(0, request=event.request, text=event.text, aloud=event.aloud))
        case Listening(talk=talk, utterance=None) if talk.response is None and not talk.is_lost:
            talk = used(state, talk)
            ending = talk.ending or words(event.text) in state.rules.end_phrases
            talk = replace(talk, response=Requested(), aloud=event.aloud, unanswered=False, ending=ending)
            talk = replace(talk, is_written=True)
            asking: list[do.Effect] = [
                do.SendText(talk.session, event.text),
                do.CreateResponse(talk.session, event.aloud),
            ]
            return enter(state, Thinking(talk)), asking
        case _:
            return state, [do.RefuseAsk(event.request, BUSY)]


def on_say(state: State, event: on.SayAsked) -> Outcome:
    """A sentence to speak as it is, as soon as nothing else goes on."""
    if state.card is not Card.UP:
        return state, [do.RefuseAsk(event.request, CARD_MISSING)]
    if len(state.announcements) >= _MOST_ANNOUNCEMENTS:
        return state, [do.RefuseAsk(event.request, TOO_MUCH_TO_SAY)]
    return announce(state, event.text, event.request), []


def end(state: State) -> Outcome:
    """Ringing, announcements and conversation end, and what waits for the owner's approval is not done."""
    state, quieting = quiet(state)
    state, withdrawing = withdraw(state, UNWANTED)
    state, finishing = finish(state)
    state, hushing = stop_announcing(replace(state, announcements=()))
    return state, quieting + withdrawing + finishing + hushing


def quiet(state: State) -> Outcome:
    """Ringing ends."""
    if not state.ringing:
        return state, []
    return replace(state, ringing=frozenset(), rings=state.rings + 1), [do.StopRinging()]


def _open(state: State, wanted: Opening) -> Outcome:
    marking: list[do.Effect] = [do.MarkUplink()] if wanted.since_sample == do.LEFT_OFF else []
    spare = state.spare
    state, effects = open_conversation(state, wanted)
    phase = state.phase
    if not isinstance(phase, Opening):
        return state, effects
    if wanted.text is None and state.rules.turn_cues and state.rules.full_duplex:
        effects.append(do.PlayCue(do.Cue.ACTIVATED))
    if spare is not None and spare.is_ready and spare.session == phase.session:
        state, opened = on_opened(state, phase)
        effects += opened
    return state, marking + effects


def _hears(state: State) -> bool:
    return not state.muted and state.card is Card.UP
