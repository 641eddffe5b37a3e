"""A broker of the worst kind: it takes connections and subscriptions, and then sends what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

WELCOME = b"\x20\x03\x00\x00\x00"
"""CONNACK of MQTT 5: no session, success, no properties."""
_PUBLISH = 0x30


@dataclass
class BadBroker:
    """Answers politely until somebody has subscribed to all and published; then it sends `message`."""

    message: bytes
    welcome: bytes = WELCOME
    suback: int = 0
    connections: int = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                kind, body = await _packet(reader)
                match kind & 0xF0:
                    case 0x10:
                        writer.write(self.welcome)
                    case 0x80:
                        writer.write(b"\x90\x04" + body[:2] + b"\x00" + bytes([self.suback]))
                    case 0x30:
                        topic_bytes = int.from_bytes(body[:2], "big")
                        writer.write(b"\x40\x02" + body[2 + topic_bytes : 4 + topic_bytes] + self.message)
                        self.message = b""
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return kind, await reader.readexactly(length)


def message(topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH of MQTT 5 with quality 0, up to 127 bytes of it."""
    body = len(topic).to_bytes(2, "big") + topic + b"\x00" + payload
    return bytes([_PUBLISH, len(body)]) + body


@asynccontextmanager
async def serving(broker: BadBroker) -> AsyncIterator[int]:
    """The port where it listens."""
    server = await asyncio.start_server(broker.converse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
