"""Which device the speaker is in Home Assistant, and in which room, where that knows it by MQTT.

Asked over its WebSocket: its own ids of devices are told nowhere else to a user who is no administrator. By the id Home
Assistant tells things of one name apart; what is asked for without a name is the model's to place in the room.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from speakerd.errors import NotSentError, ToolServerError
from speakerd.mcp.backoff import LONGEST_SECONDS, SHORTEST_SECONDS

KNOWN_SECONDS = 600.0
"""How often what is known is asked again: the speaker may be put into another room."""

_ANSWER_SECONDS = 15.0
_MOST_BYTES = 16 * 2**20
"""Of the list of all devices; those of a large home take one or two MiB."""
_LONGEST_ROOM = 64
"""Characters of a room's name that are told to the model."""

_log = logging.getLogger(__name__)
# websockets logs whole messages at DEBUG, and with them the token.
_websocket_log = logging.getLogger(f"{__name__}.websocket")
_websocket_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the speaker is in Home Assistant."""

    device_id: str
    area_id: str | None = None
    room: str = ""
    """What that room is called; empty where it is in none."""


class HomeDevice:
    """Loop thread only; `identifier` is what the speaker calls itself over MQTT."""

    def __init__(self, url: str, token: str, identifier: str) -> None:
        self._url = f"ws{url.rstrip('/').removeprefix('http')}/api/websocket"
        self._token = token
        self._identifier = identifier
        self._place: Place | None = None

    def id(self) -> str | None:
        """Home Assistant's id of the speaker, as far as it was told."""
        return self._place.device_id if self._place else None

    def room(self) -> str:
        """In which room Home Assistant has the speaker; empty if in none, or nothing was told yet."""
        return self._place.room if self._place else ""

    async def run(self) -> None:
        """Ask until it is known, and now and then after that; until cancelled, or the token is refused."""
        wait_seconds = SHORTEST_SECONDS
        while True:
            try:
                self._take(await self._look())
            except NotSentError:
                return  # the source of its tools says so; more tries could have us banned
            except (OSError, WebSocketException) as error:
                _log.debug("Home Assistant's devices are not known: %s.", type(error).__name__)
            wait_seconds = KNOWN_SECONDS if self._place else min(LONGEST_SECONDS, 2 * wait_seconds)
            await asyncio.sleep(wait_seconds)

    def _take(self, found: Place | None) -> None:
        if found and found != self._place:
            _log.info("Home Assistant knows the speaker as a device%s.", " in a room" if found.room else "")
        elif self._place and not found:
            _log.warning("Home Assistant knows the speaker as a device no more: check its MQTT integration.")
        self._place = found

    async def _look(self) -> Place | None:
        trust = await asyncio.to_thread(_trust) if self._url.startswith("wss:") else None
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            connect(
                self._url, ssl=trust, max_size=_MOST_BYTES, proxy=None, close_timeout=1.0, logger=_websocket_log
            ) as socket,
        ):
            await _told(socket)
            await socket.send(json.dumps({"type": "auth", "access_token": self._token}))
            if (await _told(socket)).get("type") != "auth_ok":
                raise NotSentError("it refuses the token")
            found = place(await _listed(socket, 1, "config/device_registry/list"), self._identifier)
            if found is None or found.area_id is None:
                return found
            return replace(found, room=room(await _listed(socket, 2, "config/area_registry/list"), found.area_id))


def place(devices: Sequence[object], identifier: str) -> Place | None:
    """The device that MQTT knows by this identifier."""
    for device in devices:
        match device:
            case {"id": str(found), "identifiers": list(known), **others} if ["mqtt", identifier] in known:
                area = others.get("area_id")
                return Place(found, area if isinstance(area, str) else None)
    return None


def room(areas: Sequence[object], area_id: str) -> str:
    """What a room is called; empty if it is not there."""
    for area in areas:
        match area:
            case {"area_id": str(found), "name": str(name)} if found == area_id:
                return " ".join(name.split())[:_LONGEST_ROOM]
    return ""


async def _listed(socket: ClientConnection, number: int, question: str) -> Sequence[object]:
    await socket.send(json.dumps({"id": number, "type": question}))
    found = (await _told(socket)).get("result")
    return found if isinstance(found, list) else ()


async def _told(socket: ClientConnection) -> dict[str, object]:
    try:
        message = json.loads(await socket.recv())
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise ToolServerError("it does not speak as Home Assistant does")  # not chained: it may hold the home's names
    return message


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
