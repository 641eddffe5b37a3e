"""How a session begins: what it is to be, and the exchange until the server has taken that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from speakerd.core.events import Fault
from speakerd.errors import ProtocolError
from speakerd.realtime import faults, messages, received
from speakerd.realtime.connection import Connection
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.faults import Ending
from speakerd.realtime.memory import Memory
from speakerd.realtime.received import ErrorReported, ServerMessage


@dataclass(frozen=True, slots=True)
class Opening:
    """How one session is to begin."""

    session: int
    endpoint: Endpoint
    setup: Mapping[str, object]
    """The session object of the set-up."""
    memory: Memory
    resend: bool = False
    wait_seconds: float = 0.0
    """Before connecting."""


async def set_up(connection: Connection, opening: Opening, update_id: str, deadline: float) -> Ending | None:
    """Set the session up by the deadline (loop time), `update_id` being our event's; None when it is up."""
    endpoint = opening.endpoint
    awaited = "the connection"
    try:
        async with asyncio.timeout_at(deadline):
            if refusal := await _wait_for(received.SessionCreated, connection, endpoint, update_id):
                return refusal
            awaited = "the set-up"
            await connection.send(update_id, messages.session_update(opening.setup))
            return await _wait_for(received.SessionUpdated, connection, endpoint, update_id)
    except TimeoutError:
        return faults.silent(endpoint, awaited, endpoint.connect_seconds)
    except ConnectionClosed as close:
        return faults.closed(close, endpoint)
    except ProtocolError as error:
        return faults.nonsense(error, endpoint, Fault.REFUSED)


async def _wait_for(
    wanted: type[ServerMessage], connection: Connection, endpoint: Endpoint, update_id: str
) -> Ending | None:
    """Read up to the wanted message; the ending when an error is the answer instead."""
    while True:
        message = await connection.receive()
        if isinstance(message, wanted):
            return None
        # Nothing else has been sent yet, so an error that names no event is the answer too.
        if isinstance(message, ErrorReported) and message.event_id in ("", update_id):
            return faults.rejected(message, endpoint)
