"""One connection of the fault server: what its mind wants to send, and what its troubles make of that."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from fault_kinds import Fault, Fragments, Frame, Raw, Strike, Swapped, Trouble, Twist, Way
from fault_mind import Mind

if TYPE_CHECKING:
    from fault_server import FaultServer

Wire = Mapping[str, Any]

_KEPT_BACK_SECONDS = 0.5


@dataclass(frozen=True)
class Wait:
    """Send what follows later."""

    seconds: float


@dataclass(frozen=True)
class HangUp:
    """Close the connection after what was sent before."""

    code: int
    reason: str


class Session:
    """One connection; implements fault_kinds.Victim."""

    def __init__(self, number: int, connection: ServerConnection, server: FaultServer) -> None:
        self.number = number
        self.is_over = False
        self._connection = connection
        self._server = server
        self._troubles = server.troubles_of(number)
        self._mind = Mind(f"t{number}x", self._emit, self.close, server.answers, server.pace)
        self._outbox: asyncio.Queue[Frame | Wait | HangUp] = asyncio.Queue()
        self._counts: dict[tuple[Way, str], int] = {}
        self._armed: Fault | None = None
        self._kept_back: str | None = None
        self._reads, self._sends = asyncio.Event(), True
        self._reads.set()
        self._rests: list[asyncio.TimerHandle] = []
        self._failure = ""

    @property
    def is_answering(self) -> bool:
        """Whether a response is active in a session that the client can still believe in."""
        return self._mind.active is not None and not self.is_over and self._sends

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                self._mind.begin()
                with contextlib.suppress(ConnectionClosed):
                    async for message in self._connection:
                        await self._reads.wait()
                        self._take(message)
                writer.cancel()
        finally:
            self.is_over = True
            self._mind.end()
            for rest in self._rests:
                rest.cancel()

    # What strikes do

    def cut(self) -> None:
        self._sends, self.is_over = False, True
        self._connection.transport.abort()

    def close(self, code: int, reason: str) -> None:
        if self._sends:
            self._outbox.put_nowait(HangUp(code, reason))
        self._sends = False

    def fall_silent(self) -> None:
        self._sends = False

    def freeze(self, seconds: float | None) -> None:
        self._reads.clear()
        self._connection.transport.pause_reading()
        if seconds is None:
            self._sends = False
        else:
            self.stall(seconds)
            asyncio.get_running_loop().call_later(seconds, self._thaw)

    def stall(self, seconds: float) -> None:
        self._outbox.put_nowait(Wait(seconds))

    def inject(self, event: Wire) -> None:
        self._server.note(self.number, True, event)
        self._outbox.put_nowait(json.dumps(event))

    def fail_response(self, code: str) -> None:
        self._failure = code
        asyncio.get_running_loop().call_soon(self._mind.fail, "no")

    # The way of a message

    def _take(self, message: str | bytes) -> None:
        event = json.loads(message)
        self._server.note(self.number, False, event)
        for trouble in self._due(Way.GETS, kind_of(event)):
            self._armed = self._strike(trouble)
        if not self.is_over:
            self._mind.receive(message)

    def _emit(self, event: Wire) -> None:
        if self._failure and event["type"] == "response.done" and event["response"]["status"] == "failed":
            event["response"]["status_details"]["error"]["code"] = self._failure
        twist = self._armed
        for trouble in self._due(Way.SENDS, kind_of(event)):
            twist = self._strike(trouble)
        if not self._sends:
            return
        self._server.note(self.number, True, event)
        self._armed = None
        self._post(event, twist)

    def _post(self, event: Wire, twist: Fault | None) -> None:
        if isinstance(twist, Swapped):
            self._kept_back = json.dumps(event)
            asyncio.get_running_loop().call_later(_KEPT_BACK_SECONDS, self._let_go)
            return
        for frame in twist.twist(event) if isinstance(twist, Twist) else [json.dumps(event)]:
            self._outbox.put_nowait(frame)
        self._let_go()

    def _let_go(self) -> None:
        if self._kept_back is not None:
            self._outbox.put_nowait(self._kept_back)
            self._kept_back = None

    def _due(self, way: Way, kind: str) -> list[Trouble]:
        """Count the event; the troubles that begin at it."""
        key = (way, kind)
        self._counts[key] = self._counts.get(key, 0) + 1
        here = [each for each in self._troubles if (each.step.kind, each.step.nth) == (kind, self._counts[key])]
        loop = asyncio.get_running_loop()
        for trouble in here:
            if trouble.step.way is Way.RESTS and way is Way.SENDS:
                self._rests.append(loop.call_later(trouble.step.after_seconds, self._rest, trouble))
        return [trouble for trouble in here if trouble.step.way is way]

    def _rest(self, trouble: Trouble) -> None:
        self._armed = self._strike(trouble)

    def _strike(self, trouble: Trouble) -> Fault | None:
        """Let the trouble happen; what it leaves is the twist of what is sent next."""
        self._server.struck.append((asyncio.get_running_loop().time(), self.number))
        if isinstance(trouble.fault, Strike):
            trouble.fault.strike(self)
            return None
        return trouble.fault

    def wake(self) -> None:
        """Wait for nothing any more."""
        self._reads.set()

    def _thaw(self) -> None:
        self._reads.set()
        if not self.is_over:
            self._connection.transport.resume_reading()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                match await self._outbox.get():
                    case Wait(seconds):
                        await asyncio.sleep(seconds)
                    case HangUp(code, reason):
                        await self._connection.close(code, reason)
                        return
                    case Raw(data):
                        async with self._connection.send_context():
                            self._connection.protocol.send_text(data)
                    case Fragments(parts):
                        await self._connection.send(parts)
                    case str(text):
                        await self._connection.send(text)


def kind_of(event: Wire) -> str:
    """The type of an event, and what its item is."""
    item = event.get("item")
    return str(event["type"]) if item is None else f"{event['type']}/{item.get('role', item['type'])}"
