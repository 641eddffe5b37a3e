"""How a conversation goes: what server, tools and player report, and how each of it moves the phases.

Two rules stand behind every branch. There is never more than one response that we asked for and that is not over.
And what was interrupted stays interrupted: late audio, calls and ends are known by their ids and change nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.derived import uplinked
from speakerd.core.moves import Outcome, enter, fail, finish, interrupt, is_last_turn, judge
from speakerd.core.state import (
    END_CONVERSATION,
    Active,
    Cancelled,
    Conversation,
    Listening,
    Opening,
    Requested,
    Speaking,
    State,
    Thinking,
    Unwanted,
)

TOO_MANY_CALLS = "error: too many tool calls in this turn; tell the user what you know so far"

Talking = Listening | Thinking | Speaking

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
    | on.ToolFinished
    | on.ResponseEnded
    | on.ResponseRefused
    | on.Transcribed
)


def on_conversation(state: State, event: SessionEvent) -> Outcome:
    """Handle what happens within the current session; the caller has dropped what belongs to another."""
    match state.phase:
        case Opening() as phase:
            return _while_opening(state, phase, event)
        case Listening() | Thinking() | Speaking() as phase:
            return _while_talking(state, phase, event)
        case _:
            return state, []


def _while_opening(state: State, phase: Opening, event: SessionEvent) -> Outcome:
    match event:
        case on.SessionOpened() if phase.text is not None:
            talk = Conversation(phase.session, Requested(), typed=True)
            asking: list[do.Effect] = [do.SendText(phase.session, phase.text), do.CreateResponse(phase.session)]
            return enter(replace(state, fault=None), Thinking(talk)), asking
        case on.SessionOpened():
            talk = Conversation(phase.session, since_sample=phase.since_sample, wake=phase.wake)
            return enter(replace(state, fault=None), Listening(talk)), _ready(state, phase)
        case on.SessionClosed():
            return fail(state, event.fault, event.reason)
        case _:
            return state, []


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
            return fail(state, event.fault, event.reason)
        case on.SpeechStarted():
            return _on_speech_started(state, phase, event.item_id)
        case on.SpeechStopped():
            return _on_speech_stopped(state, phase)
        case on.UtteranceBegan():
            return _on_utterance_began(state, phase, event)
        case on.UtteranceEnded():
            return _on_utterance_ended(state, phase)
        case on.ResponseCreated():
            return _on_created(state, phase, event)
        case on.AnswerStarted():
            return _on_answer(state, phase, event)
        case on.ToolCalled():
            return _on_tool_called(state, phase, event)
        case on.ToolFinished():
            return _on_tool_finished(state, phase, event)
        case on.ResponseEnded():
            return _on_ended(state, phase, event)
        case on.ResponseRefused():
            return _on_refused(state, phase)
        case on.SessionOpened() | on.Transcribed():
            return state, []
        case _:
            assert_never(event)


def _on_speech_started(state: State, phase: Talking, utterance: str) -> Outcome:
    if isinstance(phase, Listening):
        return enter(state, Listening(phase.talk, utterance)), []
    return interrupt(state, phase, utterance=utterance)


def _on_speech_stopped(state: State, phase: Talking) -> Outcome:
    """The server answers an utterance by itself, once what we cancelled is over.

    Its end is the first sure sign that somebody spoke to us: a television begins, too, and goes on.
    """
    if not isinstance(phase, Listening):
        return state, []
    talk, judging = judge(replace(phase.talk, calls_made=0), was_wanted=True)
    if isinstance(talk.response, Cancelled):
        talk = replace(talk, response=replace(talk.response, then=Requested()))
    else:
        talk = replace(talk, response=Requested())
    return enter(state, Thinking(talk)), judging


def _on_utterance_began(state: State, phase: Talking, event: on.UtteranceBegan) -> Outcome:
    """Our own ears stand in for an endpoint that has none; what they heard before the uplink closed is stale."""
    if not state.rules.local_turns or uplinked(state) is None:
        return state, []
    return _on_speech_started(state, phase, f"local-{event.sample}")


def _on_utterance_ended(state: State, phase: Talking) -> Outcome:
    """Ask for the answer ourselves; after what we cancelled, where that is not yet over."""
    if not state.rules.local_turns or not isinstance(phase, Listening):
        return state, []
    talk, effects = judge(replace(phase.talk, calls_made=0), was_wanted=True)
    effects.append(do.CommitUtterance(talk.session))
    if talk.response is not None:
        return enter(state, Thinking(replace(talk, continuing=True))), effects
    return enter(state, Thinking(replace(talk, response=Requested()))), [*effects, do.CreateResponse(talk.session)]


def _on_created(state: State, phase: Talking, event: on.ResponseCreated) -> Outcome:
    talk = phase.talk
    if isinstance(talk.response, Unwanted) or (
        isinstance(talk.response, Cancelled) and isinstance(talk.response.then, Unwanted)
    ):
        cancelled = replace(talk, response=Cancelled(event.response_id))
        return _with(state, phase, cancelled), [do.CancelResponse(talk.session, event.response_id)]
    talk = replace(talk, response=Active(event.response_id))
    if isinstance(phase, Speaking):
        return _with(state, phase, talk), []
    if isinstance(phase, Thinking):
        return enter(state, Thinking(talk)), []
    # A server that answers by itself has heard an utterance, even if it did not tell its end.
    talk, judging = judge(talk, was_wanted=True)
    return enter(state, Thinking(talk)), judging


def _on_answer(state: State, phase: Talking, event: on.AnswerStarted) -> Outcome:
    talk = phase.talk
    match phase:
        case Speaking(items=items):
            return enter(state, replace(phase, items=(*items, event.item_id))), []
        case Thinking() if talk.response == Active(event.response_id):
            return enter(state, Speaking(talk, (event.item_id,))), []
        case _:
            late = replace(talk, cut=talk.cut | {event.item_id})
            return _with(state, phase, late), [do.StopPlayout()]


def _on_tool_called(state: State, phase: Talking, event: on.ToolCalled) -> Outcome:
    talk = phase.talk
    if talk.response != Active(event.response_id):
        return state, []
    if event.name == END_CONVERSATION:
        return _with(state, phase, replace(talk, ending=True)), []
    if talk.calls_made >= state.rules.most_tool_calls:
        refused = _with(state, phase, replace(talk, continuing=True))
        return refused, [do.SendToolOutput(talk.session, event.call_id, TOO_MANY_CALLS)]
    counted = replace(talk, calls=talk.calls | {event.call_id}, calls_made=talk.calls_made + 1)
    return _with(state, phase, counted), [do.RunTool(talk.session, event.call_id, event.name, event.arguments)]


def _on_tool_finished(state: State, phase: Talking, event: on.ToolFinished) -> Outcome:
    talk = phase.talk
    sending: list[do.Effect] = [do.SendToolOutput(talk.session, event.call_id, event.output)]
    if event.call_id in talk.orphans:
        return _with(state, phase, replace(talk, orphans=talk.orphans - {event.call_id})), sending
    if event.call_id not in talk.calls:
        return state, []
    answered = replace(talk, calls=talk.calls - {event.call_id}, continuing=True)
    state, going_on = _go_on(_with(state, phase, answered))
    return state, sending + going_on


def _on_ended(state: State, phase: Talking, event: on.ResponseEnded) -> Outcome:
    talk = phase.talk
    match talk.response:
        case Cancelled(response_id=event.response_id, then=then):
            return _go_on(_with(state, phase, replace(talk, response=then)))
        case Active(response_id=event.response_id) if event.status is on.Status.FAILED:
            return fail(state, event.fault or on.Fault.SERVER_ERROR)
        case Active(response_id=event.response_id):
            return _go_on(_with(state, phase, replace(talk, response=None)))
        case _:
            return state, []


def _on_refused(state: State, phase: Talking) -> Outcome:
    """Ask again once the response that stood in the way is over."""
    if isinstance(phase, Listening) or phase.talk.response is None:
        return state, []
    return _with(state, phase, replace(phase.talk, continuing=True)), []


def on_playout_ended(state: State, event: on.PlayoutEnded) -> Outcome:
    """Tell the server what was heard of an item, and go on when the sound is over."""
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) as phase if event.item_id in talk.cut:
            reported = _with(state, phase, replace(talk, cut=talk.cut - {event.item_id}))
            return reported, [_heard(talk.session, event)] if event.cut_short else []
        case Speaking(talk=talk, items=items) as phase if event.item_id in items:
            left = tuple(item for item in items if item != event.item_id)
            if left:
                return enter(state, replace(phase, items=left)), []
            return _go_on(enter(state, Thinking(talk)))
        case _:
            return state, []


def _heard(number: int, event: on.PlayoutEnded) -> do.Effect:
    if event.played_ms == 0:
        return do.DeleteItem(number, event.item_id)
    return do.TruncateItem(number, event.item_id, event.played_ms)


def _go_on(state: State) -> Outcome:
    """Ask for the response that tool outputs wait for; when nothing is owed any more, it is the user's turn."""
    phase = state.phase
    if not isinstance(phase, Thinking | Speaking):
        return state, []
    talk = phase.talk
    effects: list[do.Effect] = []
    if talk.continuing and not talk.calls and talk.response is None:
        talk = replace(talk, response=Requested(), continuing=False)
        effects.append(do.CreateResponse(talk.session))
    if isinstance(phase, Speaking):
        return _with(state, phase, talk), effects
    if talk.owes:
        return enter(state, Thinking(talk)), effects
    if is_last_turn(state, talk) or not state.rules.follow_up:
        return finish(state)
    return enter(state, Listening(replace(talk, calls_made=0))), effects


def _with(state: State, phase: Talking, talk: Conversation) -> State:
    """Replace the conversation within the phase; the deadline runs on."""
    return replace(state, phase=replace(phase, talk=talk))
