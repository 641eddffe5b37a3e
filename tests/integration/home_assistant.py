"""Home Assistant itself, in a process of its own on loopback, with lights, a lock, two covers and a slow script.

Its accounts and rooms, and what is exposed of it, are in `home_assistant_furnishing`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

PROGRAM = os.environ.get("SPEAKERD_HA_PROGRAM", "")
"""Runs Home Assistant for the folder that it is given; scripts/test-home-assistant makes one."""
PATIENCE_SECONDS = 30.0
_STARTING_SECONDS = 90.0
_ASKING_AGAIN_SECONDS = 0.2
_CONFIGURATION = """
homeassistant:
  name: Test
  unit_system: metric
  time_zone: UTC
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
onboarding:
conversation:
intent:
logger:
  default: warning
system_log:
input_boolean:
  kitchen:
  desk:
  kitchen_ceiling:
  hall_ceiling:
  unlocked:
  big_one:
  blind:
script:
  slow_coffee:
    alias: Slow coffee
    description: Makes a slow coffee.
    sequence:
      - delay: 60
template:
  - light:
{lights}
  - lock:
      - name: Front Door
        unique_id: front_door
        state: "{{{{ 'unlocked' if is_state('input_boolean.unlocked', 'on') else 'locked' }}}}"
        lock: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.unlocked}}}}
        unlock: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.unlocked}}}}
  - cover:
{covers}
"""
_LIGHT = """
      - name: {name}
        unique_id: {key}_light
        state: "{{{{ is_state('input_boolean.{key}', 'on') }}}}"
        turn_on: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.{key}}}}}
        turn_off: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.{key}}}}}
"""
_COVER = """
      - name: {name}
        unique_id: {key}
        device_class: {kind}
        state: "{{{{ 'open' if is_state('input_boolean.{key}', 'on') else 'closed' }}}}"
        open_cover: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.{key}}}}}
        close_cover: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.{key}}}}}
"""
_LIGHTS = {
    "kitchen": "Kitchen Light",
    "desk": "Desk Lamp",
    "kitchen_ceiling": "Ceiling Light",
    "hall_ceiling": "Ceiling Light",
}
BOOLEANS = tuple(f"input_boolean.{key}" for key in (*_LIGHTS, "unlocked", "big_one", "blind"))


class HomeAssistant:
    """A home that may be ended and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        lights = "".join(_LIGHT.format(key=key, name=name) for key, name in _LIGHTS.items())
        covers = _COVER.format(key="big_one", name="Big One", kind="garage")
        covers += _COVER.format(key="blind", name="Blind", kind="blind")
        (folder / "configuration.yaml").write_text(_CONFIGURATION.format(port=port, lights=lights, covers=covers))
        self.owner_token = ""
        """The tests' own."""
        self.token = ""
        """The speaker's, of a user who is no administrator."""

    async def start(self) -> None:
        """Start it, if it does not run, and wait until it is ready."""
        if self._process is not None and self._process.returncode is None:
            return
        with (self._folder / "output").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                self._program, str(self._folder), stdout=output, stderr=output, start_new_session=True
            )
        await self.ready()

    async def ready(self) -> None:
        """Wait until it answers, and for who may ask, until all of it is there."""
        assert self._process is not None
        async with asyncio.timeout(_STARTING_SECONDS):
            while not await self._answers():
                assert self._process.returncode is None, f"ended: see {self._folder}"
                await asyncio.sleep(_ASKING_AGAIN_SECONDS)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs; it saves what it knows only when it is asked to leave."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    @property
    def version(self) -> tuple[int, ...]:
        """Such as (2026, 11)."""
        told = (self._folder / ".HA_VERSION").read_text()
        return tuple(map(int, re.findall(r"\d+", told)[:2]))

    def log(self) -> list[str]:
        """Every warning and error of its own until now."""
        text = (self._folder / "home-assistant.log").read_text(errors="replace")
        return [line for line in text.splitlines() if " WARNING " in line or " ERROR " in line]

    async def state(self, entity: str) -> str:
        """What an entity is."""
        async with self.client() as client:
            return str((await client.get(f"/api/states/{entity}")).raise_for_status().json()["state"])

    async def do(self, service: str, entity: str, **data: object) -> None:
        """Call a service for an entity, such as light.turn_on."""
        path = f"/api/services/{service.replace('.', '/')}"
        async with self.client() as client:
            (await client.post(path, json={"entity_id": entity, **data})).raise_for_status()

    async def until(self, entity: str, wanted: str) -> None:
        """Wait until an entity is this."""
        await self._until(entity, lambda state: state == wanted)

    async def until_not(self, entity: str, *unwanted: str) -> str:
        """Wait until an entity is none of these; what it is then."""
        return await self._until(entity, lambda state: state not in unwanted)

    async def _until(self, entity: str, is_so: Callable[[str], bool]) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS), self.asking() as ask:
            await ask("subscribe_events", event_type="state_changed")
            known = {each["entity_id"]: each["state"] for each in await ask("get_states")}
            while entity not in known or not is_so(known[entity]):
                event = (await ask.event())["data"]
                known[event["entity_id"]] = (event["new_state"] or {"state": "gone"})["state"]
            return str(known[entity])

    @asynccontextmanager
    async def asking(self, token: str | None = None) -> AsyncIterator[Asking]:
        """Questions over the WebSocket, as the owner unless another token is given."""
        async with connect(f"{self.url.replace('http', 'ws')}/api/websocket", max_size=None, proxy=None) as socket_:
            await socket_.recv()
            await socket_.send(json.dumps({"type": "auth", "access_token": token or self.owner_token}))
            assert json.loads(await socket_.recv())["type"] == "auth_ok"
            yield Asking(socket_)

    def client(self) -> httpx2.AsyncClient:
        """A client of the owner's."""
        headers = {"Authorization": f"Bearer {self.owner_token}"} if self.owner_token else {}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    async def _answers(self) -> bool:
        try:
            async with self.client() as client:
                if not self.owner_token:
                    return (await client.get("/api/onboarding")).status_code < 500
                return bool((await client.get("/api/config")).json().get("state") == "RUNNING")
        except (httpx2.TransportError, ValueError):
            return False


class Asking:
    """Questions, one after the other, and events between them."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._events: list[Any] = []

    async def __call__(self, kind: str, **fields: object) -> Any:
        answer = await self.answer(kind, **fields)
        assert answer["success"], answer
        return answer["result"]

    async def answer(self, kind: str, **fields: object) -> Any:
        """The whole answer, which may be a refusal."""
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "type": kind, **fields}))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer["type"] == "event":
                self._events.append(answer["event"])
            elif answer["id"] == number:
                return answer

    async def event(self) -> Any:
        """The next event of those that were subscribed to."""
        while not self._events:
            message = json.loads(await self._connection.recv())
            if message["type"] == "event":
                self._events.append(message["event"])
        return self._events.pop(0)
