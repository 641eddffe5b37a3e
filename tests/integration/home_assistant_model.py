"""A Realtime server whose model calls the tool that the test wants, and the speaker that asks it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from fake_server import CREATED, UPDATED, arguments_done, call_item, response_created, response_done
from speakerd.service.client import request


@dataclass
class Model:
    """Each text that it is asked becomes one call; what the tool answers is kept."""

    socket: Path
    """Where the speaker is asked."""
    url: str = ""
    offered: list[str] = field(default_factory=list)
    """The tools that it knows."""
    told: list[str] = field(default_factory=list)
    """What came of its calls, and what it was told besides."""
    facts: str = ""
    """What it was told last that nobody said."""
    _wanted: tuple[str, str] | None = None

    async def asked(self, text: str, tool: str, /, **arguments: object) -> str:
        """Ask the speaker for something, for which the model calls this tool; what the model is told of it."""
        before = len(self.told)
        self._wanted = tool, json.dumps(arguments)
        async for _ in request(self.socket, {"do": "ask", "text": text, "aloud": False}):
            pass
        (answer,) = self.told[before:]
        return answer

    async def serve(self, connection: ServerConnection) -> None:
        number = 0
        await connection.send(json.dumps(CREATED))
        async for frame in connection:
            event: dict[str, Any] = json.loads(frame)
            answers: list[dict[str, Any]] = []
            match event:
                case {"type": "session.update"}:
                    self.offered = [tool["name"] for tool in event["session"].get("tools", self.offered)]
                    answers = [UPDATED]
                case {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": output}}:
                    self.told.append(output)
                case {"type": "conversation.item.create", "item": {"role": "system", "content": [{"text": text}]}}:
                    self.facts = text
                case {"type": "response.create"}:
                    number += 1
                    answers = self._response(number)
            for answer in answers:
                await connection.send(json.dumps(answer))

    def _response(self, number: int) -> list[dict[str, Any]]:
        name = f"resp_{number}"
        if self._wanted is None:
            return [response_created(name), response_done(response=name)]
        (tool, arguments), self._wanted = self._wanted, None
        item = call_item(f"call_{number}", tool, arguments)
        asked = arguments_done(f"call_{number}", tool, arguments, name)
        return [response_created(name), asked, response_done(response=name, output=[item])]


@asynccontextmanager
async def model(socket: Path) -> AsyncIterator[Model]:
    """A model on loopback."""
    known = Model(socket)
    async with serve(known.serve, "127.0.0.1", 0, ping_interval=None) as server:
        known.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1/realtime"
        yield known
