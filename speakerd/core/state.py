"""What the speaker knows. Frozen; only the daemon's loop replaces it, and only by the outcome of `step`.

A phase carries only its own data. What is true in every phase (muted, card, microphone, ringing, fault) stands beside
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from speakerd.core.cues import Cue
from speakerd.core.events import Fault
from speakerd.core.words import Action, Talk, WordAction

END_CONVERSATION = "end_conversation"
"""The tool by which the model ends the conversation: the core acts on it, nothing runs."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The owner's settings, as far as decisions need them."""

    opening_seconds: float = 10.0
    listening_seconds: float = 8.0
    utterance_seconds: float = 60.0
    thinking_seconds: float = 30.0
    speaking_seconds: float = 300.0
    ringing_seconds: float = 120.0
    hold_seconds: float = 1.2
    """How long an answer waits for the word on whether the user speaks over it."""
    preroll_samples: int = 12_800
    """Samples at 16 kHz before an activation that are sent too."""
    follow_up: bool = True
    full_duplex: bool = False
    local_turns: bool = False
    """The end of an utterance is found on the device, for an endpoint that does not."""
    turn_cues: bool = False
    """Cues tell not only what goes wrong but also when listening begins and ends, and mute."""
    most_tool_calls: int = 16
    words: tuple[WordAction, ...] = ()
    """By the word's name as in WakeWordHeard; a word that is not here talks."""

    def action(self, word: str) -> Action:
        """What a wake word does."""
        return next((known.action for known in self.words if known.word == word), Talk())


# The response that the server makes: at most one at a time


@dataclass(frozen=True, slots=True)
class Requested:
    """Asked for, by us or by the end of an utterance; not created yet."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Asked for and interrupted before it was created: cancelled as soon as it is."""


@dataclass(frozen=True, slots=True)
class Active:
    """Created and wanted."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Cancelled by us; its end is still to come, and perhaps the next one is already asked for."""

    response_id: str
    then: Requested | Unwanted | None = None


Response = Requested | Unwanted | Active | Cancelled


@dataclass(frozen=True, slots=True)
class Wake:
    """An activation from idle by a wake word, of which is not yet known whether it was wanted."""

    word: str
    sample: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the two sides of one session still owe each other."""

    session: int
    response: Response | None = None
    calls: frozenset[str] = frozenset()
    """Tool calls that run and whose outputs the user waits for."""
    orphans: frozenset[str] = frozenset()
    """Tool calls that run although the user went on; their outputs are sent and not spoken."""
    continuing: bool = False
    """Outputs were sent that no response has seen."""
    calls_made: int = 0
    """Tool calls of this turn."""
    cut: frozenset[str] = frozenset()
    """Items that were stopped; how much of each was heard is still to be told."""
    ending: bool = False
    """The model said goodbye: the conversation ends with this answer."""
    typed: bool = False
    """Asked by text: one turn, and the microphone stays out of it."""
    since_sample: int | None = None
    """Where the uplink begins when it opens next (16 kHz samples); None means now."""
    wake: Wake | None = None
    """The activation that nobody has spoken after so far."""

    @property
    def owes(self) -> bool:
        """Whether the user still waits for something."""
        match self.response:
            case Requested() | Active() | Cancelled(then=Requested()):
                return True
        return bool(self.calls) or self.continuing


# The phases


@dataclass(frozen=True, slots=True)
class Idle:
    """No session; the wake word listens."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The session is being set up; what the user says meanwhile waits in the pre-roll."""

    session: int
    since_sample: int | None = None
    request: int | None = None
    """The text request that opened the session."""
    text: str | None = None
    wake: Wake | None = None
    """The wake word that opened the session."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The user's turn."""

    talk: Conversation
    utterance: str | None = None
    """Item id of the utterance in progress."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The server's or a tool's turn, in silence."""

    talk: Conversation


@dataclass(frozen=True, slots=True)
class Hinted:
    """Perhaps the user speaks over the answer: it is ducked."""


@dataclass(frozen=True, slots=True)
class Held:
    """The user was heard over the answer: it waits until a timer has run out or the endpoint hears speech, too."""

    number: int
    """The one of its timer."""
    is_gone: bool = False
    """The voice is over; unless the endpoint says otherwise it was nothing."""
    is_renewed: bool = False
    """The voice came again, and the timer was started once more."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """An answer leaves the loudspeaker."""

    talk: Conversation
    items: tuple[str, ...]
    """Items queued for playout, the playing one first; never empty."""
    overheard: Hinted | Held | None = None
    """What the microphone hears over the answer; only where the uplink is open meanwhile."""


Phase = Idle | Opening | Listening | Thinking | Speaking


class Card(Enum):
    """What is known of the sound card."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decisions depend on."""

    rules: Rules = field(default_factory=Rules)
    phase: Phase = field(default_factory=Idle)
    epoch: int = 0
    """Counts entries into phases; the phase timer of an older epoch is stale."""
    sessions: int = 0
    """Number of the last session."""
    card: Card = Card.STARTING
    muted: bool = False
    microphone_silent: bool = False
    """The open microphone sends nothing but one constant value."""
    ringing: frozenset[str] = frozenset()
    rings: int = 0
    """Counts ringings; the ringing timer of an older one is stale."""
    holds: int = 0
    """Number of the last hold; the timer of an older one is stale."""
    cues: frozenset[Cue] = frozenset()
    """Cues that sound, each of them once."""
    failure_untold: bool = False
    """A wake word's call failed while the user was listened to; its cue waits for the end of that."""
    fault: Fault | None = None
    """Why the last conversation failed; forgotten when a session opens."""
    stopping: bool = False


def session(phase: Phase) -> int | None:
    """Number of the session that the phase lives in."""
    match phase:
        case Opening(session=number):
            return number
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return talk.session
        case _:
            return None
