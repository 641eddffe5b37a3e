"""What follows after any event, whichever branch it took: limits, rollover, announcements, a session kept ready."""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.budget import cap_reached, spoken_usd, warning_reached
from speakerd.core.derived import choice, is_past_its_cap, is_unaffordable, may_bill
from speakerd.core.moves import Outcome, announce, end_over_budget
from speakerd.core.opening import keep_warm, open_for_nothing, reopen
from speakerd.core.sentences import CONVERSATION_CAP, limit_sentence
from speakerd.core.state import Card, Conversation, Idle, Listening, Opening, Speaking, State, Thinking, conversation

_CONVERSATION = "conversation"


def settle(before: State, after: State) -> Outcome:
    """Bring the state to rest; only where one branch or another led to it do the effects differ."""
    state, effects = _interrupt_announcement(after)
    state, ending = _end_unaffordable(state)
    state, renewing = _renew(before, state)
    state, warming = _keep_warm(before, state)
    return state, effects + ending + renewing + warming


def _interrupt_announcement(state: State) -> Outcome:
    """A conversation, ringing or the loss of the card goes before what we have to say."""
    if state.announcing is None or _may_announce(state):
        return state, []
    return stop_announcing(state)


def stop_announcing(state: State) -> Outcome:
    """Be quiet about what is being announced."""
    if state.announcing is None:
        return state, []
    stopping: list[do.Effect] = [do.StopAnnouncing(state.announcing.number), do.StopPlayout()]
    return replace(state, announcing=None), stopping


def _may_announce(state: State) -> bool:
    return isinstance(state.phase, Idle) and state.card is Card.UP and not state.ringing and not state.stopping


def announce_next(state: State) -> Outcome:
    """Say what waits to be said, when the cues that come before it are over."""
    if state.announcing is not None or not state.announcements or state.cues or not _may_announce(state):
        return state, []
    first, *rest = state.announcements
    state = replace(state, announcing=first, announcements=tuple(rest))
    return state, [do.Announce(first.number, first.text)]


def _renew(before: State, state: State) -> Outcome:
    """A session that broke off is replaced as soon as nothing sounds; an old one, as soon as nothing goes on."""
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) as phase if talk.is_lost:
            return reopen(before, state, phase)
        case Listening(talk=talk, utterance=None) as phase if talk.is_old and _is_quiet(talk):
            return reopen(before, state, phase)
        case _:
            return state, []


def _is_quiet(talk: Conversation) -> bool:
    return talk.response is None and not (talk.orphans or talk.cut)


def _end_unaffordable(state: State) -> Outcome:
    """A conversation past a limit ends before the user speaks again, and opens no other session that costs money."""
    match state.phase:
        case Opening(endpoint=endpoint, resume=None) as phase:
            bills = state.rules.endpoints[endpoint].bills
            return open_for_nothing(state, phase) if bills and not may_bill(state) else (state, [])
        case Idle():
            return state, []
        case Opening(resume=Conversation() as talk) | Listening(talk=talk) if is_unaffordable(state, talk):
            return end_over_budget(state)
        case Thinking(talk=talk) if talk.is_lost and is_unaffordable(state, talk):
            return end_over_budget(state)
        case Thinking(talk=talk) | Speaking(talk=talk) as phase if not talk.ending and is_unaffordable(state, talk):
            return replace(state, phase=replace(phase, talk=replace(talk, ending=True))), []
        case _:
            return state, []


def on_spent(state: State, event: on.Spent) -> Outcome:
    """Know what was spent; a limit that was just reached is said aloud, once for each day, month or conversation."""
    talk = conversation(state.phase)
    own = f"{_CONVERSATION} {talk.root}" if talk else _CONVERSATION
    current = frozenset(told for told in state.told_limits if event.day[:7] in told or told == own)
    state = replace(state, spent=event, told_limits=current)
    if state.fault is on.Fault.OVER_BUDGET and may_bill(state):
        state = replace(state, fault=None)
    if event.session == on.NO_SESSION:
        return state, []
    budget = state.rules.budget
    sentences: dict[str, str] = {}
    goes_on = choice(state) is not None
    for reached in (cap_reached(budget, event), warning_reached(budget, event)):
        if reached is not None:
            sentences[reached] = limit_sentence(reached, budget, event, goes_on=goes_on)
    if talk is not None and is_past_its_cap(state, talk):
        limit = spoken_usd(budget.conversation_cap_nano_usd)
        sentences[own] = CONVERSATION_CAP.format(limit=limit)
    new = [reached for reached in sentences if reached not in state.told_limits]
    state = replace(state, told_limits=state.told_limits | set(sentences))
    # The first is the gravest: what it says makes the others needless.
    return (announce(state, sentences[new[0]]) if new else state), []


def _keep_warm(before: State, state: State) -> Outcome:
    was_talking = isinstance(before.phase, Listening | Thinking | Speaking)
    is_over = isinstance(state.phase, Idle) and state.fault is None and state.card is Card.UP
    if state.rules.warm_seconds <= 0 or not (was_talking and is_over) or state.muted or state.stopping:
        return state, []
    return keep_warm(state)
