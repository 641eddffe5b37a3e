"""What the tools cost in each answer: how many tokens the model is told of them, as `session.update` says it.

It is the JSON that we send; endpoints make other words of it for their models, and tell nobody which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from everyday import everyday_specs
from speakerd.mcp.home import home_server
from speakerd.mcp.offered import OfferedTool
from speakerd.mcp.source import tools
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.messages import encode, session_update
from speakerd.realtime.messages_setup import session
from speakerd.settings import HomeAssistantSettings

HOMES = Path(__file__).with_name("tools_homes.json")
"""What Home Assistant 2026.2.3 offered over MCP: with a light and a lock, and with its demo integration."""

_PRETENDED = ("set_light", "set_all_lights", "get_lights")
"""Tools of the home that is for trying only."""


Count = Callable[[str], int]
"""How many tokens a text is."""


def prompt(count: Count) -> dict[str, Any]:
    """Tokens and tools of the speaker alone, and with each home."""
    own = own_specs()
    found = {"own": _size(own, count)}
    for name, offered in json.loads(HOMES.read_text(encoding="utf-8")).items():
        found[name] = _size([*own, *home_specs(offered)], count)
    return {"kinds": found, "own_by_tool": {spec.name: _size([spec], count)["tokens"] for spec in own}}


def own_specs() -> list[ToolSpec]:
    """The speaker's own tools."""
    return [spec for spec in everyday_specs() if spec.name not in _PRETENDED]


def home_specs(offered: Sequence[dict[str, Any]]) -> list[ToolSpec]:
    """A home's tools, as the speaker makes them of what the home offers."""
    server = home_server(HomeAssistantSettings(url="http://homeassistant.local:8123"), "token")
    return [tool.spec for tool in tools(server, [OfferedTool(**row) for row in offered], _never)]


def wire(specs: Sequence[ToolSpec]) -> str:
    """What is sent of tools."""
    table = session(Endpoint("bench", "ws://localhost", {}, "bench"), specs)
    sent: dict[str, Any] = json.loads(encode(session_update(table), "e"))
    return json.dumps(sent["session"]["tools"], separators=(",", ":"))


def _size(specs: Sequence[ToolSpec], count: Count) -> dict[str, int]:
    text = wire(specs)
    return {"tools": len(specs), "tokens": count(text), "bytes": len(text)}


async def _never(name: str, arguments: object) -> str:
    raise AssertionError("nothing is called here")
