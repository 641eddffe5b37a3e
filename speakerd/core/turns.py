"""How a conversation goes: what server, tools and player report, and how each of it moves the phases.

Two rules stand behind every branch. There is never more than one response that we asked for and that is not over.
And what was interrupted stays interrupted: late audio, calls and ends are known by their ids and change nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.approvals import APPROVED, held_back, on_heard
from speakerd.core.derived import is_unaffordable, uplinked
from speakerd.core.endpoints import FATAL
from speakerd.core.moves import Outcome, cancel, enter, fail, finish, interrupt, is_last_turn, judge
from speakerd.core.opening import on_late_output, on_lost, on_opening_failed, reached, resumed
from speakerd.core.state import (
    END_CONVERSATION,
    HELD,
    RELEASED,
    Active,
    Cancelled,
    Conversation,
    Idle,
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
        case Listening() | Thinking() | Speaking() as phase if not phase.talk.is_lost:
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
            state, going_on = _go_on(state)
            effects += going_on
        return state, effects
    talk = Conversation(phase.session, endpoint=phase.endpoint, root=phase.session)
    if phase.text is not None:
        talk = replace(talk, response=Requested(), typed=True, aloud=phase.aloud, turns=1)
        asking: list[do.Effect] = [
            do.SendText(phase.session, phase.text),
            do.CreateResponse(phase.session, phase.aloud),
        ]
        return enter(state, Thinking(talk)), asking
    talk = replace(talk, since_sample=phase.since_sample, wake=phase.wake, by_button=phase.is_held is not None)
    match phase.is_held:
        case True:
            return enter(state, Listening(talk, HELD)), []
        case False:
            # All of it has been said: send it, and nothing more.
            said: list[do.Effect] = [do.OpenUplink(talk.session, talk.since_sample), do.CloseUplink()]
            return enter(state, Listening(replace(talk, since_sample=None), RELEASED)), said
        case None:
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
            return _on_created(state, phase, event)
        case on.AnswerStarted():
            return _on_answer(state, phase, event)
        case on.ToolCalled():
            return _on_tool_called(state, phase, event)
        case on.ResponseEnded():
            return _on_ended(state, phase, event)
        case on.ResponseRefused():
            return _on_refused(state, phase)
        case on.Transcribed():
            return _on_transcribed(state, phase, event)
        case on.UplinkClosed():
            return _on_uplink_closed(state, phase)
        case on.SessionOpened():
            return state, []
        case _:
            assert_never(event)


def _on_speech_started(state: State, phase: Talking, utterance: str) -> Outcome:
    if isinstance(phase, Listening):
        return enter(state, Listening(phase.talk, utterance)), []
    return interrupt(state, phase, utterance=utterance)


def _on_closed(state: State, phase: Talking, event: on.SessionClosed) -> Outcome:
    if isinstance(phase, Speaking):
        state = replace(state, phase=replace(phase, overheard=None))
    return on_lost(state, phase.talk, event.fault, event.reason)


def _on_speech_stopped(state: State, phase: Talking) -> Outcome:
    """The server answers an utterance by itself, once what we cancelled is over.

    Its end is the first sure sign that somebody spoke to us: a television begins, too, and goes on.
    """
    if not isinstance(phase, Listening):
        return state, []
    talk, judging = judge(_used(state, phase.talk), was_wanted=True)
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
    """Ask for the answer ourselves; after what we cancelled, where that is not yet over."""
    if not state.rules.local_turns or phase.talk.by_button or not isinstance(phase, Listening):
        return state, []
    return _commit(state, phase)


def _on_uplink_closed(state: State, phase: Talking) -> Outcome:
    """All that was said while the button was down is sent: it is one utterance."""
    if not isinstance(phase, Listening) or phase.utterance != RELEASED:
        return state, []
    return _commit(state, phase)


def _used(state: State, talk: Conversation) -> Conversation:
    """It was the user's turn, and he used it; who speaks is answered aloud, whatever he typed before."""
    turns = talk.turns + 1
    ending = talk.ending or 0 < state.rules.most_turns <= turns
    # What is said again is no new turn.
    retried = talk.retried and talk.unanswered
    talk = replace(talk, asked=(), calls_made=0, turns=turns, unanswered=True)
    return replace(talk, aloud=True, retried=retried, ending=ending)


def _commit(state: State, phase: Listening) -> Outcome:
    talk, effects = judge(_used(state, phase.talk), was_wanted=True)
    effects.append(do.CommitUtterance(talk.session))
    if talk.response is not None:
        return enter(state, Thinking(replace(talk, continuing=True))), effects
    asked = do.CreateResponse(talk.session, talk.aloud)
    return enter(state, Thinking(replace(talk, response=Requested()))), [*effects, asked]


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
    talk, judging = judge(_used(state, talk), was_wanted=True)
    return enter(state, Thinking(talk)), judging


def _on_answer(state: State, phase: Talking, event: on.AnswerStarted) -> Outcome:
    talk = replace(phase.talk, unanswered=False)
    match phase:
        case Speaking(items=items):
            return enter(state, replace(phase, talk=talk, items=(*items, event.item_id))), []
        case Thinking() if talk.response == Active(event.response_id):
            return enter(state, Speaking(talk, (event.item_id,))), []
        case _:
            late = replace(talk, cut=talk.cut | {event.item_id})
            return _with(state, phase, late), [do.StopPlayout()]


