"""What the speaker knows. Frozen; only the daemon's loop replaces it, and only by the outcome of `step`.

A phase carries only its own data. What is true in every phase (muted, card, microphone, ringing, fault) stands beside
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from speakerd.core.budget import Budget
from speakerd.core.cues import Cue
from speakerd.core.endpoints import Down, EndpointRule
from speakerd.core.events import Fault, Spent
from speakerd.core.kinds import Asker
from speakerd.core.policy import PolicyRule
from speakerd.core.words import Action, Talk, WordAction

END_CONVERSATION = "end_conversation"
"""The tool by which the model ends the conversation: the core acts on it, nothing runs."""


HELD, RELEASED = "held", "released"
"""In the place of an utterance's item id: it lasts while the button is down; it is over, and not yet all sent."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The owner's settings, as far as decisions need them."""

    endpoints: tuple[EndpointRule, ...] = (EndpointRule(),)
    """In the order of the owner's preference; never empty."""
    budget: Budget = field(default_factory=Budget)
    opening_seconds: float = 10.0
    failover_seconds: float = 4.0
    """How long an endpoint may take to open while another could be asked instead."""
    reopening_tries: int = 3
    """How often an endpoint that broke off is tried again."""
    rollover_seconds: float = 3300.0
    """Age at which a session is replaced by a new one, before the endpoint ends it."""
    conversation_seconds: float = 0.0
    """Longest conversation, whoever talks; 0 means any."""
    most_turns: int = 0
    """Turns of the user after which a conversation ends; 0 means any number."""
    end_phrases: frozenset[str] = frozenset()
    """What the user says to end it; lower case, words with one space between."""
    warm_seconds: float = 0.0
    """How long the next session is kept ready after a conversation; 0 means never."""
    facts: bool = False
    """What changes from turn to turn is told to the model in each."""
    announcement_seconds: float = 60.0
    tap_seconds: float = 0.3
    """A press shorter than this holds no words."""
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
    push_to_talk: bool = False
    """The user is heard while he holds the button; a wake word still begins a conversation without it."""
    turn_cues: bool = False
    """Cues tell not only what goes wrong but also when listening begins and ends, and mute."""
    most_tool_calls: int = 16
    policy: tuple[PolicyRule, ...] = ()
    """Which calls of the model run; what no rule names does."""
    approval_seconds: float = 30.0
    """How long the owner has to approve a call."""
    waiting_cue_seconds: float = 0.0
    """How long a tool may take before a cue says that it does, and so on; 0 means for ever."""
    most_calls_per_minute: int = 0
    """Most calls that nobody approved within a minute; 0 means any number."""
    most_equal_calls: int = 3
    """How often the same is asked of the same tool in one turn."""
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
    asked: tuple[tuple[str, str], ...] = ()
    """What was asked of which tool in this turn, in order."""
    is_tainted: bool = False
    """Words of strangers came with the output of a tool; they stay in what the model knows."""
    is_written: bool = False
    """This turn of the user's was typed."""
    approved: frozenset[str] = frozenset()
    """Calls that run because the owner approved them; nobody at the endpoint waits for an output of theirs."""
    notes: tuple[str, ...] = ()
    """What the next session is told of what the owner approved."""
    cut: frozenset[str] = frozenset()
    """Items that were stopped; how much of each was heard is still to be told."""
    ending: bool = False
    """The model said goodbye: the conversation ends with this answer."""
    typed: bool = False
    """Asked by text: one turn, and the microphone stays out of it."""
    aloud: bool = True
    """Whether answers are sound; else they are text alone."""
    by_button: bool = False
    """The user is heard only while he holds the button."""
    since_sample: int | None = None
    """Where the uplink begins when it opens next (16 kHz samples); None means now."""
    wake: Wake | None = None
    """The activation that nobody has spoken after so far."""
    endpoint: int = 0
    root: int = 0
    """The first session of the conversation."""
    is_lost: bool = False
    """The session broke off; what is heard of its last answer is still to be played."""
    breaks: int = 0
    """Sessions that broke off since the last answer."""
    is_old: bool = False
    """The session is to be replaced by a new one as soon as nothing goes on."""
    is_too_long: bool = False
    """It has lasted as long as it may: it ends with the answer that is owed."""
    unanswered: bool = False
    """The user has spoken, and nothing of an answer has come."""
    retried: bool = False
    """The answer of this turn was asked for again, because it failed or its session broke off."""
    turns: int = 0
    """How often it was the user's turn and he used it."""
    interrupter: str | None = None
    """The utterance that interrupted the last answer, as long as it may turn out to have been a noise."""
    resuming: bool = False
    """The next response is to be the rest of an answer that a noise interrupted."""

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
    endpoint: int = 0
    tries: int = 0
    """Failed ones at this endpoint."""
    aloud: bool = True
    """Whether the answer to the text is sound."""
    is_held: bool | None = None
    """Whether the button that is to be held while talking is still down; None where it is not."""
    resume: Conversation | None = None
    """The conversation that goes on in the new session."""
    outputs: tuple[tuple[str, str], ...] = ()
    """Calls of the conversation that ended meanwhile, and their outputs."""


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


