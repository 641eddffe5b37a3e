"""The user's story in fast time: the real daemon, core, tools and sessions, between a fault server and a room.

The user wakes the speaker, asks, is answered by way of a tool, goes on without a wake word, interrupts, and says
goodbye. Where an answer does not come and the speaker is idle again, the user wakes it and asks once more.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes import FakeAudit, Told
from fast_loop import fast_loop
from fault_kinds import Trouble
from fault_room import (
    Card,
    RoomAnnouncer,
    RoomCapture,
    RoomControl,
    RoomJudge,
    RoomLights,
    RoomPlayer,
    now,
)
from fault_server import FaultServer, fault_server
from fault_table import SECRET
from speakerd.core.endpoints import EndpointRule
from speakerd.core.events import CardFound, StopAsked, WakeWordHeard
from speakerd.core.lights import Light
from speakerd.core.state import Idle, Listening, Rules, Speaking, Thinking
from speakerd.daemon import Daemon, Devices
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.session import RealtimeSessions
from speakerd.tools.registry import ToolRunner
from speakerd.tools.tool import Tool, parameters

_MOST_TRIES = 2
_PATIENCE_SECONDS = 400.0
"""Longer than any deadline."""
_PAUSE_SECONDS = 4.0
_PREROLL_SECONDS = 1.0
_SETTLING_SECONDS = 5.0
"""For closing handshakes that nobody answers."""


@dataclass(frozen=True)
class Try:
    """How an attempt of the user to be answered went."""

    words: str
    is_answered: bool
    woke: bool
    """Whether it took a wake word."""
    began: float
    ended: float
    light: Light
    """At the end."""
    told: bool
    """Whether a cue or a spoken sentence came meanwhile."""


@dataclass
class Aftermath:
    """What can be seen once everything is over."""

    log: list[logging.LogRecord] = field(default_factory=list)
    loop_errors: list[dict[str, Any]] = field(default_factory=list)
    left_tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    left_descriptors: int = 0


@dataclass
class House:
    daemon: Daemon
    capture: RoomCapture
    player: RoomPlayer
    lights: RoomLights
    announcer: RoomAnnouncer
    servers: Sequence[FaultServer]
    """In the order of the owner's preference."""
    calls: list[float]
    """When the tool ran."""
    aftermath: Aftermath
    tries: list[Try] = field(default_factory=list)
    """Within the story."""
    afterwards: list[Try] = field(default_factory=list)
    """With a server that behaves."""

    @property
    def server(self) -> FaultServer:
        """The first, which misbehaves."""
        return self.servers[0]

    @property
    def is_idle(self) -> bool:
        return isinstance(self.daemon.state.phase, Idle)

    async def until(self, is_so: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> bool:
        """Whether it became so in time."""
        end = now() + seconds
        while not is_so():
            if now() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def ask(self, words: str, answer: str) -> Try:
        """Say it, once the speaker listens, and wait until the answer is heard or the speaker has given up."""
        began, heard = now(), len(self.player.words)
        told = len(self.player.cues) + len(self.announcer.sentences)
        woke = not isinstance(self.daemon.state.phase, Listening)
        if woke:
            self.daemon.post(WakeWordHeard("hey_jarvis", 0.9, self.capture.sample))
            await asyncio.sleep(0)
        self.capture.say(words)

        def is_over() -> bool:
            return self._hears(answer, heard) or (self.capture.is_quiet and self.is_idle)

        assert await self.until(is_over), f"{words!r}: stuck in {self.daemon.state}"
        is_told = len(self.player.cues) + len(self.announcer.sentences) > told
        is_answered = self._hears(answer, heard)
        return Try(words, is_answered, woke, began, now(), self.lights.light, is_told)

    def _hears(self, answer: str, since: int) -> bool:
        """Whether all the words came in this order; a server may have said some of them twice."""
        words = iter(self.player.words[since:].split())
        return all(word in words for word in answer.split())

    async def insist(self, words: str, answer: str) -> None:
        """Ask until it is answered, or often enough."""
        for _ in range(_MOST_TRIES):
            self.tries.append(await self.ask(words, answer))
            if self.tries[-1].is_answered:
                return
            # What he says now shall not be in one breath with what was said before.
            await asyncio.sleep(_PREROLL_SECONDS)

    async def until_quiet(self) -> None:
        """Until the answer has been heard to its end."""
        assert await self.until(lambda: not isinstance(self.daemon.state.phase, Thinking | Speaking))

    async def converse(self) -> None:
        """The whole story."""
        await self.insist("what time is it", "it is noon")
        await self.until_quiet()
        await asyncio.sleep(_PAUSE_SECONDS)
        await self.insist("tell me a story", "once upon a time there")
        await self.insist("hello", "hello you too")
        await self.until_quiet()
        await self.insist("goodbye", "bye bye")
        assert await self.until(lambda: self.is_idle), f"never idle: {self.daemon.state}"


def at(socket: Path) -> Endpoint:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return Endpoint(socket.name, "ws://localhost/v1/realtime", headers, "scripted", unix_socket=socket)


class _Watch(logging.Handler):
    """Keeps everything that speakerd logs."""

    def __init__(self, log: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.append(record)

    @contextmanager
    def watching(self) -> Iterator[None]:
        root = logging.getLogger("speakerd")
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        root.propagate = False
        try:
            yield
        finally:
            root.propagate = True
            root.removeHandler(self)
            root.setLevel(level)


CLOCK = ToolSpec("clock", "Tells the time.", parameters())
END = ToolSpec("end_conversation", "Ends it.", parameters())


@asynccontextmanager
async def house(folder: Path, *troubles: Trouble, servers: int = 1) -> AsyncIterator[House]:
    """A speaker that is up and its servers, of which the first misbehaves; `aftermath` tells what they leave behind."""
    aftermath = Aftermath()
    watch = _Watch(aftermath.log)
    loop = fast_loop()
    loop.set_exception_handler(lambda _, context: aftermath.loop_errors.append(context))
    tasks_before, descriptors_before = asyncio.all_tasks(), _descriptors()
    sockets = [folder / f"socket{number}" for number in range(servers)]
    with watch.watching():
        async with AsyncExitStack() as serving:
            all_servers = [
                await serving.enter_async_context(fault_server(socket, *(troubles if index == 0 else ())))
                for index, socket in enumerate(sockets)
            ]
            async with _living(sockets, all_servers, aftermath) as home:
                yield home
            await asyncio.sleep(_SETTLING_SECONDS)
            aftermath.left_tasks = {task for task in asyncio.all_tasks() - tasks_before if _is_clients(task)}
    await asyncio.sleep(_SETTLING_SECONDS)
    if _descriptors() > descriptors_before:
        gc.collect()
    aftermath.left_descriptors = max(0, _descriptors() - descriptors_before)


@asynccontextmanager
async def _living(
    sockets: Sequence[Path], servers: Sequence[FaultServer], aftermath: Aftermath
) -> AsyncIterator[House]:
    endpoints = [at(socket) for socket in sockets]
    daemon = Daemon(Rules(endpoints=tuple(EndpointRule(each.where) for each in endpoints)))
    player = RoomPlayer(daemon.post)
    calls: list[float] = []

    async def noon(_: object) -> str:
        calls.append(now())
        return "noon"

    tools = ToolRunner([Tool(CLOCK, noon)], daemon.post, 5.0)
    sessions = RealtimeSessions(endpoints, lambda: (CLOCK, END), player, daemon.post, chance=lambda: 0.5)
    capture = RoomCapture(daemon.post, sessions.append_audio)
    lights, announcer = RoomLights(), RoomAnnouncer(player)
    devices = Devices(
        sessions, capture, player, tools, lights, RoomControl(), RoomJudge(), announcer, FakeAudit(Told())
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(daemon.run(devices))
        owners = [group.create_task(sessions.run()), group.create_task(Card(capture, player).run())]
        daemon.post(CardFound())
        yield House(daemon, capture, player, lights, announcer, servers, calls, aftermath)
        daemon.post(StopAsked())
        await running
        await sessions.close_all()
        await tools.close()
        owners[1].cancel()


def _is_clients(task: asyncio.Task[Any]) -> bool:
    """Whether a task is ours: the server keeps those of the connections that it lets hang."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is None or not code.co_filename.endswith(("server.py", "fault_session.py"))


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not read