def _on_tool_called(state: State, phase: Talking, event: on.ToolCalled) -> Outcome:
    if phase.talk.response != Active(event.response_id):
        return state, []
    talk = replace(phase.talk, unanswered=False)
    if event.name == END_CONVERSATION:
        return _with(state, phase, replace(talk, ending=True)), []
    if talk.calls_made >= state.rules.most_tool_calls:
        refused = _with(state, phase, replace(talk, continuing=True))
        return refused, [do.SendToolOutput(talk.session, event.call_id, TOO_MANY_CALLS)]
    talk = replace(talk, calls_made=talk.calls_made + 1)
    state, talk, answer, effects = held_back(state, talk, event)
    if answer:
        answered = do.SendToolOutput(talk.session, event.call_id, answer)
        return _with(state, phase, replace(talk, continuing=True)), [*effects, answered]
    running = do.RunTool(talk.session, event.call_id, event.name, event.arguments)
    return _with(state, phase, replace(talk, calls=talk.calls | {event.call_id})), [*effects, running]


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
    talk = replace(talk, is_tainted=talk.is_tainted or event.is_strangers)
    if event.call_id in talk.approved:
        return _tell_of_approved(state, phase, talk, event)
    if event.call_id in talk.orphans:
        return _with(state, phase, replace(talk, orphans=talk.orphans - {event.call_id})), sending
    if event.call_id not in talk.calls:
        return state, []
    answered = replace(talk, calls=talk.calls - {event.call_id}, continuing=True)
    state, going_on = _go_on(_with(state, phase, answered))
    return state, sending + going_on


def _tell_of_approved(state: State, phase: Talking, talk: Conversation, event: on.ToolFinished) -> Outcome:
    """What the owner approved is done, or failed: the model tells him, unless he speaks."""
    note = do.SendNote(talk.session, APPROVED.format(output=event.output))
    told = replace(talk, approved=talk.approved - {event.call_id})
    if isinstance(phase, Listening):
        if phase.utterance is not None or talk.response is not None:
            return _with(state, phase, told), [note]
        asked = do.CreateResponse(talk.session, talk.aloud)
        return enter(state, Thinking(replace(told, response=Requested()))), [note, asked]
    state, going_on = _go_on(_with(state, phase, replace(told, continuing=True)))
    return state, [note, *going_on]


def _on_ended(state: State, phase: Talking, event: on.ResponseEnded) -> Outcome:
    talk = phase.talk
    match talk.response:
        case Cancelled(response_id=event.response_id, then=then):
            return _go_on(_with(state, phase, replace(talk, response=then)))
        case Active(response_id=event.response_id) if event.status is on.Status.FAILED:
            return _on_failed(state, phase, event.fault or on.Fault.SERVER_ERROR)
        case Active(response_id=event.response_id):
            return _go_on(_with(state, phase, replace(talk, response=None)))
        case _:
            return state, []


def _on_failed(state: State, phase: Talking, fault: on.Fault) -> Outcome:
    """Ask once more, for the rest where a part was spoken; what would only be repeated is asked of somebody else."""
    talk = phase.talk
    if fault in FATAL:
        return on_lost(state, talk, fault, f"the answer failed: {fault.value}", is_open=True)
    if talk.retried:
        return fail(state, fault)
    resuming = talk.resuming or isinstance(phase, Speaking)
    again = replace(talk, response=None, continuing=True, resuming=resuming, retried=True)
    return _go_on(_with(state, phase, again))


def _on_transcribed(state: State, phase: Talking, event: on.Transcribed) -> Outcome:
    """What the user said may be goodbye; or nothing at all, and then the answer that it interrupted goes on."""
    if event.talker is not on.Talker.USER:
        return state, []
    state, approving = on_heard(state, event.text)
    if approving or isinstance(state.phase, Idle | Opening):
        return state, approving
    phase = state.phase
    talk = phase.talk
    if event.item_id == talk.interrupter and not event.text.strip():
        return _on_noise(state, phase, event.item_id)
    if words(event.text) not in state.rules.end_phrases:
        return state, []
    ended = _with(state, phase, replace(talk, ending=True))
    if isinstance(phase, Listening) and phase.utterance is None and talk.response is None:
        return finish(ended)
    return ended, []


def _on_noise(state: State, phase: Talking, item_id: str) -> Outcome:
    """A noise interrupted the answer: forget it, and ask for the rest. Too late if it is being answered."""
    if not isinstance(phase, Thinking):
        return state, []
    cancelling, talk = cancel(phase.talk)
    talk = replace(talk, continuing=True, resuming=True, interrupter=None, unanswered=False)
    state, going_on = _go_on(_with(state, phase, talk))
    return state, [*cancelling, do.DeleteItem(talk.session, item_id), *going_on]


def words(text: str) -> str:
    """What was said without case and punctuation, as end phrases are written."""
    return " ".join("".join(mark if mark.isalnum() or mark == "'" else " " for mark in text.lower()).split())


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
        case Opening(resume=Conversation() as talk) if event.item_id in talk.cut and event.cut_short:
            # The old session is gone; what is told to the new one must not hold what nobody heard.
            return state, [_heard(talk.session, event)]
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
    if talk.continuing and is_unaffordable(state, talk) and isinstance(phase, Thinking):
        return finish(state)
    if talk.continuing and not talk.calls and talk.response is None and not talk.is_lost:
        effects.append(do.CreateResponse(talk.session, talk.aloud, talk.resuming))
        talk = replace(talk, response=Requested(), continuing=False, resuming=False)
    if isinstance(phase, Speaking):
        return _with(state, phase, talk), effects
    if talk.owes:
        return enter(state, Thinking(talk)), effects
    if is_last_turn(state, talk) or not state.rules.follow_up:
        return finish(state)
    return enter(state, Listening(replace(talk, calls_made=0, retried=talk.is_lost))), effects


def _with(state: State, phase: Talking, talk: Conversation) -> State:
    """Replace the conversation within the phase; the deadline runs on."""
    return replace(state, phase=replace(phase, talk=talk))
