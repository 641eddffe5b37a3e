"""What a session's protocol wants done: events to send, and requests to the brain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from speakerd.ports import ToolSpec


@dataclass(frozen=True, slots=True)
class Send:
    """Send a server event."""

    event: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection after what was sent before."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class StartEndpointing:
    """Look for turns in the audio from here on, with a fresh endpointer; its clock starts at zero."""

    silence_ms: int
    threshold: float


@dataclass(frozen=True, slots=True)
class StopEndpointing:
    """Look for turns no more."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Audio arrived, whole samples: show it to the endpointer, if one is at work."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Prepare:
    """Get ready to hear about these tools; nothing answers."""

    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Turn a user item's audio into words; answered by `transcribed` or `not_transcribed`."""

    item_id: str
    pcm: bytes
    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The user said something."""

    text: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """Functions answered: (tool name, output) pairs."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Think:
    """Decide what to say and do; answered by `thought` or `failed`."""

    response_id: str
    question: Words | Outputs
    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class Speak:
    """Turn text into audio; answered by `spoke` for each piece, then by `spoken` or `failed`."""

    response_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up all work for a response; nothing of it is wanted any more."""

    response_id: str


Effect = Send | Close | StartEndpointing | StopEndpointing | Listen | Prepare | Transcribe | Think | Speak | Stop
