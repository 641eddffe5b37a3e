"""Everything that the core can ask of the world, in the imperative.

The daemon carries effects out at once and in order; a device that takes time answers later with an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from speakerd.core.cues import Cue as Cue
from speakerd.core.events import Timer


class PlayoutLevel(Enum):
    """How loud answers are, beside the volume."""

    FULL = 0
    DUCKED = 1
    """Quieter, so that a voice is heard better."""
    HELD = 2
    """Silent, and waiting at the very next sample."""


# The session


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Connect and set up; answered by SessionOpened or SessionClosed."""

    session: int


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
class CommitUtterance:
    """Say that what was sent of the microphone is one utterance, for an endpoint that does not find its end."""

    session: int


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the model to go on."""

    session: int


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
    """Capture position (16 kHz samples) of the first sample to send, pre-roll included; None means now."""


@dataclass(frozen=True, slots=True)
class CloseUplink:
    """Send no more microphone audio."""


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
    | CommitUtterance
    | CreateResponse
    | CancelResponse
    | TruncateItem
    | DeleteItem
    | OpenCapture
    | CloseCapture
    | OpenUplink
    | CloseUplink
    | StopPlayout
    | SetPlayoutLevel
    | PlayCue
    | StartRinging
    | StopRinging
    | JudgeWake
    | RunTool
    | StartTimer
    | StopTimer
    | RefuseAsk
    | Exit
)
