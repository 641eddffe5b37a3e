"""Home Assistant itself and our client alone; scripts/test-home-assistant builds what it needs."""

from __future__ import annotations

import json
import time
from pathlib import Path

from home_assistant import PROGRAM
from home_assistant_furnishing import home_assistant
from mcp_stage import running
from mqtt_broker import mosquitto
from speakerd.mcp.home import home_server
from speakerd.settings import HomeAssistantSettings


async def test_a_home_obeys_for_what_it_exposes_and_survives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    async with (
        mosquitto(tmp_path) as broker,
        home_assistant(PROGRAM, folder, broker.port) as home,
        home.asking(home.token) as ask,
    ):
        assert await ask("config/device_registry/list"), "anybody may ask this"
        async with running(home_server(HomeAssistantSettings(url=home.url), home.token)) as watched:
            await watched.is_up()
            names = watched.names()
            assert {"home_HassTurnOn", "home_HassTurnOff", "home_GetLiveContext"} <= set(names)
            print(len(names), "tools,", sum(len(json.dumps(tool.spec.parameters)) for tool in watched.source.tools()))  # noqa: T201

            assert await watched.call("home_HassTurnOn", name="Kitchen Light") == (
                'error: The parameter "domain" is missing.'
            )
            told = await watched.call("home_HassTurnOn", name="Kitchen Light", domain=["light"])
            assert not told.startswith("error"), told
            await home.until("light.kitchen_light", "on")

            seconds = []
            for _ in range(50):
                began = time.perf_counter()
                await watched.call("home_GetLiveContext")
                seconds.append(time.perf_counter() - began)
            print("a call takes", *(f"{1000 * sorted(seconds)[index]:.1f} ms" for index in (0, 25, 47)))  # noqa: T201

            before = watched.source.tools()
            await home.end()
            told = await watched.call("home_HassTurnOff", name="Kitchen Light", domain=["light"])
            assert told == "error: Home Assistant cannot be reached now: it does not answer."
            assert watched.source.tools() is before
            await home.start()
            await watched.is_up()
            told = await watched.call("home_HassTurnOff", area="Kitchen", domain=["light"])
            assert not told.startswith("error"), told
            await home.until("light.kitchen_light", "off")
