"""The owner's settings about other programs' tools: servers of the Model Context Protocol, and Home Assistant."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from speakerd.errors import ConfigurationError

HOME_PREFIX = "home"
"""What Home Assistant's tools begin with."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = {"CREDENTIALS_DIRECTORY", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "XAI_API_KEY"}
"""Variables that lead to the speaker's own keys."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """One server whose tools the assistant may use."""

    name: str
    """What its tools begin with: up to 16 small letters, digits and "-", such as time for time_get_current_time."""
    command: tuple[str, ...] = ()
    """The program that is the server, and its arguments, where the speaker starts it; it runs as the speaker does."""
    url: str = ""
    """Its address, such as http://192.168.1.5:8000/mcp, for one that runs elsewhere (streamable HTTP)."""
    key_file: str = ""
    """File of the token for `url`; empty means the systemd credential mcp-NAME-token, or none where there is none."""
    environment: tuple[str, ...] = ()
    """Variables that the program gets beside PATH, HOME and LANG: NAME as the service has it, or NAME=value."""
    tools: tuple[str, ...] = ("*",)
    """Which of its tools are offered, by the server's own names; * stands for anything."""
    trusted: bool = False
    """Whether what its tools tell is as good as your own words; else guarded tools need the button after it."""
    connect_seconds: float = 15.0
    """Seconds that it may take to start, and to tell its tools."""
    call_seconds: float = 10.0
    """Seconds that one call may take."""


@dataclass(frozen=True, slots=True)
class McpSettings:
    """Tools of other programs, by the Model Context Protocol; needs speakerd[mcp]."""

    servers: tuple[McpServer, ...] = ()
    """Where they come from: instead of this line a table [[mcp.servers]] for each."""


@dataclass(frozen=True, slots=True)
class HomeAssistantSettings:
    """Your home, by Home Assistant's integration "Model Context Protocol Server"; needs speakerd[mcp]."""

    url: str = ""
    """Address of Home Assistant, such as http://homeassistant.local:8123; empty means without."""
    key_file: str = ""
    """File of a long-lived access token, best of a user who is no administrator; empty means the systemd credential
    home-assistant-token."""
    room: str = ""
    """The room in which the speaker stands, which is meant where you name none; empty means the one that Home Assistant
    has it in, if that knows it by MQTT."""
    admin: bool = False
    """Use the endpoint that lets the assistant change Home Assistant itself, in place of what you exposed to Assist."""
    call_seconds: float = 10.0
    """Seconds that one call may take."""


def bounds(mcp: McpSettings, home: HomeAssistantSettings) -> dict[str, tuple[float, float, float]]:
    """Each number, its least and its most, by its key."""
    found = {"home_assistant.call_seconds": (home.call_seconds, 0.5, 120.0)}
    for number, server in enumerate(mcp.servers, 1):
        row = f"mcp.servers[{number}]"
        found[f"{row}.connect_seconds"] = server.connect_seconds, 0.5, 120.0
        found[f"{row}.call_seconds"] = server.call_seconds, 0.5, 120.0
    return found


def check_servers(mcp: McpSettings, home: HomeAssistantSettings) -> None:
    """Raise ConfigurationError for a server that cannot be told from others, be reached, or be trusted with a key."""
    if home.url:
        _check_address(home.url, "home_assistant.url", "http://homeassistant.local:8123")
    names = Counter([HOME_PREFIX] if home.url else [])
    for number, server in enumerate(mcp.servers, 1):
        row = f"mcp.servers[{number}]"
        if not _NAME.fullmatch(server.name):
            raise ConfigurationError(
                f'"{row}.name" must be 1 to 16 small letters, digits and "-", the first a letter, not {server.name!r}.'
            )
        names[server.name] += 1
        if names[server.name] > 1:
            raise ConfigurationError(f'"{row}.name" must not be {server.name} again: each server needs its own.')
        _check_way(server, row)


def _check_way(server: McpServer, row: str) -> None:
    if bool(server.command) == bool(server.url):
        raise ConfigurationError(f'"{row}" must have either a command or a url.')
    if server.url:
        _check_address(server.url, f"{row}.url", "http://192.168.1.5:8000/mcp")
    for entry in server.environment:
        name = entry.partition("=")[0]
        if not _VARIABLE.fullmatch(name) or "\0" in entry:
            raise ConfigurationError(f'"{row}.environment" must hold NAME or NAME=value, not {name!r}.')
        if name in _OURS:
            raise ConfigurationError(f'"{row}.environment" must not hold {name}: it leads to the speaker\'s own keys.')


def _check_address(url: str, key: str, example: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.fragment
        usable = usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f'"{key}" is not an address such as {example}.')
    if parts.username or parts.password:
        raise ConfigurationError(f'"{key}" must not hold a password: write a token into a file that "key_file" names.')
