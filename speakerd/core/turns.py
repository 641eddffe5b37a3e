"""How a conversation goes: the session opens, the user speaks, and it ends; what the answers do is in `answers`."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.answers import go_on, on_answer, on_created, on_ended, on_refused, on_tool_called, used
from speakerd.core.approvals import hear, on_heard, withdraw
from speakerd.core.derived import uplinked
from speakerd.core.moves import Outcome, cancel, enter, finish, interrupt, judge, set_aside, with_talk
from speakerd.core.opening import hear_by_button, on_lost, on_opening_failed, reached, resumed
from speakerd.core.state import (
    RELEASED,
    Cancelled,
    Conversation,
    Idle,
    Listening,
    Opening,
    Requested,
    Speaking,
    State,
    Talking,
    Thinking,
)

SessionEvent = (
    on.SessionOpened
    | on.SessionClosed
    | on.SpeechStarted
    | on.SpeechStopped
    | on.UtteranceBegan
    | on.UtteranceEnded
    | on.ResponseCreated
    | on.AnswerStarted
    | on.ToolCalled
    | on.ResponseEnded
    | on.ResponseRefused
    | on.Transcribed
    | on.UplinkClosed
)


def on_conversation(state: State, event: SessionEvent) -> Outcome:
    """Handle what happens within the current session; the caller has dropped what belongs to another."""
    match state.phase:
        case Opening() as phase:
            return _while_opening(state, phase, event)
        case phase if not (isinstance(phase, Idle) or phase.talk.is_lost):
            return _while_talking(state, phase, event)
        case _:
            return state, []


def _while_opening(state: State, phase: Opening, event: SessionEvent) -> Outcome:
    match event:
        case on.SessionOpened():
            return on_opened(state, phase)
        case on.SessionClosed():
            return on_opening_failed(state, phase, event.fault, event.reason)
        case _:
            return state, []


def on_opened(state: State, phase: Opening) -> Outcome:
    """The session stands: hear what was said since the activation, or ask what was typed."""
    state = reached(state, phase.endpoint)
    if phase.resume is not None:
        state, effects = resumed(state, phase, phase.resume)
        if isinstance(state.phase, Thinking) and state.phase.talk.continuing:
            state, going_on = go_on(state)
            effects += going_on
        return state, effects
    talk = Conversation(phase.session, endpoint=phase.endpoint, root=phase.session)
    if phase.text is not None:
        talk = replace(talk, response=Requested(), typed=True, is_written=True, aloud=phase.aloud, turns=1)
        asking: list[do.Effect] = [
            do.SendText(phase.session, phase.text),
            do.CreateResponse(phase.session, phase.aloud),
        ]
        return enter(state, Thinking(talk)), asking
    talk = replace(talk, since_sample=phase.since_sample, wake=phase.wake, by_button=phase.is_held is not None)
    if phase.is_held is not None:
        return hear_by_button(state, talk, is_held=phase.is_held)
    return enter(state, Listening(talk)), _ready(state, phase)


def _ready(state: State, phase: Opening) -> list[do.Effect]:
    """In half duplex a cue keeps the microphone closed: only who pressed the button waits for it before he speaks.

    A wake word and its command come in one breath, of which nothing may be lost. Where our own sound is cancelled the
    cue has been played long ago.
    """
    if phase.wake is not None or state.rules.full_duplex or not state.rules.turn_cues:
        return []
    return [do.PlayCue(do.Cue.ACTIVATED)]


def _while_talking(state: State, phase: Talking, event: SessionEvent) -> Outcome:
    match event:
        case on.SessionClosed():
            return _on_closed(state, phase, event)
        case on.SpeechStarted():
            return _on_speech_started(state, phase, event.item_id)
        case on.SpeechStopped():
            return _on_speech_stopped(state, phase)
        case on.UtteranceBegan():
            return _on_utterance_began(state, phase, event)
        case on.UtteranceEnded():
            return _on_utterance_ended(state, phase)
        case on.ResponseCreated():
            return on_created(state, phase, event)
        case on.AnswerStarted():
            return on_answer(state, phase, event)
        case on.ToolCalled():
            return on_tool_called(state, phase, event)
        case on.ResponseEnded():
            return on_ended(state, phase, event)
        case on.ResponseRefused():
            return on_refused(state, phase)
        case on.Transcribed():
            return _on_transcribed(state, phase, event)
        case on.UplinkClosed():
            return _on_uplink_closed(state, phase)
        case on.SessionOpened():
            return state, []
        case _:
            assert_never(event)


def _on_speech_started(state: State, phase: Talking, utterance: str) -> Outcome:
    state = hear(state, utterance, is_over_answer=isinstance(phase, Speaking))
    if isinstance(phase, Listening):
        # What interrupted the last answer was not all that was said.
        return enter(state, Listening(replace(phase.talk, interrupter=None), utterance)), []
    return interrupt(state, phase, utterance=utterance)


def _on_closed(state: State, phase: Talking, event: on.SessionClosed) -> Outcome:
    if isinstance(phase, Listening) and phase.utterance == RELEASED:
        # All of it was said, and will be sent again: only the answer to it is missing.
        talk, judging = judge(used(state, phase.talk), was_wanted=True)
        phase = Thinking(replace(talk, response=Requested()))
        state, losing = on_lost(replace(state, phase=phase), phase, event.fault, event.reason)
        return state, judging + losing
    return on_lost(state, phase, event.fault, event.reason)


def _on_speech_stopped(state: State, phase: Talking) -> Outcome:
    """The server answers an utterance by itself, once what we cancelled is over.

    Its end is the first sure sign that somebody spoke to us: a television begins, too, and goes on.
    """
    if not isinstance(phase, Listening):
        return state, []
    talk, judging = judge(used(state, phase.talk), was_wanted=True)
    if isinstance(talk.response, Cancelled):
        talk = replace(talk, response=replace(talk.response, then=Requested()))
    else:
        talk = replace(talk, response=Requested())
    return enter(state, Thinking(talk)), judging


def _on_utterance_began(state: State, phase: Talking, event: on.UtteranceBegan) -> Outcome:
    """Our own ears stand in for an endpoint that has none; what they heard before the uplink closed is stale."""
    if not state.rules.local_turns or phase.talk.by_button or uplinked(state) is None:
        return state, []
    return _on_speech_started(state, phase, f"local-{event.sample}")


def _on_utterance_ended(state: State, phase: Talking) -> Outcome:
    """Nobody else asks for the answer."""
    if not state.rules.local_turns or phase.talk.by_button or not isinstance(phase, Listening):
        return state, []
    return commit(state, phase)


def _on_uplink_closed(state: State, phase: Talking) -> Outcome:
    """All that was said while the button was down is sent: it is one utterance."""
    if not isinstance(phase, Listening) or phase.utterance != RELEASED:
        return state, []
    return commit(state, phase)


def commit(state: State, phase: Listening) -> Outcome:
    """Make an utterance of what was sent, and ask for its answer: after what we cancelled, where that is not over."""
    talk, effects = judge(used(state, phase.talk), was_wanted=True)
    effects.append(do.CommitUtterance(talk.session))
    if talk.response is not None:
        return enter(state, Thinking(replace(talk, continuing=True))), effects
    asked = do.CreateResponse(talk.session, talk.aloud)
    return enter(state, Thinking(replace(talk, response=Requested()))), [*effects, asked]


def _on_transcribed(state: State, phase: Talking, event: on.Transcribed) -> Outcome:
    """What the user said may be goodbye; or nothing at all, and then the answer that it interrupted goes on."""
    if event.talker is not on.Talker.USER:
        return state, []
    state, approving = on_heard(state, phase.talk.session, event.item_id, event.text)
    if approving:
        return state, approving
    talk = phase.talk
    if event.item_id == talk.interrupter and not event.text.strip():
        return _on_noise(state, phase, event.item_id)
    if words(event.text) not in state.rules.end_phrases:
        return state, []
    ended, withdrawing = withdraw(with_talk(state, phase, replace(talk, ending=True)), "the user ended it")
    if isinstance(phase, Listening) and phase.utterance is None and talk.response is None:
        ended, finishing = finish(ended)
        return ended, withdrawing + finishing
    return ended, withdrawing


def _on_noise(state: State, phase: Talking, item_id: str) -> Outcome:
    """A noise interrupted the answer: forget it, and ask for the rest. Too late if it is being answered."""
    if not isinstance(phase, Thinking):
        return state, []
    cancelling, talk = cancel(phase.talk)
    talk = set_aside(talk)
    talk = replace(talk, continuing=True, resuming=True, interrupter=None, unanswered=False, turns=talk.turns - 1)
    state, going_on = go_on(with_talk(state, phase, talk))
    return state, [*cancelling, do.DeleteItem(talk.session, item_id), *going_on]


def words(text: str) -> str:
    """What was said without case and punctuation, as end phrases are written."""
    return " ".join("".join(mark if mark.isalnum() or mark == "'" else " " for mark in text.lower()).split())
