"""From the owner's settings to servers: tokens, environments, and whom to believe."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from speakerd.errors import ConfigurationError
from speakerd.mcp.backoff import next_wait_seconds
from speakerd.mcp.environment import child_environment
from speakerd.mcp.home import DEVICE_KEY, home_server, instructions_with_room
from speakerd.mcp.offered import OfferedTool
from speakerd.mcp.server import Program, Site
from speakerd.mcp.source import tools
from speakerd.mcp.sources import servers, sources
from speakerd.settings import HomeAssistantSettings, McpServer, McpSettings, Settings

PACKAGE = Path(__file__).parents[2] / "speakerd"
OURS = {"PATH": "/bin", "HOME": "/root", "LANG": "C", "OPENAI_API_KEY": "k", "CREDENTIALS_DIRECTORY": "/c", "TZ": "UTC"}


@pytest.mark.parametrize(
    ("entries", "more"),
    [
        ((), {}),
        (("TZ", "ABSENT", "COLOUR=blue=green", "EMPTY="), {"TZ": "UTC", "COLOUR": "blue=green", "EMPTY": ""}),
        (("PATH=/opt/bin",), {"PATH": "/opt/bin"}),
    ],
)
def test_a_program_gets_little_of_our_environment(entries: Sequence[str], more: dict[str, str]) -> None:
    assert child_environment(entries, OURS) == {"PATH": "/bin", "HOME": "/root", "LANG": "C", **more}


def home(**settings: object) -> Settings:
    return Settings(home_assistant=HomeAssistantSettings(url="http://home:8123/", **settings))  # type: ignore[arg-type]


def test_without_settings_there_are_no_servers() -> None:
    assert servers(Settings(), OURS) == []
    assert sources(Settings(), OURS) == []


def test_a_token_is_in_a_file_or_in_a_credential_of_its_servers_name(tmp_path: Path) -> None:
    file, credential = tmp_path / "file", tmp_path / "mcp-notes-token"
    file.write_text("of-the-file\n")
    credential.write_text("of-the-credential\n")
    (tmp_path / "mcp-empty-token").write_text("\n")
    rows = (
        McpServer("notes", url="http://h/mcp", key_file=str(file)),
        McpServer("notes", url="http://h/mcp"),
        McpServer("empty", url="http://h/mcp"),
        McpServer("other", url="http://h/mcp"),
        McpServer("program", command=("run",)),
    )
    found = servers(Settings(mcp=McpSettings(rows)), {**OURS, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    tokens = [server.way.token for server in found if isinstance(server.way, Site)]
    assert tokens == ["of-the-file", "of-the-credential", None, None]
    assert found[-1].way == Program(("run",), child_environment((), OURS))
    assert "of-the" not in repr(found)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, '"home_assistant.key_file" ({file}) cannot be read: No such file or directory.'),
        (b"\n", '"home_assistant.key_file" ({file}) does not hold a token: it must be one line without spaces.'),
        (b"a secret", '"home_assistant.key_file" ({file}) does not hold a token: it must be one line without spaces.'),
        (b"a\nb", '"home_assistant.key_file" ({file}) does not hold a token: it must be one line without spaces.'),
        (b"\xff", '"home_assistant.key_file" ({file}) is not a text file: write the token into it.'),
    ],
)
def test_a_file_without_a_token_is_named(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        servers(home(key_file=str(file)), OURS)
    assert str(raised.value) == sentence.format(file=file)


def test_a_home_without_a_token_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError) as raised:
        servers(home(), {})
    assert str(raised.value) == (
        "home_assistant.url is set but there is no token: write a long-lived access token into "
        '/etc/speakerd/home-assistant-token, or into a file that "home_assistant.key_file" names.'
    )


def test_a_home_is_asked_for_assist_first_and_for_more_only_when_told_to() -> None:
    way = home_server(home().home_assistant, "t").way
    assert way == Site(("http://home:8123/api/mcp/assist", "http://home:8123/api/mcp"), "t")
    assert home_server(home(admin=True).home_assistant, "t").way == Site(("http://home:8123/api/mcp",), "t")


ASSIST, ANY = "http://home:8123/api/mcp/assist", "http://home:8123/api/mcp"


@pytest.mark.parametrize(
    ("url", "admin", "names", "is_refused"),
    [
        (ASSIST, False, ["intent__HassTurnOn"], False),
        (ASSIST, False, [], False),
        (ANY, False, ["HassTurnOn", "good_night"], False),
        (ANY, False, ["GetLiveContext"], False),
        (ANY, False, ["HassTurnOn", "config__restart"], True),
        (ANY, False, ["intent__HassTurnOn"], True),
        (ANY, False, ["restart"], True),
        (ANY, False, [], True),
        (ANY, True, ["restart"], False),
    ],
)
def test_what_is_more_than_assist_is_refused(url: str, admin: bool, names: list[str], is_refused: bool) -> None:
    server = home_server(home(admin=admin).home_assistant, "t")
    offered = [OfferedTool(name, "", {}) for name in names]
    assert (server.objection(url, offered) is not None) is is_refused


async def never(_name: str, _arguments: object) -> str:
    raise AssertionError


@pytest.mark.parametrize(
    ("admin", "outside"),
    [
        (False, ["home_GetLiveContext", "home_HassGetWeather", "home_calendar_get_events"]),
        (True, ["home_GetLiveContext", "home_HassGetWeather", "home_HassTurnOn", "home_calendar_get_events"]),
    ],
)
def test_only_what_a_home_tells_of_its_own_acts_is_no_strangers_word(admin: bool, outside: list[str]) -> None:
    server = home_server(home(admin=admin).home_assistant, "t")
    names = ("intent__HassTurnOn", "homeassistant__GetLiveContext", "HassGetWeather", "calendar_get_events")
    found = tools(server, [OfferedTool(name, "", {}) for name in names], never)
    assert [tool.spec.name for tool in found if tool.reads_outside] == outside


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("intent__HassTurnOff", ["x", "domain"]),
        ("HassTurnOn", ["x", "domain"]),
        ("HassToggle", ["x", "domain"]),
        ("HassLightSet", ["x"]),
    ],
)
def test_a_model_is_told_to_say_the_kind_of_thing_where_it_could_be_a_lock(name: str, wanted: list[str]) -> None:
    properties = {"x": {"type": "string"}, "domain": {"type": "array", "items": {"type": "string"}}}
    schema = {"type": "object", "properties": properties, "required": ["x"]}
    (tool,) = tools(home_server(home().home_assistant, "t"), [OfferedTool(name, "", schema)], never)
    assert tool.spec.parameters["required"] == wanted


@pytest.mark.parametrize("trusted", [True, False])
def test_a_server_is_trusted_where_the_owner_says_so(trusted: bool) -> None:
    server = servers(Settings(mcp=McpSettings((McpServer("a", command=("b",), trusted=trusted),))), {})[0]
    assert [tool.reads_outside for tool in tools(server, [OfferedTool("c", "", {})], never)] == [not trusted]


def test_a_home_is_told_which_speaker_asks_as_soon_as_that_is_known() -> None:
    known: list[str] = []
    server = home_server(home().home_assistant, "t", lambda: known[0] if known else None)
    assert server.meta() == {}
    known.append("speaker-1")
    assert server.meta() == {DEVICE_KEY: "speaker-1"}


def test_the_model_knows_its_room() -> None:
    assert instructions_with_room("Be kind.", "") == "Be kind."
    assert instructions_with_room("Be kind.", "kitchen") == (
        "Be kind. You stand in the kitchen: what is asked for without a place is meant there."
    )


def test_waits_grow_to_a_minute_and_begin_anew_after_a_good_connection() -> None:
    waits = [0.0]
    for _ in range(8):
        waits.append(next_wait_seconds(waits[-1], 0.5))
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert next_wait_seconds(60, 60) == 1


def test_the_library_is_imported_by_three_files_and_these_by_none_at_their_top() -> None:
    heavy = {"mcp", "mcp_types", "httpx2", "anyio", "pydantic"}
    lazy = {"speakerd.mcp.link", "speakerd.mcp.process", "speakerd.mcp.web"}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        if name in lazy:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                found = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found = {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            else:
                continue
            assert not found & lazy, path
            assert not {each.split(".")[0] for each in found} & heavy, path
