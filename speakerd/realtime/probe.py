"""Tries an endpoint for its owner, step by step: its name, a connection, TLS, and a session, which costs nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException

from speakerd.core.events import Fault
from speakerd.errors import ProtocolError
from speakerd.realtime import faults, received
from speakerd.realtime.connection import Connection, open_connection, trust
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.faults import Ending
from speakerd.realtime.received import ErrorReported

Step = Literal["name", "connection", "TLS", "session"]

_PORTS = {"ws": 80, "wss": 443, "https": 443}


@dataclass(frozen=True, slots=True)
class Probed:
    """What a step came to."""

    step: Step
    text: str
    """What was found, or one sentence that says what to do."""
    has_failed: bool = False


async def reached(endpoint: Endpoint) -> AsyncIterator[Probed]:
    """Look up the host, connect, and agree on TLS; ends with the first step that fails."""
    parts = urlsplit(endpoint.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    step: Step = "name"
    try:
        async with asyncio.timeout(endpoint.connect_seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
            yield Probed(step, f"{host} is {', '.join(sorted({str(place[4][0]) for place in found}))}")
            step = "connection"
            began = time.monotonic()
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            yield Probed(step, f"port {port} answers after {1000 * (time.monotonic() - began):.0f} ms")
            if parts.scheme == "ws":
                return
            step = "TLS"
            secure = await asyncio.to_thread(trust)
            _, writer = await asyncio.open_connection(host, port, ssl=secure, server_hostname=host)
            version = writer.get_extra_info("ssl_object").version()
            writer.close()
            yield Probed(step, f"{version}, its certificate is good by this machine's clock")
    except OSError as error:
        ending = faults.not_connected(error, endpoint, endpoint.connect_seconds, time.time())
        yield Probed(step, ending.reason, has_failed=True)


async def session(endpoint: Endpoint) -> Probed:
    """Open a session and wait until it is made; no answer is asked for, so nothing is billed."""
    try:
        async with asyncio.timeout(endpoint.connect_seconds):
            connection = await open_connection(endpoint, lambda *_: None)
    except (OSError, WebSocketException) as error:
        ending = faults.not_connected(error, endpoint, endpoint.connect_seconds, time.time())
        return Probed("session", ending.reason, has_failed=True)
    try:
        refusal = await _refusal(connection, endpoint)
    finally:
        await connection.hang_up()
    if refusal is not None:
        return Probed("session", refusal.reason, has_failed=True)
    return Probed("session", f"{endpoint.where} opens one{f' for {endpoint.model}' if endpoint.model else ''}")


async def _refusal(connection: Connection, endpoint: Endpoint) -> Ending | None:
    try:
        async with asyncio.timeout(endpoint.connect_seconds):
            while not isinstance(message := await connection.receive(), received.SessionCreated):
                if isinstance(message, ErrorReported):
                    return faults.rejected(message, endpoint)
    except TimeoutError:
        return faults.silent(endpoint, "the connection", endpoint.connect_seconds)
    except ConnectionClosed as close:
        return faults.closed(close, endpoint)
    except ProtocolError as error:
        return faults.nonsense(error, endpoint, Fault.REFUSED)
    return None
