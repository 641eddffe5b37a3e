"""A real WebSocket server with a mind, that misbehaves where a Trouble says so and behaves everywhere else."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.http11 import Request, Response

from fault_kinds import Cut, Delay, HalfOpen, Http, SlowReader, Trouble, Way
from fault_mind import ANSWERS, Pace
from fault_session import Session, kind_of
from speakerd.offline.brain import Part

Wire = Mapping[str, Any]

_log = logging.getLogger(__name__)
_log.setLevel(logging.CRITICAL)

_CLOSING_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """What went over the wire."""

    at: float
    session: int
    sent: bool
    kind: str
    event: Wire = field(repr=False)
    """Without audio."""


@dataclass
class FaultServer:
    troubles: Sequence[Trouble] = ()
    answers: Mapping[str, Sequence[Part]] = field(default_factory=lambda: ANSWERS)
    pace: Pace = field(default_factory=Pace)
    lines: list[Line] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    struck: list[tuple[float, int]] = field(default_factory=list)
    """(when, in which session) faults happened."""
    most_active: int = 0
    """Responses active at once, over all sessions that behave."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._connections: dict[int, ServerConnection] = {}
        self._is_ending = asyncio.Event()

    def troubles_of(self, session: int) -> list[Trouble]:
        return [trouble for trouble in self.troubles if trouble.strikes(session)]

    async def upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        """Number the connection; misbehave if that is due before there is a session."""
        number = next(self._numbers)
        self._connections[number] = connection
        faults = [trouble.fault for trouble in self.troubles_of(number) if trouble.step.way is Way.UPGRADES]
        if not faults:
            return None
        self.struck.append((asyncio.get_running_loop().time(), number))
        match faults[0]:
            case Http(status, body):
                return connection.respond(HTTPStatus(status), body)
            case Delay(seconds) | SlowReader(seconds):
                await asyncio.sleep(seconds)
                return None
            case Cut():
                connection.transport.abort()
            case HalfOpen():
                connection.transport.pause_reading()
        await self._is_ending.wait()
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")

    async def handle(self, connection: ServerConnection) -> None:
        number = next(number for number, each in self._connections.items() if each is connection)
        session = Session(number, connection, self)
        self.sessions.append(session)
        await session.run()

    def end(self) -> None:
        """Cut everything that is still there."""
        self._is_ending.set()
        for connection in self._connections.values():
            connection.transport.abort()
        for session in self.sessions:
            session.wake()

    def note(self, session: int, sent: bool, event: Wire) -> None:
        without_audio = {key: value for key, value in event.items() if key not in ("audio", "delta")}
        line = Line(asyncio.get_running_loop().time(), session, sent, kind_of(event), without_audio)
        self.lines.append(line)
        self.most_active = max(self.most_active, sum(each.is_answering for each in self.sessions))

    def kinds(self, session: int, *, sent: bool) -> list[str]:
        return [line.kind for line in self.lines if line.session == session and line.sent is sent]


@asynccontextmanager
async def fault_server(
    socket: Path, *troubles: Trouble, answers: Mapping[str, Sequence[Part]] = ANSWERS, pace: Pace | None = None
) -> AsyncIterator[FaultServer]:
    """Serve at a unix socket; at the end all connections are cut."""
    fault = FaultServer(troubles, answers, pace or Pace())
    server = await unix_serve(
        fault.handle,
        str(socket),
        process_request=fault.upgrade,
        ping_interval=None,
        compression=None,
        max_size=2**25,
        close_timeout=_CLOSING_SECONDS,
        open_timeout=None,
        logger=_log,
    )
    try:
        yield fault
    finally:
        fault.end()
        server.close()
        await server.wait_closed()
