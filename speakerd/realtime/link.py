"""One session's connection, from the first packet to the last: connect, set up, talk, hang up.

Nothing here waits while a message could be read: pongs are sent by the receiving side. What the messages mean is
decided in `responses`, what an ending means in `faults`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from speakerd.core import events
from speakerd.core.events import Fault
from speakerd.core.usage import Usage
from speakerd.errors import ProtocolError
from speakerd.ports import Player, Post
from speakerd.realtime import faults, messages, messages_decode, messages_errors, received
from speakerd.realtime.endpoints import Endpoint
from speakerd.realtime.faults import Ending
from speakerd.realtime.messages import ClientEvent
from speakerd.realtime.received import ErrorReported, ServerMessage
from speakerd.realtime.responses import Finish, Happening, Play, Responses

Trace = Callable[[str, str, Mapping[str, object]], None]
"""Takes ("sent" or "received", type, event); of audio the event holds only the length."""

OnUsage = Callable[[int, str, Usage], None]
"""Takes (session, response id, usage) before anything else is made of the response's end."""

_MOST_UNSENT_SECONDS = 30.0
_BYTES_PER_SECOND = 48_000
_CLOSE_SECONDS = 2.0
_PING_SECONDS = 20.0
_LARGEST_FRAME_BYTES = 16 * 2**20
_MOST_KINDS_LOGGED = 100

_log = logging.getLogger(__name__)

