"""The owner of the control socket: text requests and commands in, snapshot and events out. `wire` has its language.

Whoever may write to the socket may use the speaker: its file belongs to the service's user and group, mode 0660.
What was said passes through memory only. A client that does not read is dropped; it can never hold up the daemon.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from speakerd.core.events import EndAsked, MuteAsked, RetryAsked, SayAsked, TextAsked
from speakerd.errors import ToolError
from speakerd.ports import Post
from speakerd.service.claiming import claimed
from speakerd.service.wire import (
    COMMANDS,
    DONE,
    LONGEST_LINE,
    LOWEST_DBFS,
    decode,
    encode,
    text_of,
    text_refusal,
    tune_refusal,
    volume_refusal,
)

_log = logging.getLogger(__name__)

Snapshot = Callable[[], Mapping[str, object]]
"""What the daemon tells of itself."""

Tune = Callable[[Mapping[str, object]], str | None]
"""Changes the detection as a "tune" says, whose form is right; a refusal in one sentence, or None. Loop thread."""

Inventory = Callable[[], Sequence[Mapping[str, object]]]
"""The tools of now, as `wire` tells them. Loop thread."""

Everywhere = Callable[[str], Awaitable[None]]
"""Has a sentence said by the other speakers of the home; raises ToolError."""

MOST_UNREAD_BYTES = 262_144
"""What may wait for a client that does not read."""


@dataclass(frozen=True, slots=True)
class Knob:
    """The speaker's volume, from 0 to 1. Loop thread."""

    level: Callable[[], float]
    """How loud it is."""
    set: Callable[[float], None]
    """Makes it so loud, and keeps that."""


class Observation(Protocol):
    """What the ears observed in a frame, as `wakeword.observation` has it."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Score of each wake word."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The threshold that counts for each."""

    @property
    def end_sample(self) -> int:
        """Capture position (16 kHz samples) after the frame."""

    @property
    def level_dbfs(self) -> float:
        """Peak of the frame."""

    @property
    def detected(self) -> str | None:
        """The word that the frame completed."""


