"""A scripted Realtime server on loopback: expect this, then emit that.

Each connection plays the same script, unless those that come later have their own. After the last step the server only
reads, until the other side closes. Everything received is kept in `received`, by connection in `connections`, and
everything that was not as the script says in `complaints`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Wire = dict[str, Any]


@dataclass(frozen=True)
class Expect:
    """Read up to an event of this type (microphone audio before it is skipped) which has these fields."""

    kind: str
    fields: Wire = field(default_factory=dict)


@dataclass(frozen=True)
class Emit:
    """Send events; "$event_id" in them becomes the id of the event read last."""

    events: Sequence[Wire]


@dataclass(frozen=True)
class EmitRaw:
    """Send a frame as it is."""

    frame: str | bytes


@dataclass(frozen=True)
class Close:
    """Close the connection."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Cut:
    """Break the connection without a word."""


@dataclass(frozen=True)
class StopReading:
    """Leave everything in the sockets' buffers."""


Step = Expect | Emit | EmitRaw | Close | Cut | StopReading


@dataclass
class FakeServer:
    scripts: Sequence[Sequence[Step]]
    """By connection; the last one is for all that follow, too."""
    url: str = ""
    connections: list[list[Wire]] = field(default_factory=list)
    received: list[Wire] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    closed_with: asyncio.Queue[int | None] = field(default_factory=asyncio.Queue)
    """The close code of each connection, as it ends."""
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends StopReading."""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, connection: ServerConnection) -> None:
        if connection.request is not None:
            self.requests.append(connection.request)
        script = self.scripts[min(len(self.connections), len(self.scripts) - 1)]
        heard: list[Wire] = []
        self.connections.append(heard)
        try:
            for step in script:
                await self._play(step, connection, heard)
            while True:
                await self._read(connection, heard)
        except ConnectionClosed:
            pass
        finally:
            await connection.wait_closed()
            self.closed_with.put_nowait(connection.close_code)

    async def _play(self, step: Step, connection: ServerConnection, heard: list[Wire]) -> None:
        match step:
            case Expect(kind, fields):
                event = await self._read(connection, heard)
                while event["type"] == "input_audio_buffer.append" != kind:
                    event = await self._read(connection, heard)
                if event["type"] != kind or not fields.items() <= event.items():
                    self.complaints.append(f"expected {kind} {fields}, received {event}")
            case Emit(events):
                for event in events:
                    await connection.send(json.dumps(event).replace("$event_id", _last_id(heard)))
            case EmitRaw(frame):
                await connection.send(frame)
            case Close(code, reason):
                await connection.close(code, reason)
            case Cut():
                connection.transport.abort()
            case StopReading():
                connection.transport.pause_reading()
                await self.let_go.wait()
                connection.transport.abort()

    async def _read(self, connection: ServerConnection, heard: list[Wire]) -> Wire:
        event: Wire = json.loads(await connection.recv())
        async with self.arrived:
            self.received.append(event)
            heard.append(event)
            self.arrived.notify_all()
        return event

    async def until_received(self, count: int) -> None:
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)

    async def until_closed(self) -> int | None:
        """The close code of the next connection to end."""
        async with asyncio.timeout(10):
            return await self.closed_with.get()

    def kinds(self) -> list[str]:
        return [str(event["type"]) for event in self.received]


@asynccontextmanager
async def fake_server(
    *script: Step,
    then: Sequence[Sequence[Step]] = (),
    status: int | None = None,
    body: str = "",
    socket: Path | None = None,
) -> AsyncIterator[FakeServer]:
    """A server that plays the script to everyone, or to the first; with a status it refuses every upgrade."""
    fake = FakeServer([script, *then])

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if status is None:
            return None
        return connection.respond(HTTPStatus(status), body)

    if socket is not None:
        server = await unix_serve(fake.handle, str(socket), process_request=refuse, ping_interval=None)
    else:
        server = await serve(fake.handle, "127.0.0.1", 0, process_request=refuse, ping_interval=None)
        fake.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1/realtime"
    try:
        yield fake
    finally:
        fake.let_go.set()
        server.close()
        await server.wait_closed()
    assert fake.complaints == []


def _last_id(heard: list[Wire]) -> str:
    return str(heard[-1]["event_id"]) if heard else ""


CREATED: Wire = {"type": "session.created", "event_id": "e1", "session": {"type": "realtime", "id": "sess_1"}}
UPDATED: Wire = {"type": "session.updated", "event_id": "e2", "session": {"type": "realtime", "id": "sess_1"}}
SET_UP: tuple[Step, ...] = (Emit([CREATED]), Expect("session.update"), Emit([UPDATED]))
"""What a willing server does first."""


def error(
    code: str | None, message: str = "", event_id: str | None = None, kind: str = "invalid_request_error"
) -> Wire:
    detail = {"type": kind, "code": code, "message": message, "param": None, "event_id": event_id}
    return {"type": "error", "event_id": "e3", "error": detail}


def speech(item: str = "user_1") -> list[Wire]:
    return [
        {"type": "input_audio_buffer.speech_started", "event_id": "e", "audio_start_ms": 10, "item_id": item},
        {"type": "input_audio_buffer.speech_stopped", "event_id": "e", "audio_end_ms": 900, "item_id": item},
        {"type": "input_audio_buffer.committed", "event_id": "e", "item_id": item, "previous_item_id": None},
    ]


def response_created(response: str = "resp_1") -> Wire:
    return {"type": "response.created", "event_id": "e", "response": {"id": response, "status": "in_progress"}}


def audio(pcm: bytes, item: str = "item_1", response: str = "resp_1") -> Wire:
    delta = base64.b64encode(pcm).decode()
    return {**_part("response.output_audio.delta", item, response), "delta": delta, "obfuscation": "xyz"}


def audio_done(item: str = "item_1", response: str = "resp_1") -> Wire:
    return _part("response.output_audio.done", item, response)


def transcript_done(text: str, item: str = "item_1", response: str = "resp_1") -> Wire:
    return {**_part("response.output_audio_transcript.done", item, response), "transcript": text}


def user_transcript(text: str, item: str = "user_1") -> Wire:
    kind = "conversation.item.input_audio_transcription.completed"
    usage = {"type": "duration", "seconds": 1}
    return {"type": kind, "event_id": "e", "item_id": item, "content_index": 0, "transcript": text, "usage": usage}


def arguments_done(call: str, name: str, arguments: str, response: str = "resp_1") -> Wire:
    kind = "response.function_call_arguments.done"
    return {**_part(kind, f"fc_{call}", response), "call_id": call, "name": name, "arguments": arguments}


def call_item(call: str, name: str, arguments: str, status: str = "completed") -> Wire:
    item = {"type": "function_call", "id": f"fc_{call}", "call_id": call, "name": name}
    return {**item, "arguments": arguments, "status": status}


def item_done(item: Wire, response: str = "resp_1") -> Wire:
    return {
        "type": "response.output_item.done",
        "event_id": "e",
        "response_id": response,
        "output_index": 0,
        "item": item,
    }


def response_done(
    status: str = "completed", response: str = "resp_1", output: Sequence[Wire] = (), **more: object
) -> Wire:
    detail = {"object": "realtime.response", "id": response, "status": status, "output": list(output), **more}
    return {"type": "response.done", "event_id": "e", "response": detail}


def _part(kind: str, item: str, response: str) -> Wire:
    position = {"output_index": 0, "content_index": 0}
    return {"type": kind, "event_id": "e", "response_id": response, "item_id": item, **position}
