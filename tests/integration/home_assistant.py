"""Home Assistant itself, in a process of its own on loopback, with a light, a lock, a second light and an area.

The kitchen light and the front door are exposed to Assist, the desk lamp is not. It has no account but ours.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

EXPOSED = ["light.kitchen_light", "lock.front_door"]
_STARTING_SECONDS = 120.0
_ASKING_AGAIN_SECONDS = 0.2
# Home Assistant asks for a Python that is a little newer than it needs.
_START = """
import sys, homeassistant.const as const
const.REQUIRED_PYTHON_VER = (3, 13, 0)
from homeassistant.__main__ import main
sys.exit(main())
"""
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
input_boolean:
  kitchen:
  desk:
  unlocked:
template:
  - light:
      - name: Kitchen Light
        unique_id: kitchen_light
        state: "{{{{ is_state('input_boolean.kitchen', 'on') }}}}"
        turn_on: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.kitchen}}}}
        turn_off: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.kitchen}}}}
      - name: Desk Lamp
        unique_id: desk_lamp
        state: "{{{{ is_state('input_boolean.desk', 'on') }}}}"
        turn_on: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.desk}}}}
        turn_off: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.desk}}}}
  - lock:
      - name: Front Door
        unique_id: front_door
        state: "{{{{ 'unlocked' if is_state('input_boolean.unlocked', 'on') else 'locked' }}}}"
        lock: {{action: input_boolean.turn_off, target: {{entity_id: input_boolean.unlocked}}}}
        unlock: {{action: input_boolean.turn_on, target: {{entity_id: input_boolean.unlocked}}}}
"""


class HomeAssistant:
    """A home that may be ended and started again."""

    def __init__(self, python: str, folder: Path) -> None:
        self._python = python
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        (folder / "configuration.yaml").write_text(_CONFIGURATION.format(port=self.url.rpartition(":")[2]))
        self.token = ""

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *(self._python, "-c", _START, "--config", str(self._folder), "--skip-pip"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        async with asyncio.timeout(_STARTING_SECONDS):
            while not await self._answers():
                assert self._process.returncode is None, f"ended: see {self._folder}/home-assistant.log"
                await asyncio.sleep(_ASKING_AGAIN_SECONDS)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs; it saves what it knows only when it is asked to leave."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.send_signal(number)
            await self._process.wait()

    async def state(self, entity: str) -> str:
        """What an entity is."""
        async with self._client() as client:
            return str((await client.get(f"/api/states/{entity}")).raise_for_status().json()["state"])

    async def furnish(self) -> None:
        """Make our account, fill the kitchen (an area of every new home), expose two things, and add the MCP server."""
        await self._sign_up()
        async with connect(f"{self.url.replace('http', 'ws')}/api/websocket") as socket_:
            await socket_.recv()
            await socket_.send(json.dumps({"type": "auth", "access_token": self.token}))
            await socket_.recv()
            asked = _Asking(socket_)
            self.token = await asked("auth/long_lived_access_token", client_name="speaker", lifespan=1)
            for entity in ("light.kitchen_light", "light.desk_lamp"):
                await asked("config/entity_registry/update", entity_id=entity, area_id="kitchen")
            every = ["light.kitchen_light", "light.desk_lamp", "lock.front_door", *_BOOLEANS]
            for entity in every:
                await asked(
                    "homeassistant/expose_entity",
                    assistants=["conversation"],
                    entity_ids=[entity],
                    should_expose=entity in EXPOSED,
                )
        async with self._client() as client:
            flow = await client.post("/api/config/config_entries/flow", json={"handler": "mcp_server"})
            submit = f"/api/config/config_entries/flow/{flow.raise_for_status().json()['flow_id']}"
            (await client.post(submit, json={"llm_hass_api": ["assist"]})).raise_for_status()

    async def _sign_up(self) -> None:
        owner = {
            "client_id": f"{self.url}/",
            "name": "Owner",
            "username": "owner",
            "password": "owner",
            "language": "en",
        }
        async with self._client() as client:
            made = (await client.post("/api/onboarding/users", json=owner)).raise_for_status().json()
            grant = {"client_id": f"{self.url}/", "grant_type": "authorization_code", "code": made["auth_code"]}
            self.token = (await client.post("/auth/token", data=grant)).raise_for_status().json()["access_token"]
        async with self._client() as client:
            for step in ("core_config", "analytics", "integration"):
                body = {"client_id": f"{self.url}/", "redirect_uri": f"{self.url}/"} if step == "integration" else {}
                await client.post(f"/api/onboarding/{step}", json=body)

    async def _answers(self) -> bool:
        try:
            async with self._client() as client:
                return (await client.get("/api/onboarding")).status_code < 500
        except httpx2.TransportError:
            return False

    def _client(self) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False)


_BOOLEANS = ("input_boolean.kitchen", "input_boolean.desk", "input_boolean.unlocked")


class _Asking:
    """Questions over the WebSocket, one after the other."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    async def __call__(self, kind: str, **fields: object) -> Any:
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "type": kind, **fields}))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer.get("id") == number:
                assert answer["success"], answer
                return answer["result"]


@asynccontextmanager
async def home_assistant(python: str, folder: Path) -> AsyncIterator[HomeAssistant]:
    """A furnished home, killed at the end."""
    home = HomeAssistant(python, folder)
    try:
        await home.start()
        await home.furnish()
        yield home
    finally:
        await home.end(signal.SIGKILL)
