"""The world around a source of tools: servers in processes of their own, ended by their pid, and calls as a model's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from speakerd.core.events import Event, ToolFinished
from speakerd.mcp.server import Program, Server
from speakerd.mcp.source import McpSource
from speakerd.tools.registry import ToolRunner

SERVER = Path(__file__).with_name("mcp_stage_server.py")
TOKEN = "eyJ-the-token"  # noqa: S105 - of a server on loopback


class WebServer:
    """A server on a port of loopback, which may be killed and come back at the same one."""

    def __init__(self, calls: Path, kind: str = "plain") -> None:
        self.port = 0
        self._calls = calls
        self._kind = kind
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        command = (str(SERVER), str(self._calls), "web", str(self.port), TOKEN, self._kind)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            line = await self._process.stdout.readline()
        assert line.startswith(b"ready"), line
        self.port = int(line.split()[1])

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def web_server(calls: Path, kind: str = "plain") -> AsyncIterator[WebServer]:
    server = WebServer(calls, kind)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def program(calls: Path, call_seconds: float = 10.0, **environment: str) -> Server:
    way = Program(
        (sys.executable, str(SERVER), str(calls), "stdio"), {"PATH": os.environ.get("PATH", ""), **environment}
    )
    return Server("stage", "The stage", way, connect_seconds=30, call_seconds=call_seconds)


class Watched:
    """A running source, and a test that waits for what it becomes."""

    def __init__(self, server: Server, poll_seconds: float) -> None:
        self._changed = asyncio.Event()
        self.source = McpSource(server, self._changed.set, poll_seconds=poll_seconds)

    async def until(self, condition: Callable[[McpSource], bool]) -> None:
        async with asyncio.timeout(40):
            while not condition(self.source):
                await self._changed.wait()
                self._changed.clear()

    async def is_up(self) -> None:
        await self.until(lambda source: source.health().state == "up")

    def names(self) -> list[str]:
        return [tool.spec.name for tool in self.source.tools()]

    async def call(self, name: str, /, **arguments: object) -> str:
        """What a model is told after a call."""
        answered: asyncio.Queue[Event] = asyncio.Queue()
        runner = ToolRunner(self.source.tools(), answered.put_nowait, 10.0)
        runner.run(1, "call", name, json.dumps(arguments))
        async with asyncio.timeout(30):
            event = await answered.get()
        assert isinstance(event, ToolFinished)
        await runner.close()
        return event.output


@asynccontextmanager
async def running(server: Server, poll_seconds: float = 60.0) -> AsyncIterator[Watched]:
    watched = Watched(server, poll_seconds)
    async with asyncio.TaskGroup() as group:
        group.create_task(watched.source.run())
        try:
            yield watched
        finally:
            await watched.source.close()


def begun(calls: Path) -> list[str]:
    """The calls that the servers have begun."""
    return calls.read_text().split() if calls.exists() else []
