"""A real broker on a free port of the loopback, and somebody who plays the home there."""

from __future__ import annotations

import asyncio
import getpass
import json
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

PATIENCE_SECONDS = 15.0


def program(name: str) -> str:
    """Where a program is; without it the test fails with a sentence."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.fail(f"The program {name} is missing: run scripts/prepare develop.")
    return found


@dataclass
class Mosquitto:
    """A broker that can be stopped and started again; `options` are lines of mosquitto.conf."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(init=False)
    _process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.port = unused.getsockname()[1]

    async def start(self) -> None:
        """Run until `stop`; returns when it listens."""
        login = () if any("password_file" in line for line in self.options) else ("allow_anonymous true",)
        lines = [f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", *login, *self.options]
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        self._process = await asyncio.create_subprocess_exec(
            program("mosquitto"), "-c", str(config), stderr=asyncio.subprocess.PIPE
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._process.stderr:
                if b" running" in line:
                    return
        pytest.fail(f"mosquitto ended at once: read {config}.")

    async def stop(self) -> None:
        """End it, and wait for that."""
        if self._process is not None:
            self._process.kill()  # it misses a SIGTERM that comes while it starts
            await self._process.communicate()
            self._process = None


@asynccontextmanager
async def mosquitto(folder: Path, *options: str) -> AsyncIterator[Mosquitto]:
    """A broker that listens."""
    broker = Mosquitto(folder, options)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@dataclass
class Home:
    """Everything that was published, as a client sees it that subscribed to all before or after."""

    client: aiomqtt.Client
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            self.messages.append((message.topic.value, message.payload))
            self._changed.set()

    def last(self, topic: str) -> Any:
        """The last message at a topic, as JSON where it is some, else as text; None without one."""
        for known, payload in reversed(self.messages):
            if known == topic:
                try:
                    return json.loads(payload)
                except ValueError:
                    return payload.decode(errors="replace")
        return None

    def all(self, topic: str) -> list[bytes]:
        return [payload for known, payload in self.messages if known == topic]

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until messages have made it so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    async def until_last(self, topic: str, wanted: object) -> None:
        await self.until(lambda: self.last(topic) == wanted)

    async def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self.client.publish(topic, payload, qos=1, retain=retain)


@asynccontextmanager
async def home(port: int, **options: Any) -> AsyncIterator[Home]:
    """Somebody who hears everything."""
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, **options) as client:
        await client.subscribe("#", qos=1)
        listener = Home(client)
        listening = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            listening.cancel()
