"""What server, tools and player make of an answer: responses, calls and their outputs, and the sound.

Two rules stand behind every branch. There is never more than one response that we asked for and that is not over.
And what was interrupted stays interrupted: late audio, calls and ends are known by their ids and change nothing.
"""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.approvals import asker, distrust, held_back, result
from speakerd.core.derived import another, is_unaffordable
from speakerd.core.endpoints import FATAL
from speakerd.core.moves import Outcome, end_over_budget, enter, fail, finish, is_last_turn, judge, with_talk
from speakerd.core.opening import on_late_output, on_lost
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
    Talking,
    Thinking,
    Unwanted,
)

TOO_MANY_CALLS = "error: too many tool calls in this turn; tell the user what you know so far"

_PATIENCE = 2
"""Where a model calls so many times as many tools as it may, it is given up."""


def used(state: State, talk: Conversation) -> Conversation:
    """It was the user's turn, and he used it; who speaks is answered aloud, whatever he typed before."""
    turns = talk.turns + 1
    ending = talk.ending or 0 < state.rules.most_turns <= turns
    # What is said again is no new turn.
    retried = talk.retried and talk.unanswered
    talk = replace(talk, asked=(), calls_made=0, turns=turns, unanswered=True, is_written=False)
    return replace(talk, aloud=True, retried=retried, ending=ending)


def on_created(state: State, phase: Talking, event: on.ResponseCreated) -> Outcome:
    """A response is active: the one that is waited for, one that nobody wants any more, or one unasked for."""
    talk = phase.talk
    if isinstance(talk.response, Unwanted) or (
        isinstance(talk.response, Cancelled) and isinstance(talk.response.then, Unwanted)
    ):
        cancelled = replace(talk, response=Cancelled(event.response_id))
        return with_talk(state, phase, cancelled), [do.CancelResponse(talk.session, event.response_id)]
    talk = replace(talk, response=Active(event.response_id))
    if isinstance(phase, Speaking):
        return with_talk(state, phase, talk), []
    if isinstance(phase, Thinking):
        return enter(state, Thinking(talk)), []
    # A server that answers by itself has heard an utterance, even if it did not tell its end.
    talk, judging = judge(used(state, talk), was_wanted=True)
    return enter(state, Thinking(talk)), judging


def on_answer(state: State, phase: Talking, event: on.AnswerStarted) -> Outcome:
    """An answer begins to sound, or one more part of it; what is late is stopped."""
    talk = replace(phase.talk, unanswered=False, breaks=0, interrupter=None)
    match phase:
        case Speaking(items=items):
            return enter(state, replace(phase, talk=talk, items=(*items, event.item_id))), []
        case Thinking() if talk.response == Active(event.response_id):
            # What was not sent until now would have our own voice in it.
            return enter(state, Speaking(replace(talk, since_sample=None), (event.item_id,))), []
        case _:
            late = replace(talk, cut=talk.cut | {event.item_id})
            return with_talk(state, phase, late), [do.StopPlayout()]


def on_tool_called(state: State, phase: Talking, event: on.ToolCalled) -> Outcome:
    """Run a tool, as long as the model does not call too many."""
    if phase.talk.response != Active(event.response_id):
        return state, []
    talk = phase.talk
    if event.name == END_CONVERSATION:
        return with_talk(state, phase, replace(talk, unanswered=False, ending=True)), []
    if talk.calls_made >= _PATIENCE * state.rules.most_tool_calls:
        return fail(state, on.Fault.NO_ANSWER)
    asked = (*talk.asked, (event.name, event.arguments))
    talk = replace(talk, unanswered=False, calls_made=talk.calls_made + 1, asked=asked)
    if talk.calls_made > state.rules.most_tool_calls:
        noted = do.NoteDecision(event.name, "refused", "too many calls", asker(talk))
        output = do.SendToolOutput(talk.session, event.call_id, TOO_MANY_CALLS)
        return with_talk(state, phase, replace(talk, continuing=True)), [noted, output]
    state, answer, effects = held_back(state, talk, event)
    if answer:
        answered = do.SendToolOutput(talk.session, event.call_id, answer)
        return with_talk(state, phase, replace(talk, continuing=True)), [*effects, answered]
    running = do.RunTool(talk.session, event.call_id, event.name, event.arguments)
    return with_talk(state, phase, replace(talk, calls=talk.calls | {event.call_id})), [*effects, running]


def on_tool_finished(state: State, event: on.ToolFinished) -> Outcome:
    """Send the output of a call that the conversation still waits for, in whichever of its sessions it was made."""
    phase = state.phase
    match phase:
        case Opening():
            return on_late_output(state, phase, event)
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return _on_output(state, phase, talk, event)
        case _:
            return state, []


