"""Everything that can happen to the speaker, in the past tense.

An event that answers something carries the id of what it answers; the core drops it when that thing is gone.
Session numbers are ours and count up from 1; response, item and call ids are the server's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from speakerd.core.cues import Cue
from speakerd.core.kinds import Fault as Fault
from speakerd.core.kinds import Status as Status
from speakerd.core.kinds import Talker as Talker
from speakerd.core.kinds import Timer as Timer
from speakerd.core.words import WordAction

NO_SESSION = 0
"""In the place of a session's number: the tool call belongs to no conversation; its call id is ours."""

NO_REQUEST = 0
"""In the place of a request's number: nobody waits for an answer."""

FAILURE = "error: "
"""How the output of a tool that failed begins."""


# The room


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """A detection that passed threshold, patience and refractory; what the word does is among the rules."""

    word: str
    score: float
    sample: int
    """Capture position (16 kHz samples; it never restarts) at which the scored frame ended."""


@dataclass(frozen=True, slots=True)
class ActionPressed:
    """The action button went down."""


@dataclass(frozen=True, slots=True)
class ActionReleased:
    """The action button came up again."""


@dataclass(frozen=True, slots=True)
class MutePressed:
    """The mute button went down."""


@dataclass(frozen=True, slots=True)
class CardFound:
    """The sound card is open: capture (unless muted) and playout run."""


@dataclass(frozen=True, slots=True)
class CardLost:
    """The sound card is missing, busy or gone; recovery is under way."""

    reason: str


@dataclass(frozen=True, slots=True)
class MicrophoneSilent:
    """The open microphone has sent one constant value for a while: it is switched off, unplugged or broken."""

    reason: str


@dataclass(frozen=True, slots=True)
class MicrophoneHeard:
    """The microphone's signal moves again."""


@dataclass(frozen=True, slots=True)
class VoiceHinted:
    """Perhaps somebody speaks over our own sound."""

    sample: int
    """Capture position (16 kHz samples)."""


@dataclass(frozen=True, slots=True)
class VoiceHeard:
    """Somebody speaks over our own sound, as far as can be told on the device."""

    sample: int
    """Capture position (16 kHz samples)."""


@dataclass(frozen=True, slots=True)
class VoiceGone:
    """What was hinted at or heard over our own sound is over."""

    sample: int
    """Capture position (16 kHz samples)."""


# The owner


@dataclass(frozen=True, slots=True)
class TextAsked:
    """A text turn arrived over the control socket."""

    request: int
    text: str
    aloud: bool = True
    """Whether the answer is spoken; else it is text alone."""


@dataclass(frozen=True, slots=True)
class SayAsked:
    """A sentence to speak, as it is, arrived over the control socket."""

    request: int
    text: str


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """The owner has mended what was wrong: endpoints that were given up are to be tried again."""


@dataclass(frozen=True, slots=True)
class MuteAsked:
    """The owner wants the microphone closed, or open; unlike a press it cannot do the opposite."""

    muted: bool


@dataclass(frozen=True, slots=True)
class EndAsked:
    """The owner wants quiet: ringing and conversation are to end."""


@dataclass(frozen=True, slots=True)
class RingingStopAsked:
    """What rings is to be silent; all else goes on."""


@dataclass(frozen=True, slots=True)
class WordsChanged:
    """The owner changed what the wake words do."""

    words: tuple[WordAction, ...]


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The service must end."""


# The session


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The endpoint confirmed the session's set-up; audio may flow."""

    session: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session could not be opened, or the other side ended it."""

    session: int
    fault: Fault
    reason: str


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The endpoint's voice activity detection heard the user begin."""

    session: int
    item_id: str


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The endpoint decided that the utterance ended; it answers by itself."""

    session: int
    item_id: str


@dataclass(frozen=True, slots=True)
class UtteranceBegan:
    """Our own voice activity detection heard the user begin, in what is sent to the session."""

    session: int
    sample: int
    """Capture position (16 kHz samples)."""


@dataclass(frozen=True, slots=True)
class UtteranceEnded:
    """Our own endpointing decided that the utterance ended."""

    session: int
    sample: int
    """Capture position (16 kHz samples)."""


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """A response is now active on the server."""

    session: int
    response_id: str


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """The first audio of an item arrived and was handed to the player."""

    session: int
    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model called a function; the call is complete."""

    session: int
    response_id: str
    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it, not yet checked."""
    texts: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What a policy looks at; see policy.Asked."""
    code: str = field(default="", compare=False)
    """Digits that nobody knows yet, to be said by a user who confirms the call."""


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The response is no longer active; it is billed whatever its status."""

    session: int
    response_id: str
    status: Status
    fault: Fault | None = None
    """Set only when the status is FAILED."""


@dataclass(frozen=True, slots=True)
class ResponseRefused:
    """Our request for a response was rejected because one is active already."""

    session: int


@dataclass(frozen=True, slots=True)
class Transcribed:
    """Words of either side, for observers in memory; never logged."""

    session: int
    item_id: str
    talker: Talker
    text: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Money was booked, or a day began; all amounts are billionths of a US dollar."""

    session: int
    """Whose conversation it was; NO_SESSION at the start and when a day begins."""
    day: str
    """The local date, as 2026-11-26."""
    today_nano_usd: int
    month_nano_usd: int
    conversation_nano_usd: int = 0
    """Of the session and those that it continues."""


@dataclass(frozen=True, slots=True)
class UplinkClosed:
    """All that was heard until the uplink was closed has been handed to the session."""

    session: int


# The player and the tools


@dataclass(frozen=True, slots=True)
class PlayoutEnded:
    """An item's last sample left the loudspeaker, or the rest of it was thrown away."""

    item_id: str
    played_ms: int
    """Milliseconds really played, never more than were received."""
    cut_short: bool


@dataclass(frozen=True, slots=True)
class CueEnded:
    """A cue has left the room, or could not be played."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool returned, failed or ran out of time; the output says which."""

    session: int
    call_id: str
    output: str
    is_strangers: bool = False
    """Whether the output holds words from outside, which may try to give orders."""

    @property
    def failed(self) -> bool:
        """Whether the tool could not do what was asked."""
        return self.output.startswith(FAILURE)


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """A kitchen timer or alarm is due."""

    alarm: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A timer of the core ran out; stale unless its epoch is still the current one."""

    timer: Timer
    epoch: int


Event = (
    WakeWordHeard
    | ActionPressed
    | ActionReleased
    | MutePressed
    | CardFound
    | CardLost
    | MicrophoneSilent
    | MicrophoneHeard
    | VoiceHinted
    | VoiceHeard
    | VoiceGone
    | TextAsked
    | SayAsked
    | RetryAsked
    | MuteAsked
    | EndAsked
    | RingingStopAsked
    | WordsChanged
    | StopAsked
    | SessionOpened
    | SessionClosed
    | SpeechStarted
    | SpeechStopped
    | UtteranceBegan
    | UtteranceEnded
    | ResponseCreated
    | AnswerStarted
    | ToolCalled
    | ResponseEnded
    | ResponseRefused
    | Transcribed
    | Spent
    | UplinkClosed
    | PlayoutEnded
    | CueEnded
    | ToolFinished
    | AlarmRang
    | TimedOut
)
