"""Everything that the core can ask of the world, in the imperative.

The daemon carries effects out at once and in order; a device that takes time answers later with an event.
"""

from __future__ import annotations

from dataclasses import dataclass

from speakerd.core.cues import Cue as Cue
from speakerd.core.events import Timer
from speakerd.core.kinds import Asker
from speakerd.core.kinds import PlayoutLevel as PlayoutLevel

LEFT_OFF = -1
"""In the place of a capture position: where the uplink ended last."""


# The session


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Connect and set up; answered by SessionOpened or SessionClosed."""

    session: int
    endpoint: int = 0
    """Which one, by its place in the owner's list."""
    continues: int | None = None
    """The session, over or about to be closed, whose words this one is told before it is opened."""
    resend: bool = False
    """Send its last utterance again, which was not answered; that one is then not among the words."""
    after_seconds: float = 0.0
    """How long to wait before, give or take a quarter."""


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Close the connection; nothing answers, and nothing of this session is reported afterwards."""

    session: int


@dataclass(frozen=True, slots=True)
class SendText:
    """Add the user's text to the conversation."""

    session: int
    text: str


@dataclass(frozen=True, slots=True)
class SendToolOutput:
    """Answer a function call."""

    session: int
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class SendNote:
    """Tell the model what happened beside the conversation."""

    session: int
    text: str


@dataclass(frozen=True, slots=True)
class NoteDecision:
    """Write down what became of a call, without what was asked."""

    tool: str
    decision: str
    """"allowed", "refused" or "waiting"."""
    reason: str
    asker: Asker = Asker.VOICE


@dataclass(frozen=True, slots=True)
class CommitUtterance:
    """Say that what was sent of the microphone is one utterance, for an endpoint that does not find its end."""

    session: int


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the model to go on."""

    session: int
    aloud: bool = True
    """Whether the answer is sound; else it is text alone."""
    resume: bool = False
    """The answer before was interrupted by nothing: its rest is wanted."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop the active response; audio of it that still arrives is dropped by its id."""

    session: int
    response_id: str


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """Make the conversation hold only what was heard of an item."""

    session: int
    item_id: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Remove an item of which nothing was heard."""

    session: int
    item_id: str


@dataclass(frozen=True, slots=True)
class TellFacts:
    """Add what changes from turn to turn (the time, what rings) at the tail of the conversation, until forgotten."""

    session: int


@dataclass(frozen=True, slots=True)
class ForgetFacts:
    """Remove what TellFacts added, so that it is paid for once."""

    session: int


# The audio plane


@dataclass(frozen=True, slots=True)
class OpenCapture:
    """Open the microphone's stream."""


@dataclass(frozen=True, slots=True)
class CloseCapture:
    """Close the microphone's stream: muted is not merely ignored."""


@dataclass(frozen=True, slots=True)
class OpenUplink:
    """Send what the microphone hears to the session, from a capture position on."""

    session: int
    since_sample: int | None
    """Capture position (16 kHz samples) of the first sample to send, pre-roll included; None means now, and LEFT_OFF
    means where the uplink ended last."""


@dataclass(frozen=True, slots=True)
class CloseUplink:
    """Send no more microphone audio; answered by UplinkClosed."""


@dataclass(frozen=True, slots=True)
class MarkUplink:
    """Remember this moment: LEFT_OFF means it, until the uplink is closed again."""


@dataclass(frozen=True, slots=True)
class StopPlayout:
    """Silence answers at once; answered by one PlayoutEnded(cut_short=True) for each item that was not over."""


@dataclass(frozen=True, slots=True)
class SetPlayoutLevel:
    """Change how loud answers are, at once; those that wait keep their place."""

    level: PlayoutLevel


@dataclass(frozen=True, slots=True)
class PlayCue:
    """Play a short local sound; answered by one CueEnded."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class Announce:
    """Speak a sentence in the device's own voice; answered by PlayoutEnded of `announcement_item`, in any case."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class StopAnnouncing:
    """Do not begin what was to be announced; what sounds already is stopped by StopPlayout."""

    number: int


def announcement_item(number: int) -> str:
    """The id under which the player knows an announcement; no server's id looks like it."""
    return f"announcement {number}"


@dataclass(frozen=True, slots=True)
class StartRinging:
    """Ring until told to stop."""


@dataclass(frozen=True, slots=True)
class StopRinging:
    """Stop the ringing at once."""


@dataclass(frozen=True, slots=True)
class JudgeWake:
    """Tell the wake word's detector whether somebody spoke after an activation from idle; at most once for each."""

    word: str
    was_wanted: bool
    sample: int
    """The one of its WakeWordHeard."""


# Tools, time, and the owner


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool beside the conversation; always answered by ToolFinished."""

    session: int
    """NO_SESSION for a call that a wake word made."""
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CancelTool:
    """Nobody waits for a call any more: end it, if that is safe; it is answered by ToolFinished all the same."""

    call_id: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start or restart a timer of the core; answered by TimedOut."""

    timer: Timer
    epoch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Forget a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class RefuseAsk:
    """Tell whoever asked by text that it cannot be done now."""

    request: int
    reason: str


@dataclass(frozen=True, slots=True)
class Exit:
    """End the service: everything else has been told to stop."""


Effect = (
    OpenSession
    | CloseSession
    | SendText
    | SendToolOutput
    | SendNote
    | CommitUtterance
    | CreateResponse
    | CancelResponse
    | TruncateItem
    | DeleteItem
    | TellFacts
    | ForgetFacts
    | OpenCapture
    | CloseCapture
    | OpenUplink
    | CloseUplink
    | MarkUplink
    | StopPlayout
    | SetPlayoutLevel
    | PlayCue
    | Announce
    | StopAnnouncing
    | StartRinging
    | StopRinging
    | JudgeWake
    | RunTool
    | CancelTool
    | StartTimer
    | StopTimer
    | RefuseAsk
    | NoteDecision
    | Exit
)
