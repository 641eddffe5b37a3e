"""Tools of real MCP servers: over standard input and output, and on a port of loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_stage import TOKEN, Watched, WebServer, begun, program, running, web_server
from speakerd.mcp.home import DEVICE_KEY, home_server
from speakerd.mcp.server import Program, Server, Site
from speakerd.mcp.source import ServerHealth
from speakerd.settings import HomeAssistantSettings
from speakerd.tools.registry import MOST_OUTPUT_BYTES

LOST = "error: The stage was asked, but the connection broke: it may have been done."


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def site(server: WebServer, token: str | None = TOKEN, call_seconds: float = 10.0) -> Server:
    return Server("stage", "The stage", Site((f"{server.url}/mcp",), token), call_seconds=call_seconds)


async def test_the_time_server_tells_the_time_over_its_standard_output() -> None:
    command = str(Path(sys.executable).with_name("mcp-server-time")), "--local-timezone", "Europe/Berlin"
    server = Server("time", "The server time", Program(command, {"PATH": os.environ.get("PATH", "")}))
    async with running(replace(server, connect_seconds=30)) as watched:
        await watched.is_up()
        assert watched.names() == ["time_convert_time", "time_get_current_time"]
        assert watched.source.health() == ServerHealth("time", "up", 2)
        told = await watched.call("time_get_current_time", timezone="Asia/Tokyo")
        assert json.loads(told)["timezone"] == "Asia/Tokyo"
        assert (await watched.call("time_get_current_time", timezone="Mars")).startswith("error: ")
        assert await watched.call("time_get_current_time") == 'error: The parameter "timezone" is missing.'
        assert all(tool.reads_outside and tool.is_cancellable for tool in watched.source.tools())


async def test_a_program_gets_none_of_our_keys(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "CREDENTIALS_DIRECTORY", "ANYTHING"):
        monkeypatch.setenv(name, "secret")
    async with running(program(calls, COLOUR="blue")) as watched:
        await watched.is_up()
        seen = json.loads(await watched.call("stage_environment"))
    assert seen["COLOUR"] == "blue"
    assert "secret" not in seen.values()


@pytest.fixture(params=["stdio", "web"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_a_tool_answers_is_what_the_model_is_told(kind: str, calls: Path) -> None:
    async def story(watched: Watched) -> None:
        await watched.is_up()
        assert await watched.call("stage_echo", text="Hör zu.\n2") == "Hör zu.\n2"
        assert "The lamp has no power." in await watched.call("stage_refuse")
        assert (await watched.call("stage_refuse")).startswith("error: ")
        assert await watched.call("stage_show") == "Here:\n[an image, which cannot be shown]"
        assert len(await watched.call("stage_talk", letters=500_000)) <= MOST_OUTPUT_BYTES
        many = await asyncio.gather(*(watched.call("stage_echo", text=str(n)) for n in range(20)))
        assert many == [str(n) for n in range(20)]

    if kind == "stdio":
        async with running(program(calls)) as watched:
            await story(watched)
    else:
        async with web_server(calls) as server, running(site(server)) as watched:
            await story(watched)


async def test_a_program_that_dies_in_a_call_is_started_again_and_not_asked_twice(calls: Path) -> None:
    async with running(program(calls)) as watched:
        await watched.is_up()
        assert await watched.call("stage_die") == LOST
        assert begun(calls) == ["die"]
        assert await asked_until_there(watched) == "again"


async def test_a_program_that_says_too_much_is_started_again(calls: Path) -> None:
    async with running(program(calls)) as watched:
        await watched.is_up()
        assert await watched.call("stage_talk", letters=6_000_000) == LOST
        assert await asked_until_there(watched) == "again"


async def asked_until_there(watched: Watched) -> str:
    """What `echo` answers; a call waits only for a moment for a server that starts, which here may take longer."""
    await watched.until(lambda source: source.health().state == "down")
    await watched.is_up()
    return await watched.call("stage_echo", text="again")


async def test_a_program_that_cannot_be_started_is_named(calls: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = replace(program(calls), way=Program(("/no/such/program",), {}))
    async with running(server) as watched:
        await watched.until(lambda source: source.health().state == "down")
    reason = "/no/such/program cannot be started (No such file or directory)"
    assert watched.source.health().reason == reason
    assert f"The stage cannot be used: {reason}." in caplog.messages


async def test_a_call_that_hangs_ends_at_its_deadline_and_hurts_no_other(kind: str, calls: Path) -> None:
    async def story(watched: Watched) -> None:
        await watched.is_up()
        told = await watched.call("stage_hang")
        assert told == 'error: "stage_hang" did not answer within 0.5 seconds.'
        assert await watched.call("stage_echo", text="here") == "here"

    if kind == "stdio":
        async with running(program(calls, call_seconds=0.5)) as watched:
            await story(watched)
    else:
        async with web_server(calls) as server, running(site(server, call_seconds=0.5)) as watched:
            await story(watched)


async def test_a_program_that_stands_still_is_started_again(calls: Path) -> None:
    async with running(replace(program(calls, call_seconds=0.5), connect_seconds=8)) as watched:
        await watched.is_up()
        await watched.call("stage_freeze")
        await watched.until(lambda source: source.health().state == "down")
        assert watched.source.health().reason == "it did not answer within 8 seconds"
        await watched.is_up()
        assert await watched.call("stage_echo", text="again") == "again"


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_without_the_right_token_nothing_is_offered(
    token: str | None, calls: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with web_server(calls) as server, running(site(server, token)) as watched:
        await watched.until(lambda source: source.health().state == "down")
        assert watched.source.health() == ServerHealth("stage", "down", 0, "it refuses the token")
    assert "The stage cannot be used: it refuses the token." in caplog.messages


async def test_no_token_and_no_argument_is_logged(calls: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with web_server(calls) as server, running(site(server)) as watched:
        await watched.is_up()
        await watched.call("stage_echo", text="what the user said")
        await server.kill()
        await watched.call("stage_echo", text="what the user said")
    logged = "\n".join([caplog.text, *(str(vars(record)) for record in caplog.records)])
    assert TOKEN not in logged
    assert "what the user said" not in logged


async def test_a_server_that_dies_in_a_call_is_not_asked_twice(calls: Path) -> None:
    async with web_server(calls) as server, running(site(server)) as watched:
        await watched.is_up()
        assert await watched.call("stage_die") == LOST
        await server.kill()
        await server.start()
        assert await watched.call("stage_echo", text="again") == "again"
    assert begun(calls) == ["die", "echo"]


async def test_a_call_after_a_restart_is_sent_again_and_done_once(calls: Path) -> None:
    async with web_server(calls) as server, running(site(server)) as watched:
        await watched.is_up()
        await server.kill()
        await server.start()
        assert await watched.call("stage_echo", text="again") == "again"
    assert begun(calls) == ["echo"]


async def test_while_a_server_is_away_the_model_is_told_why_and_keeps_its_tools(calls: Path) -> None:
    async with web_server(calls) as server, running(site(server)) as watched:
        await watched.is_up()
        before = watched.source.tools()
        await server.kill()
        told = await watched.call("stage_echo", text="anybody?")
        assert told == "error: The stage cannot be reached now: it does not answer."
        assert watched.source.tools() is before
    assert begun(calls) == []


async def test_a_server_that_starts_late_is_found(calls: Path) -> None:
    async with web_server(calls) as server:
        await server.kill()
        async with running(site(server)) as watched:
            await watched.until(lambda source: source.health().state == "down")
            await server.start()
            await watched.is_up()


async def test_an_answer_without_end_hurts_no_other_call(calls: Path) -> None:
    async with web_server(calls) as server, running(site(server)) as watched:
        await watched.is_up()
        assert (await watched.call("stage_talk", letters=6_000_000)).startswith("error: ")
        assert watched.source.health().state == "up"
        assert await watched.call("stage_echo", text="here") == "here"


async def test_tools_that_come_later_are_offered(kind: str, calls: Path) -> None:
    async def story(watched: Watched) -> None:
        await watched.is_up()
        assert "stage_grown" not in watched.names()
        await watched.call("stage_grow")
        await watched.until(lambda _: "stage_grown" in watched.names())
        assert await watched.call("stage_grown") == "tall"

    if kind == "stdio":
        async with running(program(calls), poll_seconds=0.1) as watched:
            await story(watched)
    else:
        async with web_server(calls) as server, running(site(server), poll_seconds=0.1) as watched:
            await story(watched)


async def test_only_allowed_tools_are_offered(calls: Path) -> None:
    async with running(replace(program(calls), globs=("e*", "hang"))) as watched:
        await watched.is_up()
        assert watched.names() == ["stage_echo", "stage_environment", "stage_hang"]


HOMES = [
    ("home", False, ["home_GetLiveContext", "home_HassTurnOff", "home_HassTurnOn"]),
    ("home", True, ["home_HassTurnOn", "home_delete_everything"]),
    ("old-home", False, ["home_GetLiveContext", "home_HassTurnOff", "home_HassTurnOn"]),
    ("old-admin", True, ["home_HassTurnOn", "home_delete_everything"]),
]


@pytest.mark.parametrize(("version", "admin", "names"), HOMES)
async def test_a_home_offers_the_same_in_each_version(version: str, admin: bool, names: list[str], calls: Path) -> None:
    async with web_server(calls, version) as server:
        settings = HomeAssistantSettings(url=f"{server.url}/", admin=admin)
        async with running(home_server(settings, TOKEN, lambda: "speaker-1")) as watched:
            await watched.is_up()
            assert watched.names() == names
            told = json.loads(await watched.call("home_HassTurnOn", name="kitchen light", domain=["light"]))
            assert told["name"] == "kitchen light"
            assert told["meta"][DEVICE_KEY] == "speaker-1"
            assert (await watched.call("home_HassTurnOn", name="front door")).startswith("error: ")
    assert begun(calls) == ["kitchen", "light"]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("old-admin", "it has no endpoint for Assist alone"),
        ("plain", "there is no such server at its address"),
    ],
)
async def test_a_home_that_is_none_for_assist_is_refused(version: str, reason: str, calls: Path) -> None:
    async with (
        web_server(calls, version) as server,
        running(home_server(HomeAssistantSettings(url=server.url), TOKEN)) as watched,
    ):
        await watched.until(lambda source: source.health().state == "down")
        assert watched.names() == []
        assert watched.source.health().reason.startswith(reason)
