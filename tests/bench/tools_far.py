"""The other side of the tools bench, in a process of its own: a model that calls tools, and a way to their servers.

Prints its ports, then one JSON line for each thing that happened, until its stdin ends. What the speaker sends and is
sent is written down as it passes here, so that nothing of the servers' own time is in it. Times are CLOCK_MONOTONIC.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiomqtt
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from fake_server import CREATED, UPDATED, arguments_done, call_item, response_created, response_done, speech

ASK_TOPIC, ANSWER_TOPIC = "bench/door/ask", "bench/door/answer"
CALLS = {
    "own": ("get_volume", "{}"),
    "stdio": ("time_get_current_time", '{"timezone": "UTC"}'),
    "web": ("web_echo", '{"text": "one two three"}'),
    "mqtt": ("mqtt_door", "{}"),
}
"""For each source the tool that is called, with its arguments."""
_MARKS = {
    "web": (b'"tools/call"', b'"content"'),
    "mqtt": (ASK_TOPIC.encode(), ANSWER_TOPIC.encode()),
}
"""What is in a piece with a call on its way to the server, and in one with an answer on its way back."""
_PIECE_BYTES = 65_536
_THINKING_SECONDS = 0.03
"""From the beginning of an answer to the call in it; a model takes longer, in which the speaker does what is left."""

Tell = Callable[..., None]


class Guest:
    """The speaker, from its first message to its last."""

    def __init__(self, connection: ServerConnection, count: int, deadline: float, tell: Tell) -> None:
        self._connection = connection
        self._count = count
        self._deadline = deadline
        self._tell = tell

    async def serve(self) -> None:
        """Let it in, and call each source's tool again and again, a turn for each call."""
        with contextlib.suppress(ConnectionClosed):
            await self._send(CREATED)
            update, _ = await self._until("session.update")
            await self._send(UPDATED)
            self._tell(what="tools", source="", at=0.0, tools=update["session"]["tools"])
            for number in range(self._count):
                for source in CALLS:
                    await self._call(source, f"{source}-{number}")
                if time.monotonic() > self._deadline:
                    break
            self._tell(what="over", source="", at=time.monotonic())
            await self._connection.wait_closed()

    async def _call(self, source: str, number: str) -> None:
        name, arguments = CALLS[source]
        calling, telling = f"call-{number}", f"tell-{number}"
        await self._send(*speech(f"user-{number}"), response_created(calling))
        await asyncio.sleep(_THINKING_SECONDS)
        done = json.dumps(arguments_done(number, name, arguments, calling))
        asked_at = time.monotonic()
        await self._connection.send(done)
        await self._send(response_done(response=calling, output=[call_item(number, name, arguments)]))
        output, output_at = await self._until("conversation.item.create", number)
        is_error = output["item"]["output"].startswith("error")
        self._tell(what="turn", source=source, at=asked_at, output_at=output_at, is_error=is_error)
        await self._until("response.create")
        await self._send(response_created(telling), response_done(response=telling))

    async def _until(self, kind: str, call_id: str | None = None) -> tuple[dict[str, Any], float]:
        """The next event of a kind, perhaps with the output of a call, and when it was here."""
        while True:
            frame = await self._connection.recv()
            at = time.monotonic()
            event: dict[str, Any] = json.loads(frame)
            if event["type"] == kind and (call_id is None or event["item"].get("call_id") == call_id):
                return event, at

    async def _send(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self._connection.send(json.dumps(event))


@asynccontextmanager
async def between(source: str, port: int, tell: Tell) -> AsyncIterator[int]:
    """A port at which the speaker finds a server that is at another one."""
    call_mark, answer_mark = _MARKS[source]

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mark: bytes, what: str) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(_PIECE_BYTES):
                at = time.monotonic()
                writer.write(piece)
                await writer.drain()
                if mark in piece:
                    tell(what=what, source=source, at=at)
        writer.close()

    async def guide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back, call_mark, "call"), carry(there, writer, answer_mark, "answer"))

    server = await asyncio.start_server(guide, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def door(port: int) -> None:
    """Somebody in the home who answers at once."""
    at_once = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", port, protocol=version, socket_options=at_once) as client:
        await client.subscribe(ASK_TOPIC, qos=1)
        async for _ in client.messages:
            await client.publish(ANSWER_TOPIC, "shut", qos=1)


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def _serve(options: argparse.Namespace) -> None:
    # The speaker comes first, and must not take too long.
    deadlines = itertools.chain([options.deadline], itertools.repeat(float("inf")))
    async with AsyncExitStack() as opened:
        realtime = await opened.enter_async_context(
            serve(
                lambda connection: Guest(connection, options.count, next(deadlines), _tell).serve(),
                *("127.0.0.1", 0),
                compression=None,
                ping_interval=None,
            )
        )
        ports = {"realtime": next(iter(realtime.sockets)).getsockname()[1]}
        for source, port in (("web", options.web_port), ("mqtt", options.mqtt_port)):
            ports[source] = await opened.enter_async_context(between(source, port, _tell))
        answering = asyncio.create_task(door(options.mqtt_port))
        opened.callback(answering.cancel)
        _tell(**ports)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(prog="bench.tools_far")
    parser.add_argument("--web-port", type=int, required=True, help="of the server over streamable HTTP")
    parser.add_argument("--mqtt-port", type=int, required=True, help="of the broker")
    parser.add_argument("--count", type=int, required=True, help="calls of each source")
    parser.add_argument("--deadline", type=float, default=float("inf"), help="monotonic second of the last round")
    options = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # the speaker may go whenever it likes
    asyncio.run(_serve(options))


if __name__ == "__main__":
    main()
