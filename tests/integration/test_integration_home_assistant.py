"""Home Assistant itself and our client, where SPEAKERD_HA names a Python that has it (scripts/test-home-assistant)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from home_assistant import home_assistant
from mcp_stage import running
from speakerd.mcp.home import home_server
from speakerd.settings import HomeAssistantSettings

PYTHON = os.environ.get("SPEAKERD_HA", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="run scripts/test-home-assistant")


async def test_a_home_obeys_for_what_it_exposes_and_survives_a_restart(tmp_path: Path) -> None:
    async with home_assistant(PYTHON, tmp_path) as home:
        server = home_server(HomeAssistantSettings(url=home.url), home.token)
        async with running(server) as watched:
            await watched.is_up()
            names = watched.names()
            assert {"home_HassTurnOn", "home_HassTurnOff", "home_GetLiveContext"} <= set(names)
            print(len(names), "tools,", sum(len(json.dumps(tool.spec.parameters)) for tool in watched.source.tools()))  # noqa: T201

            told = await watched.call("home_HassTurnOn", name="Kitchen Light")
            assert not told.startswith("error"), told
            assert await home.state("light.kitchen_light") == "on"

            told = await watched.call("home_HassTurnOn", name="Desk Lamp")
            assert told.startswith("error: "), told
            assert await home.state("light.desk_lamp") == "off"

            seconds = []
            for _ in range(50):
                began = time.perf_counter()
                await watched.call("home_GetLiveContext")
                seconds.append(time.perf_counter() - began)
            print("a call takes", *(f"{1000 * sorted(seconds)[index]:.1f} ms" for index in (0, 25, 47)))  # noqa: T201

            before = watched.source.tools()
            await home.end()
            told = await watched.call("home_HassTurnOff", name="Kitchen Light")
            assert told == "error: Home Assistant cannot be reached now: it does not answer."
            assert watched.source.tools() is before
            await home.start()
            await watched.is_up()
            told = await watched.call("home_HassTurnOn", area="Kitchen", domain=["light"])
            assert not told.startswith("error"), told
            assert await home.state("light.kitchen_light") == "on"
