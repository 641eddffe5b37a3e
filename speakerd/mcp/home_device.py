"""Which device the speaker is in Home Assistant, where that knows it by MQTT: asked over its WebSocket.

With it Home Assistant knows the room in which something is asked. Its own id of a device is told nowhere else, and
this question alone any user may ask who is no administrator.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from functools import cache

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from speakerd.errors import NotSentError, ToolServerError
from speakerd.mcp.backoff import LONGEST_SECONDS, SHORTEST_SECONDS

KNOWN_SECONDS = 3600.0
"""How often what is known is asked again: a home may be set up anew."""

_ANSWER_SECONDS = 15.0
_MOST_BYTES = 16 * 2**20
"""Of the list of all devices; those of a large home take one or two MiB."""
_QUESTION = 1

_log = logging.getLogger(__name__)
# websockets logs whole messages at DEBUG, and with them the token.
_websocket_log = logging.getLogger(f"{__name__}.websocket")
_websocket_log.setLevel(logging.WARNING)


class HomeDevice:
    """Loop thread only; `identifier` is what the speaker calls itself over MQTT."""

    def __init__(self, url: str, token: str, identifier: str) -> None:
        self._url = f"ws{url.rstrip('/').removeprefix('http')}/api/websocket"
        self._token = token
        self._identifier = identifier
        self._id: str | None = None

    def id(self) -> str | None:
        """Home Assistant's id of the speaker, as far as it was told."""
        return self._id

    async def run(self) -> None:
        """Ask until it is known, and now and then after that; until cancelled, or the token is refused."""
        wait_seconds = SHORTEST_SECONDS
        while True:
            try:
                found = await self._look()
            except NotSentError:
                return  # the source of its tools says so; more tries could have us banned
            except (OSError, WebSocketException) as error:
                _log.debug("Home Assistant's devices are not known: %s.", type(error).__name__)
            else:
                self._take(found)
            wait_seconds = KNOWN_SECONDS if self._id else min(LONGEST_SECONDS, 2 * wait_seconds)
            await asyncio.sleep(wait_seconds)

    def _take(self, found: str | None) -> None:
        if found == self._id:
            return
        self._id = found
        if found:
            _log.info("Home Assistant knows the speaker as a device, and so its room.")

    async def _look(self) -> str | None:
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
            await socket.send(json.dumps({"id": _QUESTION, "type": "config/device_registry/list"}))
            return own_id(await _told(socket), self._identifier)


def own_id(answer: dict[str, object], identifier: str) -> str | None:
    """The id of the device that MQTT knows by this identifier, in an answer with the list of all."""
    devices = answer.get("result")
    for device in devices if isinstance(devices, list) else ():
        match device:
            case {"id": str(found), "identifiers": list(known)} if ["mqtt", identifier] in known:
                return found
    return None


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
