"""Home Assistant as a server of tools; pure.

Its endpoint for Assist serves what the owner exposed to Assist, and no more. Older versions have one endpoint alone,
which serves what the owner chose there: it is used only while that is Assist. Later versions serve there the tools of
administrators, too: never unless asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from speakerd.mcp.names import after_domain, is_allowed
from speakerd.mcp.offered import OfferedTool
from speakerd.mcp.server import Server, Site
from speakerd.settings import HomeAssistantSettings
from speakerd.settings_mcp import HOME_PREFIX

DEVICE_KEY = "io.home-assistant/device_id"
"""Where Home Assistant reads which device it is spoken to by; it knows the room of that."""

_ASSIST_PATH = "/api/mcp/assist"
_ANY_PATH = "/api/mcp"
_ACTIONS = (
    *("HassTurnOn", "HassTurnOff", "HassToggle", "HassLightSet", "HassSetPosition", "HassStopMoving"),
    *("HassSetVolume", "HassSetVolumeRelative", "HassMediaPause", "HassMediaUnpause", "HassMediaNext"),
    *("HassMediaPrevious", "HassMediaPlayerMute", "HassMediaPlayerUnmute", "HassClimateSetTemperature"),
    *("HassFanSetSpeed", "HassVacuumStart", "HassVacuumReturnToBase", "GetDateTime"),
)
"""Tools that tell what they did, to things which the owner named; whatever else may tell of the world outside."""
_OF_ANY_KIND = ("HassTurnOn", "HassTurnOff", "HassToggle")
"""Tools that a lock obeys as a light does: the policy refuses them where the kind is not said."""


def home_server(
    settings: HomeAssistantSettings, token: str, device_id: Callable[[], str | None] = lambda: None
) -> Server:
    """The owner's home; `device_id` is the speaker's own in Home Assistant, as soon as that knows it."""
    base = settings.url.rstrip("/")
    paths = (_ANY_PATH,) if settings.admin else (_ASSIST_PATH, _ANY_PATH)
    return Server(
        name=HOME_PREFIX,
        title="Home Assistant",
        way=Site(tuple(base + path for path in paths), token),
        call_seconds=settings.call_seconds,
        short=after_domain,
        reads_outside=partial(_reads_outside, settings.admin),
        objection=partial(_objection, settings.admin),
        schema=_with_kind,
        meta=partial(_meta, device_id),
    )


def instructions_with_room(instructions: str, room: str) -> str:
    """What the model is told about its part, with where it stands if that is known."""
    return f"{instructions} {room_fact(room)}".rstrip()


def room_fact(room: str) -> str:
    """What the model is told about where it stands; empty if that is not known."""
    return f"You stand in the {room}: what is asked for without a place is meant there." if room else ""


def _reads_outside(is_admin: bool, short: str) -> bool:
    return is_admin or not is_allowed(short, _ACTIONS)


def _with_kind(short: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    if short not in _OF_ANY_KIND:
        return schema
    required = schema.get("required")
    return {**schema, "required": [*(required if isinstance(required, list) else ()), "domain"]}


def _objection(is_admin: bool, url: str, tools: Sequence[OfferedTool]) -> str | None:
    """Home Assistant puts a domain and __ before names as soon as it serves more than Assist."""
    if is_admin or url.endswith(_ASSIST_PATH):
        return None
    is_assist_alone = any(tool.name.startswith("Hass") or tool.name == "GetLiveContext" for tool in tools)
    if is_assist_alone and not any("__" in tool.name for tool in tools):
        return None
    return (
        "it has no endpoint for Assist alone; choose only Assist in its integration Model Context Protocol Server, "
        "or set home_assistant.admin"
    )


def _meta(device_id: Callable[[], str | None]) -> Mapping[str, object]:
    known = device_id()
    return {DEVICE_KEY: known} if known else {}
