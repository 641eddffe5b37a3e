"""The whole speaker and its endpoints: one that refuses, one that costs too much, and a button that is held."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from fake_server import Close, fake_server
from kitchen import ACTION, command, kitchen, settings
from speakerd.core.events import Spent, Talker, Transcribed
from speakerd.core.lights import Light
from speakerd.core.state import Idle, Speaking
from speakerd.demo.card import FakeCard
from speakerd.demo.user_voice import synthesise
from speakerd.settings import BudgetSettings, ConversationSettings, EndpointSettings

LAMP = "The kitchen light is on.\n"


def lively(folder: Path) -> FakeCard:
    """A card in a room that is never quite silent."""
    card = FakeCard(folder / "card")
    card.fill_room_noise(120.0, -65.0, seed=1)
    return card


@asynccontextmanager
async def neighbour() -> AsyncIterator[str]:
    """The offline assistant in a process of its own, at an address of the network."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "speakerd.offline", "--port", "0"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["ready"]
    finally:
        process.stdin.close()
        await process.wait()


async def test_an_endpoint_that_refuses_the_key_gives_way_to_the_assistant_on_the_device(tmp_path: Path) -> None:
    card = lively(tmp_path)
    async with fake_server(Close(3000, "invalid_request_error.invalid_api_key")) as server:
        chosen = settings(tmp_path, endpoint=EndpointSettings(name="custom", url=server.url, connect_seconds=3.0))
        async with kitchen(card, chosen) as k:
            await k.until_light(Light.IDLE)
            assert await command(tmp_path, "ask", "--text", "Turn on the kitchen light!") == LAMP
            await k.until_light(Light.BAD_KEY)
            await k.recording.until(lambda: bool(np.abs(card.heard()).max(initial=0) > 1000))
            told = json.loads(await command(tmp_path, "status", "--json"))
            assert [(each["name"], each["state"]) for each in told["endpoints"]] == [
                ("custom", "given up"),
                ("offline", "up"),
            ]
            assert told["endpoint"] == "offline"
            assert await command(tmp_path, "ask", "--text", "Turn on the kitchen light!") == LAMP
            assert await command(tmp_path, "retry") == ""
            await k.until_light(Light.IDLE)
            assert json.loads(await command(tmp_path, "status", "--json"))["endpoint"] == "custom"


async def test_past_the_cap_the_owner_is_told_aloud_and_the_assistant_on_the_device_serves(tmp_path: Path) -> None:
    card = lively(tmp_path)
    async with neighbour() as url:
        dear = EndpointSettings(name="custom", url=url, bills=True)
        chosen = settings(tmp_path, endpoint=dear, budget=BudgetSettings(day_cap_usd=0.000001))
        async with kitchen(card, chosen) as k:
            await k.until_light(Light.IDLE)
            await command(tmp_path, "ask", "--text", "Turn on the kitchen light!")
            await k.until_event(Spent)
            await k.until_light(Light.OVER_BUDGET)
            await k.recording.until(lambda: bool(np.abs(card.heard()).max(initial=0) > 1000))
            told = json.loads(await command(tmp_path, "status", "--json"))
            assert (told["endpoint"], told["endpoints"][0]["state"]) == ("offline", "over budget")
            assert await command(tmp_path, "ask", "--text", "Turn on the kitchen light!") == LAMP
            spent = [event.today_nano_usd for event in k.events if isinstance(event, Spent)]
            assert spent[-1] == spent[-2] > 0, "the assistant on the device costs nothing"
        # What was spent is known after a restart, too, before anybody asks.
        async with kitchen(card, chosen) as k:
            await k.until_light(Light.OVER_BUDGET)
            booked = json.loads(await command(tmp_path, "status", "--json"))["budget"]["today_usd"]
            assert booked == pytest.approx(spent[-1] / 1e9)


async def test_what_is_said_while_the_button_is_held_is_one_utterance(tmp_path: Path) -> None:
    card = lively(tmp_path)
    sound, rate_hz = synthesise("turn on the kitchen light")
    chosen = settings(tmp_path, conversation=ConversationSettings(turns="push"))
    async with kitchen(card, chosen) as k:
        await k.until_light(Light.IDLE)
        k.pins.pin(ACTION).drive_low()
        card.say(sound, rate_hz)
        await k.until_light(Light.OPENING, Light.LISTENING)
        end = card.mic_position() + round((len(sound) / rate_hz + 0.3) * 48_000)
        await k.recording.until(lambda: card.mic_position() > end)
        k.pins.pin(ACTION).drive_high()
        await k.recording.until(lambda: isinstance(k.recording.state.phase, Speaking))
        said = [event.text for event in k.events if isinstance(event, Transcribed) and event.talker is Talker.USER]
        assert said == ["turn on the kitchen light"]
        (uplink,) = k.speaker.plane.health.uplinks
        assert uplink.samples > len(sound) / rate_hz * 24_000
        k.press(ACTION)
        await k.recording.until(lambda: isinstance(k.recording.state.phase, Idle))
