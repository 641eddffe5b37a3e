"""What an endpoint is: how it is reached, how it is spoken to, and what it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from speakerd.realtime.messages_dialects import OPENAI, Dialect


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How an endpoint finds that the user has finished."""

    by_meaning: bool = True
    """By what was said, where the dialect has that; else by silence."""
    eagerness: str = "auto"
    """How soon, where it is by meaning."""
    silence_ms: int = 800
    """The silence; this and what follows where it is by silence."""
    prefix_ms: int = 300
    """What is taken with an utterance from before it."""
    threshold: float = 0.0
    """How sure it must be of speech; 0 means its own default."""
    interrupts: bool = True
    """Whether it breaks off its answer by itself when it hears the user."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of the Realtime protocol."""

    name: str
    """Unique among the owner's endpoints."""
    url: str = field(repr=False)
    """With the query, in which an owner may have put a secret."""
    headers: Mapping[str, str] = field(repr=False)
    model: str
    """Empty where the server chooses."""
    unix_socket: Path | None = None
    """Where to connect instead of to the URL's host."""
    dialect: Dialect = OPENAI
    connect_seconds: float = 8.0
    """How long connection and set-up may take."""
    bills: bool = True
    """Whether its owner pays for what is used."""
    phrases: bool = False
    """Whether tools carry their example phrases; only the assistant on the device reads them."""
    instructions: str = ""
    voice: str = ""
    """Empty means the server's own."""
    turns: TurnDetection | None = TurnDetection()  # frozen
    """None where the utterances are committed, and answers asked for, by us."""
    transcribes: bool = True
    """Whether the input is written down."""
    transcription_model: str = "gpt-transcribe"
    """What does that; empty means the server's own."""
    language: str = ""
    """Of the input, as a hint."""
    noise_reduction: str | None = "far_field"
    reasoning_effort: str = ""
    """Empty means the server's default."""
    max_output_tokens: int = 0
    """0 means no limit."""
    retention_ratio: float = 0.8

    @property
    def thinks(self) -> bool:
        """Whether the model may be told how much to reason, as far as its name tells."""
        return self.model.startswith(self.dialect.thinking_models)

    @property
    def where(self) -> str:
        """The endpoint in messages: its name and where it is, without secrets."""
        parts = urlsplit(self.url)
        return f"{self.name} ({self.unix_socket or parts.netloc.rpartition('@')[2]})"
