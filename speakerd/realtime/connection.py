"""One open WebSocket that carries the protocol's messages; what they mean is not its business."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from functools import cache

from websockets.asyncio.client import ClientConnection, connect, unix_connect

from speakerd.realtime import messages, messages_decode
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.messages import ClientEvent
from speakerd.realtime.received import ServerMessage

Trace = Callable[[str, str, Mapping[str, object]], None]
"""Takes ("sent" or "received", type, event); of audio the event holds only the length."""

_CLOSE_SECONDS = 2.0
_PING_SECONDS = 20.0
_LARGEST_FRAME_BYTES = 16 * 2**20

_log = logging.getLogger(__name__)

# websockets logs headers, and with them the key, and whole messages at DEBUG.
_websocket_log = logging.getLogger(f"{__name__}.websocket")
_websocket_log.setLevel(logging.WARNING)


class Connection:
    """A connection to an endpoint, which somebody must hang up in the end."""

    def __init__(self, socket: ClientConnection, trace: Trace) -> None:
        self._socket = socket
        self._trace = trace

    async def receive(self) -> ServerMessage:
        """The next message; raises ProtocolError and ConnectionClosed."""
        event = messages_decode.parse(await self._socket.recv(decode=False))
        self._trace("received", str(event["type"]), messages.without_audio(event))
        return messages_decode.message(event)

    async def send(self, event_id: str, event: ClientEvent) -> None:
        """Send as soon as the other side takes it; raises ConnectionClosed."""
        self._trace("sent", str(event["type"]), messages.without_audio(event))
        await self._socket.send(messages.encode(event, event_id))

    def abort(self) -> None:
        """Break it at once."""
        self._socket.transport.abort()

    async def hang_up(self) -> None:
        """Close with 1000, or cut the line when the other side does not answer."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close()
        except TimeoutError:
            _log.debug("no answer to our close frame")
        finally:
            self.abort()
        await self._socket.wait_closed()


async def open_connection(endpoint: Endpoint, trace: Trace) -> Connection:
    """Connect; raises OSError and WebSocketException."""
    dial: Callable[..., connect] = connect
    place: dict[str, str | ssl.SSLContext] = {}
    if endpoint.unix_socket is not None:
        dial, place = unix_connect, {"path": str(endpoint.unix_socket)}
    elif endpoint.url.startswith("wss:"):
        place = {"ssl": await asyncio.to_thread(trust)}
    socket = await dial(
        uri=endpoint.url,
        **place,
        additional_headers=endpoint.headers,
        compression=None,  # base64 of noise hardly shrinks, and a Pi has better things to do
        open_timeout=None,  # watched in the link
        close_timeout=_CLOSE_SECONDS,  # without it a peer that answers no ping is waited for without end
        ping_interval=_PING_SECONDS,
        ping_timeout=_PING_SECONDS,
        max_size=_LARGEST_FRAME_BYTES,
        proxy=None,
        logger=_websocket_log,
    )
    return Connection(socket, trace)


@cache
def trust() -> ssl.SSLContext:
    """Whom this machine trusts. Read once: it takes longer than all the rest of a connection to a near server."""
    return ssl.create_default_context()
