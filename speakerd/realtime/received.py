"""What the server can tell us, as a closed union of frozen dataclasses; what we have no use for is Unknown.

No wire names here: `messages_decode` makes these from the wire, `responses` turns them into events of the core.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from speakerd.core.events import Status
from speakerd.core.usage import Usage


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """The server accepted the connection."""


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The server took our set-up."""


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """Something failed; most errors leave the session open."""

    kind: str
    """The broad type, such as "invalid_request_error"; may be empty."""
    code: str
    """The exact cause; may be empty."""
    message: str = field(repr=False)
    """For people; may hold content or parts of a key, so it is not logged as it is."""
    event_id: str
    """Our event that caused it; empty when the server does not say."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak."""

    item_id: str
    start_ms: int | None = None
    """Where, in all the audio that was sent over this connection; None when the server does not say."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The utterance ended."""

    item_id: str
    end_ms: int | None = None
    """Where, like the start."""


@dataclass(frozen=True, slots=True)
class Committed:
    """An utterance became an item of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """A response is active."""

    response_id: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call, perhaps not yet all of it."""

    call_id: str
    name: str
    """Empty when the server names the function only in the item."""
    arguments: str = field(repr=False)
    """JSON as the model wrote it."""


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """A response is over."""

    response_id: str
    status: Status
    detail: str
    """Why it did not complete, such as "turn_detected"; may be empty."""
    error: ErrorReported | None
    calls: tuple[FunctionCall, ...]
    """Its function calls that are complete."""
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class OutputItemAdded:
    """A response got another item."""

    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class OutputItemDone:
    """An item of a response is over."""

    response_id: str
    item_id: str
    call: FunctionCall | None
    """Set for a function call that is complete, not for one that was cut off."""


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """A piece of an answer: mono 16-bit little-endian PCM at 24 kHz, cut anywhere."""

    response_id: str
    item_id: str
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AudioDone:
    """An item's audio is all there."""

    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """A piece of the assistant's words."""

    item_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TranscriptDone:
    """All of the assistant's words in one item."""

    item_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class InputTranscribed:
    """The user's words in one item; arrives at any time after the utterance."""

    item_id: str
    text: str = field(repr=False)
    """Empty when nothing was understood."""
    usage: Usage | None = None
    """What that costs, beside the responses."""


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    """The user's words in one item will never be told."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """The conversation got another item, whoever added it."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ArgumentsDone:
    """A function call's arguments ended: they are whole, or the response was cut off."""

    response_id: str
    call: FunctionCall


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """The server cut an item as we asked."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """The server removed an item as we asked."""

    item_id: str
    """Empty when the server does not say which."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit of the account."""

    name: str
    remaining: int
    reset_seconds: float


@dataclass(frozen=True, slots=True)
class RateLimitsUpdated:
    """What the account may still use."""

    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type of event that we have no use for."""

    kind: str


ServerMessage = (
    SessionCreated
    | SessionUpdated
    | ErrorReported
    | SpeechStarted
    | SpeechStopped
    | Committed
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | AudioDelta
    | AudioDone
    | TranscriptDelta
    | TranscriptDone
    | InputTranscribed
    | TranscriptionFailed
    | ItemAdded
    | ArgumentsDone
    | ItemTruncated
    | ItemDeleted
    | RateLimitsUpdated
    | Unknown
)