# websockets logs headers, and with them the key, and whole messages at DEBUG.
_websocket_log = logging.getLogger(f"{__name__}.websocket")
_websocket_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of one owner have in common."""

    endpoint: Endpoint
    setup: Mapping[str, object]
    """The session object of the set-up."""
    player: Player
    post: Post
    connect_seconds: float
    trace: Trace
    on_usage: OnUsage


class Link:
    """One session; `run` is its task, all other methods return at once and are called in the loop's thread."""

    def __init__(self, session: int, around: Surroundings) -> None:
        self._session = session
        self._around = around
        self._endpoint = around.endpoint
        self._responses = Responses(session)
        self._closed = False
        self._connection: ClientConnection | None = None
        self._outbox: asyncio.Queue[tuple[str, ClientEvent, int]] | None = None
        """(event id, event, bytes of audio); exists while the session is up."""
        self._unsent_bytes = 0
        self._unread: Ending | None = None
        self._events_made = 0
        self._creations: list[str] = []
        self._logged: set[str] = set()

    @property
    def is_up(self) -> bool:
        """Whether the session is set up and not over."""
        return self._outbox is not None

    async def run(self) -> None:
        """Live until the other side ends it or the task is cancelled; raises only what is a bug."""
        deadline = asyncio.get_running_loop().time() + self._around.connect_seconds
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._connect()
        except (OSError, WebSocketException) as error:
            self._end(faults.not_connected(error, self._endpoint, self._around.connect_seconds))
            return
        try:
            self._end(await self._set_up(connection, deadline) or await self._talk(connection))
        finally:
            await _hang_up(connection)

    def close(self) -> None:
        """Report nothing and send nothing but audio from here on; the owner soon cancels the task."""
        self._closed = True

    def send(self, event: ClientEvent, audio_bytes: int = 0) -> str:
        """Queue an event unless the session is not up; returns its id."""
        event_id = self._next_event_id()
        if self._outbox is not None and (audio_bytes or not self._closed):
            self._unsent_bytes += audio_bytes
            self._outbox.put_nowait((event_id, event, audio_bytes))
        return event_id

    def append_audio(self, pcm: bytes) -> None:
        """Queue microphone audio; a peer that takes none for long ends the session."""
        if self._unread is not None:
            return
        self.send(messages.append_audio(pcm), len(pcm))
        if self._unsent_bytes > _MOST_UNSENT_SECONDS * _BYTES_PER_SECOND and self._connection is not None:
            self._unread = faults.unread(self._endpoint, _MOST_UNSENT_SECONDS)
            self._connection.transport.abort()

    def create_response(self) -> None:
        """Ask for a response."""
        self._creations = [*self._creations[-15:], self.send(messages.create_response())]

    def cancel_response(self, response_id: str) -> None:
        """Cancel a response and drop what still arrives of it."""
        self._responses.cancel(response_id)
        self.send(messages.cancel_response(response_id))

    def truncate(self, item_id: str, played_ms: int) -> None:
        """Cut an item to what was heard of it, never to more than was received: the server refuses that."""
        self.send(messages.truncate_item(item_id, min(played_ms, self._responses.received_ms(item_id))))

    async def _connect(self) -> ClientConnection:
        socket = self._endpoint.unix_socket
        dial: Callable[..., connect] = connect
        place: dict[str, str] = {}
        if socket is not None:
            dial, place = unix_connect, {"path": str(socket)}
        return await dial(
            uri=self._endpoint.url,
            **place,
            additional_headers=self._endpoint.headers,
            compression=None,  # base64 of noise hardly shrinks, and a Pi has better things to do
            open_timeout=None,
            close_timeout=None,  # both are watched here
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            max_size=_LARGEST_FRAME_BYTES,
            proxy=None,
            logger=_websocket_log,
        )

    async def _set_up(self, connection: ClientConnection, deadline: float) -> Ending | None:
        """Set the session up; None when it is."""
        awaited = "the connection"
        update_id = self._next_event_id()
        try:
            async with asyncio.timeout_at(deadline):
                if refusal := await self._wait_for(received.SessionCreated, connection, update_id):
                    return refusal
                awaited = "the set-up"
                await self._transmit(connection, update_id, messages.session_update(self._around.setup))
                return await self._wait_for(received.SessionUpdated, connection, update_id)
        except TimeoutError:
            return faults.silent(self._endpoint, awaited, self._around.connect_seconds)
        except ConnectionClosed as close:
            return faults.closed(close, self._endpoint)
        except ProtocolError as error:
            return faults.nonsense(error, self._endpoint, Fault.REFUSED)

    async def _wait_for(
        self, wanted: type[ServerMessage], connection: ClientConnection, update_id: str
    ) -> Ending | None:
        """Read up to the wanted message; the ending when an error is the answer instead."""
        while True:
            message = await self._receive(connection)
            if isinstance(message, wanted):
                return None
            # Nothing else has been sent yet, so an error that names no event is the answer too.
            if isinstance(message, ErrorReported) and message.event_id in ("", update_id):
                return faults.rejected(message, self._endpoint)

    async def _talk(self, connection: ClientConnection) -> Ending:
        """Send and receive until the session ends."""
        outbox: asyncio.Queue[tuple[str, ClientEvent, int]] = asyncio.Queue()
        self._outbox, self._connection = outbox, connection
        _log.info("session %d is up with %s", self._session, self._endpoint.where)
        self._carry_out(events.SessionOpened(self._session))
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(self._send_all(connection, outbox))
            ending = await self._listen(connection)
            self._outbox = None
            sender.cancel()
        return ending

    async def _send_all(
        self, connection: ClientConnection, outbox: asyncio.Queue[tuple[str, ClientEvent, int]]
    ) -> None:
        # The receiving side sees the same end and says why.
        with contextlib.suppress(ConnectionClosed):
            while True:
                event_id, event, audio_bytes = await outbox.get()
                await self._transmit(connection, event_id, event)
                self._unsent_bytes -= audio_bytes

    async def _listen(self, connection: ClientConnection) -> Ending:
        while True:
            try:
                message = await self._receive(connection)
            except ConnectionClosed as close:
                return self._unread or faults.closed(close, self._endpoint)
            except ProtocolError as error:
                return faults.nonsense(error, self._endpoint, Fault.SERVER_ERROR)
            if isinstance(message, ErrorReported):
                ending = self._judge(message)
                if ending is not None:
                    return ending
            self._tell(message)

    def _tell(self, message: ServerMessage) -> None:
        match message:
            case received.ResponseDone(response_id, usage=Usage() as usage):
                self._around.on_usage(self._session, response_id, usage)
            case received.Unknown(kind):
                self._log_once(logging.DEBUG, "ignored event", kind)
        for happening in self._responses.take(message):
            self._carry_out(happening)

    def _carry_out(self, happening: Happening) -> None:
        if self._closed:
            return
        match happening:
            case Play(item_id, pcm):
                self._around.player.play(item_id, pcm)
            case Finish(item_id):
                self._around.player.finish(item_id)
            case _:
                self._around.post(happening)

    def _judge(self, error: ErrorReported) -> Ending | None:
        """The ending that an error means; None when the session goes on."""
        code = error.code or error.kind
        ours = error.event_id in self._creations
        if error.code == messages_errors.ACTIVE_RESPONSE:
            if ours or (not error.event_id and self._creations):
                self._carry_out(events.ResponseRefused(self._session))
        elif ours or messages_errors.error_fault(error) is not None:
            # After an error about our response.create no answer would ever come.
            return faults.rejected(error, self._endpoint)
        self._log_once(logging.INFO if code in messages_errors.BENIGN else logging.WARNING, "ignored error", code)
        return None

    def _end(self, ending: Ending) -> None:
        for happening in self._responses.finish_all():
            self._carry_out(happening)
        _log.warning("session %d ended: %s", self._session, ending.reason)
        self._carry_out(events.SessionClosed(self._session, ending.fault, ending.reason))

    async def _receive(self, connection: ClientConnection) -> ServerMessage:
        event = messages_decode.parse(await connection.recv(decode=False))
        self._around.trace("received", str(event["type"]), messages.without_audio(event))
        return messages_decode.message(event)

    async def _transmit(self, connection: ClientConnection, event_id: str, event: ClientEvent) -> None:
        self._around.trace("sent", str(event["type"]), messages.without_audio(event))
        await connection.send(messages.encode(event, event_id))

    def _next_event_id(self) -> str:
        self._events_made += 1
        return f"speakerd_{self._session}_{self._events_made}"

    def _log_once(self, level: int, what: str, kind: str) -> None:
        if kind not in self._logged and len(self._logged) < _MOST_KINDS_LOGGED:
            self._logged.add(kind)
            _log.log(level, "session %d: %s %.80r from %s", self._session, what, kind, self._endpoint.where)


async def _hang_up(connection: ClientConnection) -> None:
    """Close with 1000, or cut the line when the other side does not answer."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.close()
    except TimeoutError:
        _log.debug("no answer to our close frame")
    finally:
        connection.transport.abort()
    await connection.wait_closed()
