"""A scripted brain, an endpointer that takes any sound for speech, and a client that validates what it is sent."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect, unix_connect

from speakerd.audio.utterances import SpeechBegan, SpeechOver
from speakerd.errors import SpeechError
from speakerd.offline.brain import Brain, Part, Say
from speakerd.offline.server import OfflineServer, ServerOptions, SessionReport, TcpAddress
from speakerd.ports import ToolSpec
from validation import check_server_event

Wire = dict[str, Any]

SPEECH = b"\x01\x00" * 24 * 500
"""500 ms that the endpointer takes for speech."""
SILENCE = bytes(48 * 1000)
"""1000 ms of silence."""


class SoundEndpointer:
    """Any sample that is not zero is speech; silence of the wanted length ends it."""

    def __init__(self, silence_ms: int, threshold: float) -> None:
        self._silence_bytes = silence_ms * 48
        self._fed = 0
        self._quiet: int | None = None

    def feed(self, pcm: bytes) -> Sequence[SpeechBegan | SpeechOver]:
        start, self._fed = self._fed, self._fed + len(pcm)
        if any(pcm):
            began = [] if self._quiet is not None else [SpeechBegan(start // 48)]
            self._quiet = 0
            return began
        if self._quiet is None:
            return []
        self._quiet += len(pcm)
        if self._quiet < self._silence_bytes:
            return []
        self._quiet = None
        return [SpeechOver(self._fed // 48)]


@dataclass
class FakeBrain:
    """Hears "hello", says back what it is asked, speaks 100 ms a word; waits at its gates if they are closed."""

    hears: Callable[[bytes], str] = lambda pcm: "hello"
    thinks: Callable[[str], Sequence[Part]] = lambda text: [Say(f"you said {text}")]
    hearing_open: threading.Event = field(default_factory=threading.Event)
    voice_open: threading.Event = field(default_factory=threading.Event)
    hearing_entered: threading.Event = field(default_factory=threading.Event)
    voice_entered: threading.Event = field(default_factory=threading.Event)
    voice_left: threading.Event = field(default_factory=threading.Event)
    mute: bool = False
    pieces: int = 0
    """Pieces of audio made."""

    def __post_init__(self) -> None:
        self.hearing_open.set()
        self.voice_open.set()

    @property
    def brain(self) -> Brain:
        return Brain(self, self, self)

    def prepare(self, tools: Sequence[ToolSpec]) -> None:
        pass

    def transcribe(self, pcm: bytes, tools: Sequence[ToolSpec]) -> str:
        self.hearing_entered.set()
        assert self.hearing_open.wait(10)
        return self.hears(pcm)

    def answer(self, text: str, tools: Sequence[ToolSpec]) -> Sequence[Part]:
        return self.thinks(text)

    def report(self, outputs: Sequence[tuple[str, str]]) -> Sequence[Part]:
        return [Say(" and ".join(f"{name} {output}" for name, output in outputs))]

    def speak(self, text: str) -> Iterator[bytes]:
        try:
            for _ in text.split():
                if self.mute:
                    raise SpeechError("espeak-ng is missing: install it.")
                self.pieces += 1
                yield b"\x02\x00" * 2400
                self.voice_entered.set()
                assert self.voice_open.wait(10)
        finally:
            self.voice_left.set()


async def passed(event: threading.Event) -> None:
    """Wait for another thread without blocking the loop."""
    assert await asyncio.to_thread(event.wait, 10)


@dataclass
class Client:
    """A client of a server under test."""

    socket: ClientConnection
    events: list[Wire] = field(default_factory=list)

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def append(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 4800):
            await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm[start : start + 4800]).decode())

    async def say(self, text: str) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.send("conversation.item.create", item=item)
        await self.send("response.create")

    async def until(self, kind: str) -> Wire:
        """Read up to the next event of this type."""
        async with asyncio.timeout(20):
            while True:
                event: Wire = json.loads(await self.socket.recv())
                check_server_event(event)
                self.events.append(event)
                if event["type"] == kind:
                    return event


@dataclass
class Host:
    """A server under test."""

    url: str
    reports: list[SessionReport]
    reported: asyncio.Condition

    @asynccontextmanager
    async def client(self, **settings: Any) -> AsyncIterator[Client]:
        """A client that has read session.created."""
        async with connect(f"{self.url}?model=test", **settings) as socket:
            client = Client(socket)
            await client.until("session.created")
            yield client

    async def report(self, number: int = 1) -> SessionReport:
        """The report that comes as this one in time."""
        async with asyncio.timeout(10), self.reported:
            await self.reported.wait_for(lambda: len(self.reports) >= number)
            return self.reports[number - 1]


@asynccontextmanager
async def hosting(fake: FakeBrain | None = None, address: Path | None = None, **options: Any) -> AsyncIterator[Host]:
    """A running server."""
    brain = (fake or FakeBrain()).brain
    host = Host("", [], asyncio.Condition())
    tasks: set[asyncio.Task[None]] = set()

    async def notify() -> None:
        async with host.reported:
            host.reported.notify_all()

    def report(session: SessionReport) -> None:
        host.reports.append(session)
        tasks.add(asyncio.create_task(notify()))

    server = OfflineServer(lambda: brain, SoundEndpointer, ServerOptions(**options), report)
    async with server.serving(address or TcpAddress("127.0.0.1", 0)) as url:
        host.url = url
        yield host
    await asyncio.gather(*tasks)


@asynccontextmanager
async def unix_client(path: Path) -> AsyncIterator[Client]:
    async with unix_connect(str(path), "ws://localhost/v1/realtime?model=test") as socket:
        client = Client(socket)
        await client.until("session.created")
        yield client
