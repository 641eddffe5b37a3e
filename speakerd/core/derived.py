"""What follows from the state alone: whether the microphone is open, who hears it, how loud answers are, all deadlines.

Nothing commands these; `step` compares them before and after an event, so that no branch can forget one.
"""

from __future__ import annotations

from speakerd.core.budget import cap_reached, conversation_cap_reached
from speakerd.core.effects import PlayoutLevel
from speakerd.core.endpoints import Down, chosen, eligible, to_check
from speakerd.core.state import (
    HELD,
    RELEASED,
    Card,
    Conversation,
    Held,
    Hinted,
    Idle,
    Listening,
    Opening,
    Speaking,
    State,
    Thinking,
    conversation,
)

_SECONDS_PER_CHARACTER = 0.5
"""espeak-ng at 80 words a minute took up to 0.41."""


def capturing(state: State) -> bool:
    """Whether the microphone's stream is open."""
    return not state.muted and not state.stopping


def is_written(state: State) -> bool:
    """Whether a question by text is answered by text alone: no sound card is needed."""
    talk = conversation(state.phase)
    match state.phase:
        case Opening(text=str(), aloud=aloud):
            return not aloud
        case _:
            return talk is not None and talk.typed and not talk.aloud


def uplinked(state: State) -> int | None:
    """Number of the session that the microphone is sent to; in half duplex to none while sound leaves the speaker."""
    quiet = state.rules.full_duplex or not (state.ringing or state.cues)
    if not capturing(state) or state.card is not Card.UP or not quiet:
        return None
    match state.phase:
        case Listening(talk=talk, utterance=utterance) if talk.by_button:
            return talk.session if utterance == HELD and not talk.is_lost else None
        case Listening(talk=talk) | Thinking(talk=talk) if _is_heard(talk):
            return talk.session
        case Speaking(talk=talk) if state.rules.full_duplex and _is_heard(talk):
            return talk.session
        case _:
            return None


def _is_heard(talk: Conversation) -> bool:
    return not (talk.typed or talk.is_lost or talk.by_button)


def informed(state: State) -> int | None:
    """Number of the session whose model is told what changes from turn to turn: from the user's words to the answer."""
    if not state.rules.facts:
        return None
    match state.phase:
        case Listening(talk=talk, utterance=utterance) if utterance is not None and not talk.is_lost:
            return talk.session
        case Thinking(talk=talk) | Speaking(talk=talk) if not talk.is_lost:
            return talk.session
        case _:
            return None


def playout_level(state: State) -> PlayoutLevel:
    """How loud answers are: quieter where perhaps the user speaks, silent where that is likely and not yet certain."""
    match state.phase:
        case Speaking(overheard=Hinted()):
            return PlayoutLevel.DUCKED
        case Speaking(overheard=Held()):
            return PlayoutLevel.HELD
        case _:
            return PlayoutLevel.FULL


def hold(state: State) -> int | None:
    """Number of the hold that its timer ends; None while nothing is held."""
    match state.phase:
        case Speaking(overheard=Held(number=number)):
            return number
        case _:
            return None


def may_bill(state: State) -> bool:
    """Whether the budget allows an endpoint that costs money."""
    return cap_reached(state.rules.budget, state.spent) is None


def is_unaffordable(state: State, talk: Conversation) -> bool:
    """Whether a conversation costs money and has reached a limit."""
    return is_past_its_cap(state, talk) or (state.rules.endpoints[talk.endpoint].bills and not may_bill(state))


def is_past_its_cap(state: State, talk: Conversation) -> bool:
    """Whether a conversation costs money, and has cost as much as one may; what was spent last may be another's."""
    spent = state.spent
    is_its_own = spent is not None and spent.session >= talk.root
    bills = state.rules.endpoints[talk.endpoint].bills
    return bills and is_its_own and conversation_cap_reached(state.rules.budget, spent)


def choice(state: State) -> int | None:
    """The endpoint for a new conversation; None if the budget forbids all."""
    return chosen(state.rules.endpoints, state.down, may_bill=may_bill(state))


def another(state: State, endpoint: int | None = None) -> int | None:
    """The first endpoint that is up, instead of this one."""
    return eligible(state.rules.endpoints, state.down, may_bill=may_bill(state), beside=endpoint)


def serving(state: State) -> int | None:
    """Place of the endpoint that serves, or that would; None if the budget forbids all."""
    match state.phase:
        case Opening(endpoint=endpoint):
            return endpoint
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return talk.endpoint
        case _:
            return choice(state)


def deadline_seconds(state: State) -> float | None:
    """How long the phase may last; only idle has no deadline."""
    rules = state.rules
    match state.phase:
        case Idle():
            return None
        case Opening(endpoint=endpoint):
            return rules.opening_seconds if another(state, endpoint) is None else rules.failover_seconds
        case Listening(utterance=None):
            return rules.listening_seconds
        case Listening(utterance=utterance) if utterance == RELEASED:
            return rules.listening_seconds
        case Listening():
            return rules.utterance_seconds
        case Thinking():
            return rules.thinking_seconds
        case _:
            return rules.speaking_seconds


def is_waiting(state: State) -> bool:
    """Whether the user waits for a tool, in silence."""
    match state.phase:
        case Thinking(talk=talk):
            return bool(talk.calls) and state.rules.waiting_cue_seconds > 0
        case _:
            return False


def open_session(state: State) -> int | None:
    """Number of the session that a conversation can be said to."""
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) if not talk.is_lost:
            return talk.session
        case _:
            return None


def ageing(state: State) -> int | None:
    """Number of the session that grows old: it must be replaced before the endpoint ends it."""
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) if not (talk.is_lost or talk.is_old):
            return talk.session
        case Idle() if state.spare is not None and state.spare.is_ready:
            return state.spare.session
        case _:
            return None


def root(state: State) -> int | None:
    """Number of the conversation, whose length is limited; None where it is not, or where it is too long already."""
    talk = conversation(state.phase)
    return talk.root if talk and not talk.is_too_long and state.rules.conversation_seconds > 0 else None


def spare_seconds(state: State) -> float:
    """How long the spare session may last."""
    return state.rules.opening_seconds if _is_looking(state) else state.rules.warm_seconds


def _is_looking(state: State) -> bool:
    return state.spare is not None and state.spare.is_probe


def announcement_seconds(state: State) -> float:
    """How long an announcement may take. A long text is not cut off, however slow the voice."""
    text = state.announcing.text if state.announcing else ""
    return max(state.rules.announcement_seconds, _SECONDS_PER_CHARACTER * len(text))


def unreached(state: State) -> Down | None:
    """The endpoint that is looked for next; None where nothing is to be looked for."""
    return to_check(state.rules.endpoints, state.down, may_bill=may_bill(state))


def check_seconds(state: State) -> float | None:
    """How long until an endpoint that is down is looked for again; None where that is not waited for."""
    failed = unreached(state)
    return None if failed is None or _is_looking(state) else failed.check_seconds