Talking = Listening | Thinking | Speaking
Phase = Idle | Opening | Talking


@dataclass(frozen=True, slots=True)
class Spare:
    """A session beside the phase: ready for the next activation, or a test of whether an endpoint is up again."""

    session: int
    endpoint: int
    is_probe: bool
    is_ready: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """A sentence of our own."""

    number: int
    text: str
    request: int | None = None
    """Who asked for it by the control socket."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that waits for the owner."""

    number: int
    tool: str
    arguments: str
    code: str
    """The digits that approve it, too; empty if only the button does."""
    asker: Asker = Asker.VOICE
    wrong_codes: int = 0
    """How often something else was said."""
    heard_over: frozenset[str] = frozenset()
    """Utterances that began over an answer."""


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
    waits: int = 0
    """Counts cues that told of a slow tool; the timer of an older one is stale."""
    calls_lately: int = 0
    """Calls within the minute that began with the first of them."""
    minutes: int = 0
    """Counts such minutes; the timer of an older one is stale."""
    cues: frozenset[Cue] = frozenset()
    """Cues that sound, each of them once."""
    failure_untold: bool = False
    """A wake word's call failed while the user was listened to; its cue waits for the end of that."""
    fault: Fault | None = None
    """Why the last conversation failed; forgotten when a session opens."""
    down: tuple[Down, ...] = ()
    """Endpoints that failed and have not been reached since."""
    checks: int = 0
    """Counts the waits before an endpoint is looked for again; the timer of an older one is stale."""
    spare: Spare | None = None
    spent: Spent | None = None
    """The last that the ledger told; None before."""
    told_limits: frozenset[str] = frozenset()
    """Limits of which the user was told that they are reached, each with its day or month."""
    announcements: tuple[Announcement, ...] = ()
    """To be spoken when nothing else goes on."""
    announcing: Announcement | None = None
    announced: int = 0
    """Number of the last announcement."""
    approval: Approval | None = None
    approvals: int = 0
    """Number of the last approval."""
    presses: int = 0
    """Counts presses of the button that may be held; the timer of an older one is stale."""
    is_tap: bool = False
    """The last press may still turn out to be a short one."""
    pressed_for: int = 0
    """Number of the approval that the last press gives if it was a short one."""
    stopping: bool = False


def conversation(phase: Phase) -> Conversation | None:
    """What goes on, or goes on as soon as a session is open; None while idle or at a beginning."""
    match phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return talk
        case Opening(resume=talk):
            return talk
        case _:
            return None


def session(phase: Phase) -> int | None:
    """Number of the session that the phase lives in."""
    match phase:
        case Opening(session=number):
            return number
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return talk.session
        case _:
            return None
