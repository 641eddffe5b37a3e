"""What Home Assistant is asked about the speaker itself, by a Home Assistant of the tests' own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from logs import log_of
from speakerd.mcp.home_device import HomeDevice, Place, place, room

TOKEN = "eyJ-the-token"  # noqa: S105 - of a server on loopback
OURS = {"id": "f00", "identifiers": [["mqtt", "kitchen"]], "area_id": "a_1"}
AREAS = [{"area_id": "a_2", "name": "Hall"}, 3, {"area_id": "a_1"}, {"area_id": "a_1", "name": "Lower\n kitchen"}]
OTHERS = [
    {"id": "a1", "identifiers": [["zha", "kitchen"]]},
    {"id": "a2", "identifiers": [["mqtt", "hall"], ["mqtt"]]},
    {"id": 3, "identifiers": [["mqtt", "kitchen"]]},
    {"id": "a4", "identifiers": None},
    "a5",
]


class Home:
    """Answers as Home Assistant does; the lists of devices are told one after the other, the last again and again."""

    def __init__(self, *lists: object) -> None:
        self._lists = list(lists)
        self.url = ""
        self.asked: list[str] = []

    async def serve(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "auth_required", "ha_version": "2026.11.0"}))
        greeting = json.loads(await connection.recv())
        if greeting != {"type": "auth", "access_token": TOKEN}:
            await connection.send(json.dumps({"type": "auth_invalid", "message": "Invalid access token or password"}))
            return
        await connection.send(json.dumps({"type": "auth_ok", "ha_version": "2026.11.0"}))
        async for frame in connection:
            question = json.loads(frame)
            self.asked.append(question["type"])
            if question["type"] == "config/area_registry/list":
                told: object = AREAS
            else:
                told = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
            if isinstance(told, str):
                await connection.send(told)
            else:
                answer = {"id": question["id"], "type": "result", "success": True, "result": told}
                await connection.send(json.dumps(answer))


@asynccontextmanager
async def home(*lists: object) -> AsyncIterator[Home]:
    known = Home(*lists)
    async with serve(known.serve, "127.0.0.1", 0) as server:
        known.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield known


@asynccontextmanager
async def asking(device: HomeDevice) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(device.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_the_speaker_finds_itself_among_the_devices() -> None:
    async with home([*OTHERS, OURS]) as known:
        device = HomeDevice(known.url + "/", TOKEN, "kitchen")
        assert (device.id(), device.room()) == (None, "")
        with log_of("speakerd.mcp.home_device") as log:
            async with asking(device):
                await log.until("knows the speaker")
        assert (device.id(), device.room()) == ("f00", "Lower kitchen")
        assert known.asked == ["config/device_registry/list", "config/area_registry/list"]
        assert not any(TOKEN in line for line in log.lines)


@pytest.mark.parametrize("at_first", [[], OTHERS, None, "no JSON", '["a list"]', "[" * 100_000])
async def test_it_asks_again_while_home_assistant_does_not_know_it(
    at_first: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speakerd.mcp.home_device.SHORTEST_SECONDS", 0.01)
    async with home(at_first, [OURS]) as known:
        device = HomeDevice(known.url, TOKEN, "kitchen")
        with log_of("speakerd.mcp.home_device") as log:
            async with asking(device):
                await log.until("knows the speaker")
        assert device.id() == "f00"


async def test_a_refused_token_is_not_tried_again() -> None:
    async with home([OURS]) as known:
        device = HomeDevice(known.url, "another", "kitchen")
        async with asyncio.timeout(10):
            await device.run()
        assert (device.id(), known.asked) == (None, [])


async def test_it_may_be_moved_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.mcp.home_device.KNOWN_SECONDS", 0.01)
    async with home([OURS], [{**OURS, "area_id": "a_2"}], []) as known:
        device = HomeDevice(known.url, TOKEN, "kitchen")
        with log_of("speakerd.mcp.home_device") as log:
            async with asking(device):
                await log.until("in a room", times=2)
                assert device.room() == "Hall"
                await log.until("no more")
                assert (device.id(), device.room()) == (None, "")


@pytest.mark.parametrize(
    ("devices", "found"),
    [
        ([], None),
        (OTHERS, None),
        ([*OTHERS, OURS], Place("f00", "a_1")),
        ([{"id": "f00", "identifiers": [["x", "y"], ["mqtt", "kitchen"]]}], Place("f00")),
        ([{**OURS, "area_id": 3}], Place("f00")),
    ],
)
def test_only_its_own_device_counts(devices: Sequence[object], found: Place | None) -> None:
    assert place(devices, "kitchen") == found


@pytest.mark.parametrize(("area_id", "name"), [("a_2", "Hall"), ("a_1", "Lower kitchen"), ("a_3", "")])
def test_a_room_has_the_name_that_its_owner_gave_it(area_id: str, name: str) -> None:
    assert room(AREAS, area_id) == name
    assert room([{"area_id": "x", "name": "x" * 1000}], "x") == "x" * 64