def _on_output(state: State, phase: Talking, talk: Conversation, event: on.ToolFinished) -> Outcome:
    sending: list[do.Effect] = [do.SendToolOutput(talk.session, event.call_id, event.output)]
    if event.call_id not in talk.calls | talk.orphans | talk.approved:
        return state, []
    if event.is_strangers:
        state, talk, distrusting = distrust(state, talk, is_open=not talk.is_lost)
        sending += distrusting
    if event.call_id in talk.approved:
        state, telling = _tell_of_approved(state, phase, talk, event)
        return state, sending[1:] + telling
    if event.call_id in talk.orphans:
        return with_talk(state, phase, replace(talk, orphans=talk.orphans - {event.call_id})), sending
    answered = replace(talk, calls=talk.calls - {event.call_id}, continuing=True)
    state, going_on = go_on(with_talk(state, phase, answered))
    return state, sending + going_on


def _tell_of_approved(state: State, phase: Talking, talk: Conversation, event: on.ToolFinished) -> Outcome:
    """What the owner approved is done, or failed: the model tells him, unless he speaks."""
    told = replace(talk, approved=talk.approved - {event.call_id})
    if talk.is_lost:
        told = replace(told, notes=(*talk.notes, result(event)), continuing=True)
        return with_talk(state, phase, told), []
    note = do.SendNote(talk.session, result(event))
    if isinstance(phase, Listening):
        if phase.utterance is not None or talk.response is not None:
            return with_talk(state, phase, told), [note]
        asked = do.CreateResponse(talk.session, talk.aloud)
        return enter(state, Thinking(replace(told, response=Requested()))), [note, asked]
    state, going_on = go_on(with_talk(state, phase, replace(told, continuing=True)))
    return state, [note, *going_on]


def on_ended(state: State, phase: Talking, event: on.ResponseEnded) -> Outcome:
    """The response is over: go on with what waits for that."""
    talk = phase.talk
    match talk.response:
        case Cancelled(response_id=event.response_id, then=then):
            return go_on(with_talk(state, phase, replace(talk, response=then)))
        case Active(response_id=event.response_id) if event.status is on.Status.FAILED:
            return _on_failed(state, phase, event.fault or on.Fault.SERVER_ERROR)
        case Active(response_id=event.response_id):
            return go_on(with_talk(state, phase, replace(talk, response=None, breaks=0)))
        case _:
            return state, []


def _on_failed(state: State, phase: Talking, fault: on.Fault) -> Outcome:
    """Ask once more, for the rest where a part was spoken; what would only be repeated is asked of somebody else."""
    talk = phase.talk
    is_hopeless = talk.retried and another(state, talk.endpoint) is not None
    if fault in FATAL or is_hopeless:
        reason = f"the answer failed: {fault.value}"
        return on_lost(state, phase, fault, reason, is_open=True, is_hopeless=is_hopeless)
    if talk.retried:
        return fail(state, fault)
    resuming = talk.resuming or isinstance(phase, Speaking)
    again = replace(talk, response=None, continuing=True, resuming=resuming, retried=True)
    return go_on(with_talk(state, phase, again))


def on_refused(state: State, phase: Talking) -> Outcome:
    """Ask again once the response that stood in the way is over."""
    if isinstance(phase, Listening) or phase.talk.response is None:
        return state, []
    return with_talk(state, phase, replace(phase.talk, continuing=True)), []


def on_playout_ended(state: State, event: on.PlayoutEnded) -> Outcome:
    """Tell the server what was heard of an item, and go on when the sound is over."""
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) as phase if event.item_id in talk.cut:
            reported = with_talk(state, phase, replace(talk, cut=talk.cut - {event.item_id}))
            return reported, [_heard(talk.session, event)] if event.cut_short else []
        case Speaking(talk=talk, items=items) as phase if event.item_id in items:
            left = tuple(item for item in items if item != event.item_id)
            if left:
                return enter(state, replace(phase, items=left)), []
            return go_on(enter(state, Thinking(talk)))
        case Opening(resume=Conversation() as talk) as phase if event.item_id in talk.cut and event.cut_short:
            # The old session is gone; what is told to the new one must not hold what nobody heard.
            resume = replace(talk, cut=talk.cut - {event.item_id})
            return replace(state, phase=replace(phase, resume=resume)), [_heard(talk.session, event)]
        case _:
            return state, []


def _heard(number: int, event: on.PlayoutEnded) -> do.Effect:
    if event.played_ms == 0:
        return do.DeleteItem(number, event.item_id)
    return do.TruncateItem(number, event.item_id, event.played_ms)


def go_on(state: State) -> Outcome:
    """Ask for the response that tool outputs wait for; when nothing is owed any more, it is the user's turn."""
    phase = state.phase
    if not isinstance(phase, Thinking | Speaking):
        return state, []
    talk = phase.talk
    effects: list[do.Effect] = []
    is_owed = talk.continuing and talk.response is None and not talk.is_lost
    if is_owed and is_unaffordable(state, talk):
        if isinstance(phase, Thinking):
            return end_over_budget(state)
    elif is_owed and not talk.calls:
        effects.append(do.CreateResponse(talk.session, talk.aloud, talk.resuming))
        talk = replace(talk, response=Requested(), continuing=False, resuming=False)
    if isinstance(phase, Speaking):
        return with_talk(state, phase, talk), effects
    if talk.owes:
        return enter(state, Thinking(talk)), effects
    if is_last_turn(state, talk) or not state.rules.follow_up:
        return finish(state)
    return enter(state, Listening(replace(talk, calls_made=0, retried=False))), effects
