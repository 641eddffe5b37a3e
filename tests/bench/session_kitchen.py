"""A server for a recorded afternoon, in fast time: our own server half with a real voice detector and no brain.

It answers every utterance that it finds, a television's as well as the user's, because no server knows whose it is. It
counts tokens as OpenAI does: 10 for a second of the user's sound, 20 for one of its own, all of a conversation again
at each answer. It drops nothing of a long conversation, and caches nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.session_talk import ANSWER_SECONDS
from speakerd.audio.pcm import SESSION_RATE_HZ
from speakerd.offline.brain import Brain, Part, Say
from speakerd.offline.endpointing import Endpointer
from speakerd.offline.server import OfflineServer, ServerOptions, SessionReport
from speakerd.ports import ToolSpec

SILENCE_MS, PREFIX_MS = 500, 300
"""OpenAI's defaults of server_vad; where the end is found by meaning, the same is taken."""
_PIECE = b"\x10\x00" * (SESSION_RATE_HZ // 5)


@dataclass
class Bill:
    """What an afternoon costs."""

    audio_in_tokens: int = 0
    """Over all answers, with what is billed again."""
    text_in_tokens: int = 0
    answers: int = 0
    sessions: int = 0
    sent_seconds: float = 0.0
    """All sound that was sent."""
    committed_seconds: float = 0.0
    """What of it became part of conversations."""

    def add(self, audio_in: int, text_in: int) -> None:
        """Count an answer."""
        self.audio_in_tokens += audio_in
        self.text_in_tokens += text_in
        self.answers += 1


@dataclass
class _Parrot:
    """Takes everything for words, and has one answer; implements the three parts of a brain."""

    bill: Bill
    pieces: Sequence[bytes] = field(default=(_PIECE,) * round(5 * ANSWER_SECONDS))

    def prepare(self, tools: Sequence[ToolSpec]) -> None:
        """Nothing need be ready."""

    def transcribe(self, pcm: bytes, tools: Sequence[ToolSpec]) -> str:
        """Count it."""
        self.bill.committed_seconds += len(pcm) / (2 * SESSION_RATE_HZ)
        return "something"

    def answer(self, text: str, tools: Sequence[ToolSpec]) -> Sequence[Part]:
        return [Say("that is an interesting question")]

    def report(self, outputs: Sequence[tuple[str, str]]) -> Sequence[Part]:
        return [Say("that is an interesting fact")]

    def speak(self, text: str) -> Iterator[bytes]:
        return iter(self.pieces)


@asynccontextmanager
async def kitchen_server(socket: Path, bill: Bill) -> AsyncIterator[None]:
    """Serve at a unix socket; sessions, and what they were sent, are counted when they end."""

    def report(session: SessionReport) -> None:
        bill.sessions += 1
        bill.sent_seconds += session.received.received_samples / SESSION_RATE_HZ

    brain = _Parrot(bill)
    server = OfflineServer(lambda: Brain(brain, brain, brain), Endpointer, ServerOptions(silence_ms=SILENCE_MS), report)
    async with server.serving(socket):
        yield
