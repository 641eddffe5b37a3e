"""What one session is about to send, in order; sound is counted, because a slow network holds it up."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.exceptions import ConnectionClosed

from speakerd.realtime.connection import Connection
from speakerd.realtime.messages import ClientEvent


class Outbox:
    """Events on their way to one connection."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[tuple[str, ClientEvent, int]] = asyncio.Queue()
        self.unsent_bytes = 0
        """Live sound that waits."""

    def put(self, event_id: str, event: ClientEvent, live_bytes: int = 0) -> None:
        """Send this when all before it is sent."""
        self.unsent_bytes += live_bytes
        self._events.put_nowait((event_id, event, live_bytes))

    async def send_all(self, connection: Connection) -> None:
        """Send until cancelled or the connection ends, which the receiving side sees, too, and explains."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                event_id, event, live_bytes = await self._events.get()
                await connection.send(event_id, event)
                self.unsent_bytes -= live_bytes
