"""What an owner does in a new Home Assistant: accounts, rooms, what Assist may see, the MCP server and MQTT."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from home_assistant import BOOLEANS, Asking, HomeAssistant

CEILINGS = {"Kitchen": "light.ceiling_light", "Hall": "light.ceiling_light_2"}
"""Two lights of the same name, by room."""

EXPOSED = (
    "light.kitchen_light",
    *CEILINGS.values(),
    "lock.front_door",
    "cover.big_one",
    "cover.blind",
    "script.slow_coffee",
)
_HIDDEN = ("light.desk_lamp", *BOOLEANS)
_UNENCRYPTED = {"set_client_cert": False, "set_ca_cert": "off"}
_ROOMS = {
    "light.kitchen_light": "Kitchen",
    "light.desk_lamp": "Kitchen",
    **{light: room for room, light in CEILINGS.items()},
    "lock.front_door": "Hall",
    "cover.big_one": "Hall",
    "cover.blind": "Kitchen",
}


@asynccontextmanager
async def home_assistant(program: str, folder: Path, broker_port: int) -> AsyncIterator[HomeAssistant]:
    """A furnished home, killed at the end."""
    home = HomeAssistant(program, folder)
    try:
        await home.start()
        await _sign_up(home)
        await home.ready()
        async with home.asking() as ask:
            await ask.answer(
                "http/config/promote"
            )  # 2026.11 goes back to its own port without it; older ones know none
            home.owner_token = await ask("auth/long_lived_access_token", client_name="tests", lifespan=1)
            await _make_rooms(ask)
            await _expose(ask)
        await _add(home, "mcp_server", {"llm_hass_api": ["assist"]})
        await _add(home, "mqtt", {"broker": "127.0.0.1", "port": broker_port})
        home.token = await _speakers_token(home)
        await home.end()  # by which it saves all of this: a test may kill it
        await home.start()
        yield home
    finally:
        await home.end(signal.SIGKILL)


async def area_id(ask: Asking, name: str) -> str:
    """Home Assistant's own id of a room."""
    (found,) = [area["area_id"] for area in await ask("config/area_registry/list") if area["name"] == name]
    return str(found)


async def _sign_up(home: HomeAssistant) -> None:
    owner = {"client_id": f"{home.url}/", "name": "Owner", "username": "owner", "password": "owner", "language": "en"}
    async with home.client() as client:
        made = await _post(client, "/api/onboarding/users", owner)
        home.owner_token = await _access_token(home, client, made["auth_code"])
    async with home.client() as client:
        for step in ("core_config", "analytics"):
            await _post(client, f"/api/onboarding/{step}", {})
        way = {"client_id": f"{home.url}/", "redirect_uri": f"{home.url}/"}
        await _post(client, "/api/onboarding/integration", way)


async def _make_rooms(ask: Asking) -> None:
    known = {area["name"] for area in await ask("config/area_registry/list")}
    for room in sorted(set(_ROOMS.values()) - known):
        await ask("config/area_registry/create", name=room)
    for entity, room in _ROOMS.items():
        await ask("config/entity_registry/update", entity_id=entity, area_id=await area_id(ask, room))


async def _expose(ask: Asking) -> None:
    for entity in (*EXPOSED, *_HIDDEN):
        fields = {"assistants": ["conversation"], "entity_ids": [entity], "should_expose": entity in EXPOSED}
        await ask("homeassistant/expose_entity", **fields)


async def _add(home: HomeAssistant, integration: str, answers: Mapping[str, object]) -> None:
    async with home.client() as client:
        flow = await _post(client, "/api/config/config_entries/flow", {"handler": integration})
        is_asked = {field["name"] for field in flow["data_schema"]}
        folded = {"other_settings": _UNENCRYPTED} if "other_settings" in is_asked else {}
        done = await _post(client, f"/api/config/config_entries/flow/{flow['flow_id']}", {**folded, **answers})
        assert done["type"] == "create_entry", done


async def _speakers_token(home: HomeAssistant) -> str:
    """Of a user who is no administrator, and may sign in only from the home's own network."""
    async with home.asking() as ask:
        made = await ask("config/auth/create", name="Speaker", group_ids=["system-users"], local_only=True)
        login = {"username": "speaker", "password": "speaker"}
        await ask("config/auth_provider/homeassistant/create", user_id=made["user"]["id"], **login)
    async with home.client() as client:
        del client.headers["Authorization"]
        way = {"client_id": f"{home.url}/", "redirect_uri": f"{home.url}/", "handler": ["homeassistant", None]}
        flow = await _post(client, "/auth/login_flow", way)
        done = await _post(client, f"/auth/login_flow/{flow['flow_id']}", {"client_id": f"{home.url}/", **login})
        token = await _access_token(home, client, done["result"])
    async with home.asking(token) as ask:
        return str(await ask("auth/long_lived_access_token", client_name="speaker", lifespan=1))


async def _access_token(home: HomeAssistant, client: httpx2.AsyncClient, code: str) -> str:
    grant = {"client_id": f"{home.url}/", "grant_type": "authorization_code", "code": code}
    return str((await client.post("/auth/token", data=grant)).raise_for_status().json()["access_token"])


async def _post(client: httpx2.AsyncClient, path: str, body: Mapping[str, object]) -> Any:
    answer = await client.post(path, json=dict(body))
    assert answer.is_success, (path, answer.status_code, answer.text)
    return answer.json()
