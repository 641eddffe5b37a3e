"""One session's connection, from the first packet to the last: connect, set up, retell, talk, hang up.

Nothing here waits while a message could be read: pongs are sent by the receiving side. What the messages mean is
decided in `responses`, what outlives them is kept in `memory`, what an ending means is in `faults`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from websockets.exceptions import ConnectionClosed, WebSocketException

from speakerd.core import events
from speakerd.core.events import Fault
from speakerd.core.usage import Billed
from speakerd.errors import ProtocolError
from speakerd.ports import Player, Post
from speakerd.realtime import faults, messages, messages_errors, messages_items, received
from speakerd.realtime.billing import Billing
from speakerd.realtime.connection import Connection, Trace, open_connection
from speakerd.realtime.faults import Ending
from speakerd.realtime.messages import ClientEvent
from speakerd.realtime.opening import Opening, set_up
from speakerd.realtime.outbox import Outbox
from speakerd.realtime.received import ErrorReported, ServerMessage
from speakerd.realtime.requests import Requests
from speakerd.realtime.responses import Finish, Happening, Play, Responses, Unheard
from speakerd.realtime.told import Told
from speakerd.realtime.unanswered import Unanswered

OnUsage = Callable[[Billed], None]
"""Takes what is to be booked, before anything else is made of it."""

_MOST_UNSENT_SECONDS = 30.0
_STUCK_SECONDS = 15.0
_BYTES_PER_SECOND = 48_000
_RESENT_PIECE_BYTES = _BYTES_PER_SECOND // 10
_MOST_KINDS_LOGGED = 100
_ROUNDS_OF_A_CALL = 12
"""How often it is handed on within the event loop until it is on the wire, or the output of an own tool is."""
_RESUMING = (
    "Your last answer was interrupted by a noise that meant nothing. Go on exactly where it was cut off, in the same "
    "language: repeat nothing, and do not mention the interruption."
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of one owner have in common."""

    player: Player
    post: Post
    facts: Callable[[], str]
    """What changes from turn to turn, in words; empty for nothing."""
    now: Callable[[], float]
    """Seconds since 1970, as far as this machine knows."""
    code: Callable[[], str]
    """Makes digits that nobody knows yet."""
    trace: Trace
    on_usage: OnUsage


