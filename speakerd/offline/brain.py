"""What the offline server needs of a brain: ears, wits and a voice, each replaceable.

All methods block and are called in worker threads; none is called twice at once for one session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from speakerd.ports import ToolSpec


@dataclass(frozen=True, slots=True)
class Say:
    """A message to speak."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call."""

    name: str
    arguments: Mapping[str, object]


Part = Say | Call


class Hearing(Protocol):
    """Turns an utterance into words."""

    def prepare(self, tools: Sequence[ToolSpec]) -> None:
        """Get ready for utterances about these tools, so that the first one need not wait."""

    def transcribe(self, pcm: bytes, tools: Sequence[ToolSpec]) -> str:
        """Words of mono 16-bit PCM at 24 kHz in lower case; empty when nothing was understood."""


class Understanding(Protocol):
    """Decides what to do about words."""

    def answer(self, text: str, tools: Sequence[ToolSpec]) -> Sequence[Part]:
        """What to say and call, in order; never empty."""

    def report(self, outputs: Sequence[tuple[str, str]]) -> Sequence[Part]:
        """What to say about (tool name, output) pairs; never empty."""


class Voice(Protocol):
    """Speaks."""

    def speak(self, text: str) -> Iterator[bytes]:
        """Mono 16-bit PCM at 24 kHz, in pieces of whole samples, as they become ready; raises SpeechError."""


@dataclass(frozen=True, slots=True)
class Brain:
    """The three together."""

    hearing: Hearing
    understanding: Understanding
    voice: Voice
