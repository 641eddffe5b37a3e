"""What an endpoint used of a model, as far as its owner pays for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, or seconds, that were used for one thing; the cached ones are part of those that went in."""

    text_in: int = 0
    audio_in: int = 0
    image_in: int = 0
    cached_text_in: int = 0
    cached_audio_in: int = 0
    cached_image_in: int = 0
    text_out: int = 0
    audio_out: int = 0
    seconds: float = 0.0
    """Only of a transcription that is billed by its duration."""


@dataclass(frozen=True, slots=True)
class Billed:
    """Something to be paid for, told exactly once."""

    session: int
    continues_root: int
    """The first session of its conversation; this session itself unless it continues another."""
    endpoint: str
    """The endpoint's name."""
    model: str
    """The one that was used: for a transcription that of the transcription."""
    response_id: str
    """Of the response, or of the item that was transcribed."""
    kind: Literal["response", "transcription"]
    usage: Usage
    tools: tuple[str, ...] = ()
    """Names of the tools that the response called, in order."""
    status: str = "completed"
    """How a response ended, or "lost" where the connection broke before its end was told."""
    estimated: bool = False
    """Whether the usage is our own guess, because the endpoint could not tell it any more."""
    bills: bool = True
    """Whether the endpoint costs money at all."""