class Link:
    """One session; `run` is its task, all other methods return at once and are called in the loop's thread."""

    def __init__(self, opening: Opening, around: Surroundings) -> None:
        self._opening = opening
        self._session = opening.session
        self._endpoint = opening.endpoint
        self._memory = opening.memory
        self._around = around
        self._responses = Responses(opening.session)
        self._billing = Billing(opening.session, opening.memory.root, opening.endpoint)
        self._closed = False
        self._has_called = False
        self._connection: Connection | None = None
        self._outbox: Outbox | None = None
        """Exists while the session is up."""
        self._unanswered = Unanswered()
        """What this connection was sent."""
        self._unread: Ending | None = None
        self._events_made = 0
        self._requests = Requests(opening.endpoint)
        self._told = Told(opening.session, {})
        self._logged: set[str] = set()

    @property
    def is_up(self) -> bool:
        """Whether the session is set up and not over."""
        return self._outbox is not None

    @property
    def is_closed(self) -> bool:
        """Whether it was closed by us."""
        return self._closed

    async def run(self) -> None:
        """Live until the other side ends it or the task is cancelled; raises only what is a bug."""
        await asyncio.sleep(self._opening.wait_seconds)
        connect_seconds = self._endpoint.connect_seconds
        deadline = asyncio.get_running_loop().time() + connect_seconds
        try:
            async with asyncio.timeout_at(deadline):
                connection = await open_connection(self._endpoint, self._around.trace)
        except (OSError, WebSocketException) as error:
            self._end(faults.not_connected(error, self._endpoint, connect_seconds, self._around.now()))
            return
        try:
            refusal = await set_up(connection, self._opening, self._next_event_id(), deadline)
            self._end(refusal or await self._talk(connection))
        finally:
            self._book_what_was_lost()
            await connection.hang_up()

    def close(self) -> None:
        """Report nothing and send nothing but audio from here on; the owner soon cancels the task."""
        self._closed = True

    def append_audio(self, pcm: bytes) -> None:
        """Queue microphone audio; a peer that takes none for long ends the session."""
        if self._connection is None:
            return
        self._unanswered.sent(pcm)
        if self._outbox is None or self._unread is not None:
            return
        self._billing.sent(len(pcm))
        self._outbox.put(self._next_event_id(), messages.append_audio(pcm), len(pcm))
        if self._outbox.unsent_bytes > _MOST_UNSENT_SECONDS * _BYTES_PER_SECOND:
            self._unread = faults.unread(self._endpoint, _MOST_UNSENT_SECONDS)
            self._connection.abort()

    def send_text(self, text: str) -> None:
        """Add a user message."""
        self._send(messages_items.told(self._memory.history.add_text(text)))

    def send_note(self, text: str) -> None:
        """Tell the model what nobody said; a session that follows is not told again."""
        self._send(messages_items.facts(f"note_{self._next_event_id()}", text))

    def send_tool_output(self, call_id: str, output: str) -> None:
        """Answer a function call that the server knows."""
        self._send(messages.tool_output(call_id, output))

    def commit_utterance(self) -> None:
        """Make a user message of the audio that was sent since the last one."""
        self._unanswered.stopped("")
        self._send(messages.commit_audio())
        self._requests.committed()

    def create_response(self, *, aloud: bool, resume: bool) -> None:
        """Ask for a response, unless the endpoint makes one anyway; what cannot be text alone is not played."""
        if not self._requests.must_ask():
            return
        if not aloud and not self._endpoint.dialect.writes:
            aloud = True
            self._responses.silence_next()
        # They stand in the place of the session's own.
        instructions = f"{self._endpoint.instructions}\n\n{_RESUMING}" if resume else ""
        self._requests.asked(self._send(messages.create_response(aloud=aloud, instructions=instructions)))

    def cancel_response(self, response_id: str) -> None:
        """Cancel a response and drop what still arrives of it."""
        self._responses.cancel(response_id)
        self._unanswered.answered(response_id)
        self._send(messages.cancel_response(response_id))

    def truncate(self, item_id: str, played_ms: int) -> None:
        """Cut an item to what was heard of it, in whichever session it was said; the memory knows that already."""
        if item_id in self._told:
            self._revise(item_id)
        elif self._endpoint.dialect.truncates:
            audio_end_ms = self._responses.truncation_ms(item_id, played_ms)
            if audio_end_ms is not None:
                self._send(messages.truncate_item(item_id, audio_end_ms))

    def delete_item(self, item_id: str) -> None:
        """Remove an item, in whichever session it was said; the memory has forgotten it already."""
        if item_id in self._told:
            self._revise(item_id)
        elif self._endpoint.dialect.deletes:
            self._send(messages.delete_item(item_id))

    def _revise(self, item_id: str) -> None:
        if self._endpoint.dialect.deletes:
            self._send_all(self._told.revise(item_id, self._memory.history.said(item_id)))

    def tell_facts(self) -> None:
        """Add what changes from turn to turn, in place of what was told before."""
        if self.is_up and self._endpoint.dialect.deletes:
            self._send_all(self._told.tell_facts(self._around.facts()))

    def forget_facts(self) -> None:
        """Remove it."""
        self._send_all(self._told.forget_facts())

    async def _talk(self, connection: Connection) -> Ending:
        """Send and receive until the session ends."""
        outbox = Outbox()
        self._outbox, self._connection = outbox, connection
        self._begin()
        _log.info("session %d is up with %s", self._session, self._endpoint.where)
        self._carry_out(events.SessionOpened(self._session))
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(outbox.send_all(connection))
            ending = await self._listen(connection)
            self._outbox = None
            sender.cancel()
        return ending

    def _begin(self) -> None:
        """Tell what was said before, and send again what was not answered; all of it goes out before anything else."""
        said, pcm = self._memory.begin(resend=self._opening.resend)
        self._unanswered, self._told = self._memory.unanswered, Told(self._session, said)
        self._requests.retold(self._send_all(self._told.all_said()))
        for start in range(0, len(pcm), _RESENT_PIECE_BYTES):
            piece = pcm[start : start + _RESENT_PIECE_BYTES]
            self._unanswered.sent(piece)
            self._billing.sent(len(piece))
            self._send(messages.append_audio(piece))

    async def _listen(self, connection: Connection) -> Ending:
        while True:
            try:
                # Answers are made faster than they sound: one that stops in its middle is not slow but stuck.
                async with asyncio.timeout(_STUCK_SECONDS if self._responses.is_sounding else None):
                    message = await connection.receive()
            except TimeoutError:
                return faults.stuck(self._endpoint, _STUCK_SECONDS)
            except ConnectionClosed as close:
                return self._unread or faults.closed(close, self._endpoint)
            except ProtocolError as error:
                return faults.nonsense(error, self._endpoint, Fault.SERVER_ERROR)
            if isinstance(message, ErrorReported):
                ending = self._judge(message)
                if ending is not None:
                    return ending
            self._tell(message)
            if self._has_called:
                self._has_called = False
                # The call comes to its tool, and to the tool's server, before there is anything else to be done.
                for _ in range(_ROUNDS_OF_A_CALL):
                    await asyncio.sleep(0)

    def _tell(self, message: ServerMessage) -> None:
        billed = self._billing.take(message)
        if billed is not None:
            self._around.on_usage(billed)
        match message:
            case received.ResponseCreated():
                self._requests.created()
            case received.Unknown(kind):
                self._log_once(logging.DEBUG, "ignored event", kind)
        # Of a session that we closed, only what the user said before may still count.
        if not self._closed or isinstance(message, received.InputTranscribed):
            self._memory.take(message)
        for happening in self._responses.take(message):
            self._carry_out(happening)

    def _carry_out(self, happening: Happening) -> None:
        if self._closed:
            return
        self._memory.keep(happening)
        match happening:
            case Play(item_id, pcm):
                self._around.player.play(item_id, pcm)
            case Finish(item_id):
                self._around.player.finish(item_id)
            case Unheard(item_id):
                self._memory.history.delete(item_id)
                self.delete_item(item_id)
            case events.ToolCalled():
                self._has_called = True
                self._around.post(replace(happening, code=self._around.code()))
            case _:
                self._around.post(happening)

    def _judge(self, error: ErrorReported) -> Ending | None:
        """The ending that an error means; None when the session goes on."""
        ending = self._requests.ending(error)
        if ending is None:
            code = error.code or error.kind
            self._log_once(logging.INFO if code in messages_errors.BENIGN else logging.WARNING, "ignored error", code)
        if self._requests.is_refused(error):
            self._carry_out(events.ResponseRefused(self._session))
        return ending

    def _end(self, ending: Ending) -> None:
        for happening in self._responses.finish_all():
            self._carry_out(happening)
        self._book_what_was_lost()
        _log.warning("session %d ended: %s", self._session, ending.reason)
        self._carry_out(events.SessionClosed(self._session, ending.fault, ending.reason))

    def _book_what_was_lost(self) -> None:
        for billed in self._billing.lost():
            self._around.on_usage(billed)

    def _send(self, event: ClientEvent) -> str:
        """Queue an event unless the session is not up; returns its id."""
        event_id = self._next_event_id()
        if self._outbox is not None and not self._closed:
            self._outbox.put(event_id, event)
        return event_id

    def _send_all(self, several: Sequence[ClientEvent]) -> set[str]:
        return {self._send(event) for event in several}

    def _next_event_id(self) -> str:
        self._events_made += 1
        return f"speakerd_{self._session}_{self._events_made}"

    def _log_once(self, level: int, what: str, kind: str) -> None:
        if kind not in self._logged and len(self._logged) < _MOST_KINDS_LOGGED:
            self._logged.add(kind)
            _log.log(level, "session %d: %s %.80r from %s", self._session, what, kind, self._endpoint.where)
