"""What follows from the state alone: whether the microphone is open, who hears it, how loud answers are, all deadlines.

Nothing commands these; `step` compares them before and after an event, so that no branch can forget one.
"""

from __future__ import annotations

from speakerd.core.effects import PlayoutLevel
from speakerd.core.state import Card, Held, Hinted, Idle, Listening, Opening, Speaking, State, Thinking


def capturing(state: State) -> bool:
    """Whether the microphone's stream is open."""
    return not state.muted and not state.stopping


def uplinked(state: State) -> int | None:
    """Number of the session that the microphone is sent to; in half duplex to none while sound leaves the speaker."""
    quiet = state.rules.full_duplex or not (state.ringing or state.cues)
    if not capturing(state) or state.card is not Card.UP or not quiet:
        return None
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) if not talk.typed:
            return talk.session
        case Speaking(talk=talk) if state.rules.full_duplex and not talk.typed:
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


def deadline_seconds(state: State) -> float | None:
    """How long the phase may last; only idle has no deadline."""
    rules = state.rules
    match state.phase:
        case Idle():
            return None
        case Opening():
            return rules.opening_seconds
        case Listening(utterance=None):
            return rules.listening_seconds
        case Listening():
            return rules.utterance_seconds
        case Thinking():
            return rules.thinking_seconds
        case _:
            return rules.speaking_seconds