class ControlServer:
    """`ports.Control`, with `publish` for what the daemon tells; loop thread only.

    Every TextAsked and SayAsked that it posts must be ended by exactly one `refuse` or {"event": "answered"}.
    """

    wants_scores: bool
    """Whether anybody reads scores; may be read from any thread."""
    knob: Knob | None
    """The volume, as soon as there is one."""
    inventory: Inventory
    """The tools; none until there are some."""

    def __init__(
        self,
        path: Path,
        post: Post,
        snapshot: Snapshot,
        tune: Tune | None = None,
        everywhere: Everywhere | None = None,
    ) -> None:
        """Claim the socket, so that clients can connect; raises ConfigurationError or ControlError.

        A dead daemon's socket is replaced, a living one's is not.
        """
        self._path = path
        self._post = post
        self._snapshot = snapshot
        self._tune = tune
        self._everywhere = everywhere
        self.knob: Knob | None = None
        self.inventory: Inventory = list
        self.wants_scores = False
        self._numbers = itertools.count(1)
        self._clients: set[_Client] = set()
        self._listener = claimed(path)

    async def run(self) -> None:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as conversations:
            server = await asyncio.start_unix_server(
                lambda reader, writer: conversations.create_task(self._converse(reader, _Client(writer))),
                sock=self._listener,
                limit=LONGEST_LINE,
            )
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                server.close()

    def close(self) -> None:
        """Remove the socket."""
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def refuse(self, request: int, reason: str) -> None:
        """Answer a text that cannot be answered or spoken now; whoever has his answer is told nothing."""
        for client in list(self._clients):
            if client.waits_no_more(request):
                client.send({"error": reason})

    def publish(self, event: Mapping[str, object]) -> None:
        """Tell an event to followers, and to those whose text is being answered what concerns them."""
        for client in list(self._clients):
            if client.follows or (client.asks and _is_answer(event)):
                client.send(event)
            if event["event"] == "answered" and client.waits_no_more(event["request"]):
                client.send(DONE)

    def publish_observation(self, observation: Observation) -> None:
        """Tell a frame's scores to those who asked for them; next to nothing is done while nobody does."""
        if not self.wants_scores:
            return
        event = {
            "event": "score",
            "scores": {word: round(float(score), 4) for word, score in observation.scores.items()},
            "thresholds": {word: float(threshold) for word, threshold in observation.thresholds.items()},
            "end_sample": observation.end_sample,
            "level_dbfs": round(max(LOWEST_DBFS, float(observation.level_dbfs)), 1),
            "detected": observation.detected,
        }
        for client in list(self._clients):
            if client.wants_scores:
                client.send(event)

    async def _converse(self, reader: asyncio.StreamReader, client: _Client) -> None:
        self._clients.add(client)
        try:
            while True:
                await self._answer(client, await reader.readuntil())
        except asyncio.IncompleteReadError as end:
            if end.partial:
                await self._answer(client, end.partial)
        except ConnectionError:
            _log.debug("A client of the control socket broke off.")
        except asyncio.LimitOverrunError:
            client.send({"error": f"A line must not be longer than {LONGEST_LINE} bytes."})
        finally:
            self._clients.discard(client)
            self._count_listeners()
            client.close()

    async def _answer(self, client: _Client, line: bytes) -> None:
        try:
            request = decode(line)
        except ValueError as error:
            client.send({"error": str(error)})
            return
        match request:
            case {"do": "ask" | "say"}:
                await self._take_text(client, request)
            case {"do": "follow"}:
                client.follows = True
                client.send({"event": "snapshot", **self._snapshot()})
            case {"do": "scores"}:
                client.wants_scores = True
                self._count_listeners()
                client.send({"event": "snapshot", **self._snapshot()})
            case {"do": "tune", **changes}:
                client.send(self._tuned(changes))
            case {"do": "status"}:
                self._tell(client, {"event": "snapshot", **self._snapshot()})
            case {"do": "tools"}:
                self._tell(client, {"event": "tools", "tools": list(self.inventory())})
            case {"do": "volume", **change}:
                self._turn(client, change)
            case {"do": "mute" | "unmute" as command}:
                self._post(MuteAsked(command == "mute"))
                client.send(DONE)
            case {"do": "stop"}:
                self._post(EndAsked())
                client.send(DONE)
            case {"do": "retry"}:
                self._post(RetryAsked())
                client.send(DONE)
            case _:
                known = ", ".join(COMMANDS)
                client.send({"error": f'A request must have a "do" that is one of {known}.'})

    def _tell(self, client: _Client, answer: Mapping[str, object]) -> None:
        client.send(answer)
        client.send(DONE)

    def _turn(self, client: _Client, change: Mapping[str, Any]) -> None:
        """Change the volume, or only tell it."""
        if refusal := volume_refusal(change):
            client.send({"error": refusal})
        elif self.knob is None:
            client.send({"error": "The volume is not known yet: ask again."})
        else:
            before = round(self.knob.level() * 100)
            percent = min(100, max(0, change.get("percent", before + change.get("by", 0))))
            if change:
                self.knob.set(percent / 100)
            self._tell(client, {"event": "volume", "percent": percent})

    async def _take_text(self, client: _Client, request: Mapping[str, Any]) -> None:
        refusal = text_refusal(request)
        if refusal is not None:
            client.send({"error": refusal})
            return
        if request["do"] == "say" and request.get("everywhere", False):
            refusal = await self._say_elsewhere(text_of(request))
            if refusal is not None:
                client.send({"error": refusal})
                return
        number = next(self._numbers)
        if request["do"] == "say":
            client.says.add(number)
            self._post(SayAsked(number, text_of(request)))
        else:
            client.asks.add(number)
            self._post(TextAsked(number, text_of(request), request.get("aloud", True)))

    async def _say_elsewhere(self, text: str) -> str | None:
        """Why the other speakers cannot say it, in one sentence; None if they were told to."""
        if self._everywhere is None:
            return 'Other speakers are reached over MQTT: set "mqtt.host".'
        try:
            await self._everywhere(text)
        except ToolError as error:
            return str(error)
        return None

    def _tuned(self, changes: Mapping[str, Any]) -> Mapping[str, object]:
        if self._tune is None:
            return {"error": "The detection of this speaker cannot be changed while it runs: change its settings."}
        refusal = tune_refusal(changes) or self._tune(changes)
        return DONE if refusal is None else {"error": refusal}

    def _count_listeners(self) -> None:
        self.wants_scores = any(client.wants_scores for client in self._clients)


class _Client:
    """One connection, and what it waits for."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.follows = False
        self.wants_scores = False
        self.asks: set[object] = set()
        """Questions that wait for the end of their answer."""
        self.says: set[object] = set()
        """Sentences that wait until they are spoken."""

    def waits_no_more(self, request: object) -> bool:
        """Forget a request; whether it waited for the end of this one."""
        waited = request in self.asks | self.says
        self.asks.discard(request)
        self.says.discard(request)
        return waited

    def send(self, message: Mapping[str, object]) -> None:
        """Queue a message, or drop the connection if too much waits already."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            _log.warning("A client of the control socket does not read what it asked for: it is dropped.")
            self._writer.transport.abort()
            return
        self._writer.write(encode(message))

    def close(self) -> None:
        """Close without waiting for a client that does not read."""
        self._writer.transport.abort()


def _is_answer(event: Mapping[str, object]) -> bool:
    match event:
        case {"event": "transcript", "talker": "assistant"} | {"event": "tool"}:
            return True
    return False
