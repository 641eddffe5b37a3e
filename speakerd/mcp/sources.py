"""The owner's settings → sources of tools; the library is not imported before a source runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from speakerd.errors import ConfigurationError
from speakerd.mcp.environment import child_environment
from speakerd.mcp.home import home_server
from speakerd.mcp.home_device import HomeDevice
from speakerd.mcp.server import Program, Server, Site
from speakerd.mcp.source import McpSource
from speakerd.mcp.token import token
from speakerd.settings import Settings
from speakerd.settings_mcp import HomeAssistantSettings, McpServer


def sources(
    settings: Settings, environment: Mapping[str, str], device_id: Callable[[], str | None] = lambda: None
) -> list[McpSource]:
    """A source for each server of the owner's, none of them begun; raises ConfigurationError.

    `device_id` is the speaker's own in Home Assistant, as soon as that knows it.
    """
    found = servers(settings, environment, device_id)
    if found and importlib.util.find_spec("mcp") is None:
        raise ConfigurationError(f'{found[0].title} needs the package mcp: install "speakerd[mcp]".')
    return [McpSource(server) for server in found]


def servers(
    settings: Settings, environment: Mapping[str, str], device_id: Callable[[], str | None] = lambda: None
) -> list[Server]:
    """The owner's servers, Home Assistant first; raises ConfigurationError for a token that is missing or none."""
    found = []
    home = settings.home_assistant
    if home.url:
        found.append(home_server(home, _home_token(home, environment), device_id))
    for number, server in enumerate(settings.mcp.servers, 1):
        found.append(_server(server, f"mcp.servers[{number}]", environment))
    return found


def home_device(settings: Settings, environment: Mapping[str, str], identifier: str | None) -> HomeDevice | None:
    """What finds the speaker among Home Assistant's devices by its name at MQTT; None without either of them.

    Raises ConfigurationError for a token that is missing or none.
    """
    home = settings.home_assistant
    if not home.url or identifier is None:
        return None
    return HomeDevice(home.url, _home_token(home, environment), identifier)


def _home_token(home: HomeAssistantSettings, environment: Mapping[str, str]) -> str:
    found = token(home.key_file, "home_assistant.key_file", "home-assistant-token", environment)
    if found is None:
        raise ConfigurationError(
            "home_assistant.url is set but there is no token: write a long-lived access token into "
            '/etc/speakerd/home-assistant-token, or into a file that "home_assistant.key_file" names.'
        )
    return found


def _server(settings: McpServer, row: str, environment: Mapping[str, str]) -> Server:
    if settings.command:
        way: Program | Site = Program(settings.command, child_environment(settings.environment, environment))
    else:
        key = token(settings.key_file, f"{row}.key_file", f"mcp-{settings.name}-token", environment)
        way = Site((settings.url,), key)
    return Server(
        name=settings.name,
        title=f"The server {settings.name}",
        way=way,
        globs=settings.tools,
        connect_seconds=settings.connect_seconds,
        call_seconds=settings.call_seconds,
        reads_outside=lambda _: not settings.trusted,
    )
