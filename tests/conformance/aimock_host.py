"""A Realtime server that others wrote (aimock, from npm) in a process of its own, and our sessions that talk to it.

aimock answers with what its fixtures say: the first whose `match` fits the conversation so far. It speaks text and
function calls, no audio. Its journal tells what it has understood of us.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from node import NODE, PACKAGES
from realtime_stage import StoryPlayer
from speakerd.core.events import Event, ResponseEnded, SessionOpened, Status, Talker, Transcribed
from speakerd.core.usage import Billed
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.endpoints import endpoint
from speakerd.realtime.session import RealtimeSessions
from speakerd.settings import EndpointSettings
from validation import check_client_event

E = TypeVar("E")
Wire = dict[str, Any]

_PROGRAM = PACKAGES / "node_modules/@copilotkit/aimock/dist/cli.js"
_ANNOUNCEMENT = "server listening on http://"


HELLO: Wire = {"match": {"userMessage": "hello"}, "response": {"content": "Good morning to you."}}


def fixture(user: str, response: Wire, **more: Any) -> Wire:
    """What is answered to a text in which this stands; `more` says how fast and how much of it."""
    return {"match": {"userMessage": user}, "response": response, **more}


@dataclass(frozen=True)
class Aimock:
    """A server that runs."""

    address: str
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"ws://{self.address}/v1/realtime"

    async def understood(self) -> list[list[Wire]]:
        """For each response that we asked for, the conversation as the server had it: chat messages."""
        host, port = self.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /__aimock/journal HTTP/1.0\r\nHost: {self.address}\r\n\r\n".encode())
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return [entry["body"]["messages"] for entry in json.loads(body)]

    async def end(self) -> None:
        """End it as a service is ended."""
        self.process.terminate()
        async with asyncio.timeout(10):
            await self.process.wait()


@asynccontextmanager
async def aimock(folder: Path, *fixtures: Wire, key: str = "", strict: bool = False) -> AsyncIterator[Aimock]:
    """A server with these fixtures, which lives as long as the context; with a key it takes no other."""
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    environment = {**os.environ, **({"AIMOCK_API_KEYS": key} if key else {})}
    options = ["--port=0", f"--fixtures={file}", *(["--strict"] if strict else [])]
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(_PROGRAM), *options), env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            yield Aimock(await _address(process), process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if _ANNOUNCEMENT in line.decode():
            return line.decode().rpartition("//")[2].strip()
    raise AssertionError("aimock ended before it listened: run scripts/prepare develop")


def custom(url: str, key_file: str = "") -> Endpoint:
    """An endpoint of the owner's own."""
    settings = EndpointSettings(
        name="custom", url=url, model="gpt-realtime-2.1", key_file=key_file, instructions="Be brief.", voice="marin"
    )
    return endpoint(settings, Path("/none"), {})


@dataclass
class Talk:
    """Sessions of ours, and what happened in them."""

    sessions: RealtimeSessions
    wire: list[tuple[str, Wire]] = field(default_factory=list)
    """(direction, event) of everything."""
    happened: list[Event] = field(default_factory=list)
    billed: list[Billed] = field(default_factory=list)
    unread: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    async def until(self, kind: type[E]) -> E:
        """The next event of a kind; those before it are taken too."""
        while True:
            event = await self.unread.get()
            if isinstance(event, kind):
                return event

    async def opened(self, session: int = 1, continues: int | None = None) -> None:
        self.sessions.open(session, continues=continues)
        assert await self.until(SessionOpened) == SessionOpened(session)

    def ask(self, text: str, session: int = 1) -> None:
        self.sessions.send_text(session, text)
        self.sessions.create_response(session)

    async def answered(self, text: str, session: int = 1) -> str:
        """What the assistant says to a text."""
        self.ask(text, session)
        assert (await self.until(ResponseEnded)).status is Status.COMPLETED
        said = self.of(Transcribed)[-1]
        assert (said.session, said.talker) == (session, Talker.ASSISTANT)
        return said.text

    def received(self, kind: str) -> list[Wire]:
        return self._events("received", kind)

    def sent(self, kind: str) -> list[Wire]:
        return self._events("sent", kind)

    def of(self, kind: type[E]) -> list[E]:
        """What happened of a kind."""
        return [event for event in self.happened if isinstance(event, kind)]

    def _events(self, direction: str, kind: str) -> list[Wire]:
        return [event for way, event in self.wire if (way, event["type"]) == (direction, kind)]


@asynccontextmanager
async def talking(where: Endpoint, tools: Sequence[ToolSpec] = (), facts: str = "") -> AsyncIterator[Talk]:
    """Our sessions, running. Whatever they send is checked against OpenAI's own types."""

    def trace(direction: str, _: str, event: Mapping[str, object]) -> None:
        talk.wire.append((direction, dict(event)))

    def post(event: Event) -> None:
        talk.happened.append(event)
        talk.unread.put_nowait(event)

    def book(billed: Billed) -> None:
        talk.billed.append(billed)

    player = StoryPlayer([])
    sessions = RealtimeSessions(
        *([where], lambda: tools, player, post), facts=lambda: facts, trace=trace, on_usage=book
    )
    talk = Talk(sessions)
    running = asyncio.create_task(sessions.run())
    try:
        async with asyncio.timeout(30):
            yield talk
    finally:
        await sessions.close_all()
        await running
    for direction, event in talk.wire:
        if direction == "sent" and event["type"] != "input_audio_buffer.append":
            check_client_event(event)
