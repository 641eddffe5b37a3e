"""The moves that every part of the core shares: enter a phase, end, fail, interrupt."""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.derived import uplinked
from speakerd.core.endpoints import FATAL, with_failure
from speakerd.core.sentences import GIVEN_UP
from speakerd.core.state import (
    Active,
    Announcement,
    Cancelled,
    Conversation,
    Idle,
    Listening,
    Opening,
    Phase,
    Requested,
    Speaking,
    State,
    Talking,
    Thinking,
    Unwanted,
    conversation,
    session,
)

Outcome = tuple[State, list[do.Effect]]

LOST_SESSION = "the conversation failed: see what `speakerd check` says"

CUES: dict[on.Fault, do.Cue] = {fault: do.Cue(fault.value) for fault in on.Fault}
"""The sound of each fault."""


def enter(state: State, phase: Phase) -> State:
    """Enter a phase, or begin its deadline anew."""
    return replace(state, phase=phase, epoch=state.epoch + 1)


def with_talk(state: State, phase: Talking, talk: Conversation) -> State:
    """Replace the conversation within the phase; the deadline runs on."""
    return replace(state, phase=replace(phase, talk=talk))


def finish(state: State, reason: str = LOST_SESSION) -> Outcome:
    """End whatever goes on and be idle."""
    effects: list[do.Effect] = []
    if isinstance(state.phase, Speaking):
        effects.append(do.StopPlayout())
    number = session(state.phase)
    if number is None:
        return state, effects
    talk = conversation(state.phase)
    if talk is not None:
        effects += cancel_calls(talk)
    if isinstance(state.phase, Opening) or (talk and not talk.is_lost):
        effects.append(do.CloseSession(number))
    if isinstance(state.phase, Opening) and state.phase.request is not None:
        effects.append(do.RefuseAsk(state.phase.request, reason))
    return enter(state, Idle()), effects


def fail(state: State, fault: on.Fault, reason: str = LOST_SESSION) -> Outcome:
    """End what goes on, and say and show why."""
    state, effects = finish(state, reason)
    return replace(state, fault=fault), [*effects, do.PlayCue(CUES[fault])]


def end_over_budget(state: State) -> Outcome:
    """End a conversation that may cost no more; what limit it is, is said aloud."""
    state, effects = finish(state)
    return state, [*effects, do.PlayCue(do.Cue.OVER_BUDGET)]


def give_up(state: State, endpoint: int, fault: on.Fault) -> State:
    """Remember that an endpoint failed; what it would only repeat is said aloud when there is time for it."""
    state = replace(state, down=with_failure(state.down, endpoint, fault), checks=state.checks + 1)
    if fault not in FATAL:
        return state
    return announce(state, GIVEN_UP[fault].format(name=state.rules.endpoints[endpoint].name))


def announce(state: State, text: str, request: int | None = None) -> State:
    """Have a sentence spoken as soon as nothing else goes on; one of our own is not said twice in a row."""
    known = [each.text for each in (state.announcing, *state.announcements) if each is not None]
    if request is None and text in known:
        return state
    number = state.announced + 1
    waiting = (*state.announcements, Announcement(number, text, request))
    return replace(state, announced=number, announcements=waiting)


def interrupt(
    state: State, phase: Thinking | Speaking, since_sample: int | None = None, utterance: str | None = None
) -> Outcome:
    """Silence first, then cancel; truncate when the player has reported what was heard. Then it is the user's turn."""
    effects: list[do.Effect] = []
    talk = phase.talk
    if isinstance(phase, Speaking):
        effects.append(do.StopPlayout())
        talk = replace(talk, cut=talk.cut | set(phase.items), interrupter=utterance)
    else:
        talk = replace(talk, interrupter=None)
    cancelled, talk = cancel(talk)
    effects += [*cancelled, *cancel_calls(talk)]
    talk = replace(set_aside(talk), continuing=False, resuming=False)
    if uplinked(state) is None:
        talk = replace(talk, since_sample=since_sample)
    if is_last_turn(state, talk):
        state, closing = finish(replace(state, phase=Thinking(talk)))
        return state, effects + closing
    return enter(state, Listening(talk, utterance)), effects


def cancel(talk: Conversation) -> tuple[list[do.Effect], Conversation]:
    """Want no response any more, whether it is active or still to come."""
    match talk.response:
        case Active(response_id=response_id):
            cancelling: list[do.Effect] = [do.CancelResponse(talk.session, response_id)]
            return cancelling, replace(talk, response=Cancelled(response_id))
        case Requested():
            return [], replace(talk, response=Unwanted())
        case Cancelled(response_id=response_id, then=Requested()):
            return [], replace(talk, response=Cancelled(response_id, Unwanted()))
        case _:
            return [], talk


def cancel_calls(talk: Conversation) -> list[do.Effect]:
    """End the calls that the user waited for, where that is safe."""
    return [do.CancelTool(call_id) for call_id in sorted(talk.calls)]


def set_aside(talk: Conversation) -> Conversation:
    """Wait for no call any more; the outputs of those that run are sent and not spoken."""
    return replace(talk, orphans=talk.orphans | talk.calls, calls=frozenset())


def spoken_to(talk: Conversation, *, by_button: bool) -> Conversation:
    """The user goes on by voice, however the conversation began and whether or not it was to end."""
    return replace(talk, ending=False, typed=False, aloud=True, by_button=by_button)


def judge(talk: Conversation, *, was_wanted: bool) -> tuple[Conversation, list[do.Effect]]:
    """Give the verdict on the activation, if it is still open."""
    if talk.wake is None:
        return talk, []
    return replace(talk, wake=None), [do.JudgeWake(talk.wake.word, was_wanted, talk.wake.sample)]


def is_last_turn(state: State, talk: Conversation) -> bool:
    """Whether the conversation ends with what goes on now."""
    return talk.ending or talk.is_too_long or talk.typed or state.muted
