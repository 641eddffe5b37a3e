"""The offline assistant's WebSocket server, on a loopback TCP port or a unix socket.

Each client has a session, an outbox and tasks of its own, so that a slow or broken client hurts no other.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from speakerd.offline.brain import Brain
from speakerd.offline.connection import Connection, MakeEndpointer, Received
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_admission import PATH, is_endpoint, model_of, refusal

_log = logging.getLogger(__name__)

_LONGEST_MESSAGE_BYTES = 24 * 1024 * 1024
"""More than the protocol allows: what is too long gets an error event, and only what is far too long a close."""
_MOST_THREADS = 16
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Where to listen: a loopback address."""

    host: str
    port: int
    """0 means any free port."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server behaves."""

    voice: str = "marin"
    """The voice's name in the session object; it is not what is heard."""
    silence_ms: int = 700
    """Silence that ends an utterance unless the client says otherwise."""
    session_seconds: float = 3600.0
    """The longest session, as in the cloud."""
    required_key: str | None = None
    """The only key that is let in; None lets in any client."""


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A session that ended."""

    session: int
    """Counts from 1."""
    received: Received


class OfflineServer:
    """Serves any number of clients at once."""

    def __init__(
        self,
        make_brain: Callable[[], Brain],
        make_endpointer: MakeEndpointer,
        options: ServerOptions,
        report: Callable[[SessionReport], None],
    ) -> None:
        """`make_brain` is called in the loop for each session, `report` after it."""
        self._make_brain = make_brain
        self._make_endpointer = make_endpointer
        self._options = options
        self._report = report
        self._numbers = itertools.count(1)
        self._threads = ThreadPoolExecutor(_MOST_THREADS, "brain")

    @asynccontextmanager
    async def serving(self, address: TcpAddress | Path) -> AsyncIterator[str]:
        """Listen until the context ends, which closes all sessions; gives the URL for clients."""
        settings: dict[str, Any] = {
            "process_request": self._answer_http,
            "max_size": _LONGEST_MESSAGE_BYTES,
            "compression": None,
            "close_timeout": _CLOSE_SECONDS,
            # Programs send no Origin. A browser does: no web page may talk to the speaker.
            "origins": [None],
        }
        try:
            if isinstance(address, Path):
                async with await unix_serve(self._serve, str(address), **settings):
                    yield f"ws+unix:{address}"
            else:
                async with serve(self._serve, address.host, address.port, **settings) as server:
                    host, port = next(iter(server.sockets)).getsockname()[:2]
                    yield f"ws://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
        finally:
            if isinstance(address, Path):
                await asyncio.to_thread(address.unlink, missing_ok=True)
            await asyncio.to_thread(self._threads.shutdown)

    def _answer_http(self, socket: ServerConnection, request: Request) -> Response | None:
        if not is_endpoint(request.path):
            return socket.respond(HTTPStatus.NOT_FOUND, f"The Realtime endpoint is at {PATH}.\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None  # noqa: S101  # the handshake is over
        refused = refusal(request.path, request.headers.get("Authorization", ""), self._options.required_key)
        if refused is None:
            await self._hold(socket, model_of(request.path))
            return
        error, close = refused
        try:
            await socket.send(json.dumps(error.event))
            await socket.close(close.code, close.reason)
        except ConnectionClosed:
            return

    async def _hold(self, socket: ServerConnection, model: str) -> None:
        options = self._options
        protocol = SessionProtocol(
            token=secrets.token_hex(6),
            model=model,
            voice=options.voice,
            silence_ms=options.silence_ms,
            expires_at=round(time.time() + options.session_seconds),
        )
        number = next(self._numbers)
        connection = Connection(socket, protocol, self._make_brain(), self._make_endpointer, self._threads)
        _log.info("session %d begins", number)
        try:
            await connection.run(options.session_seconds)
        finally:
            _log.info("session %d ends", number)
            self._report(SessionReport(number, connection.received))
