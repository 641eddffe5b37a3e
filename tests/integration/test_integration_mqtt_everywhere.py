"""Two speakers and a real mosquitto: what one announces to all, all say, and each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import mqtt_stage
from kitchen import command, custom, kitchen
from kitchen import settings as kitchen_settings
from mqtt_broker import Home, Mosquitto, home, mosquitto
from mqtt_stage import STATUS, Stage, command_topic, settings, speaker
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.errors import ToolError
from speakerd.mqtt.commands import MOST_ANNOUNCED_CHARACTERS, MOST_COMMAND_BYTES

EVERYONE = "speakerd/announce"
BEDROOM_STATUS = "speakerd/bedroom/status"


@dataclass
class Scene:
    """Two of them in a home, connected."""

    broker: Mosquitto
    home: Home
    kitchen: Stage
    bedroom: Stage

    async def settle(self) -> None:
        """Wait until both have taken all that was sent to them before."""
        for name, topic in (("kitchen", STATUS), ("bedroom", BEDROOM_STATUS)):
            percent = 1 + self.home.last(topic)["volume_percent"]
            await self.home.say(f"speakerd/{name}/volume/set", str(percent))
            await self._until_volume(topic, percent)

    async def _until_volume(self, topic: str, percent: int) -> None:
        await self.home.until(lambda: self.home.last(topic)["volume_percent"] == percent)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with (
        mosquitto(tmp_path) as broker,
        home(broker.port) as listener,
        speaker(settings(broker.port)) as near,
        speaker(settings(broker.port, device_id="bedroom")) as far,
    ):
        await listener.until(lambda: listener.last(STATUS) and listener.last(BEDROOM_STATUS))
        yield Scene(broker, listener, near, far)


def said(stage: Stage) -> list[str]:
    return [line for line in stage.told.lines if line.startswith("announce ")]


async def test_the_others_say_it_and_the_one_that_was_asked_does_not_hear_itself(scene: Scene) -> None:
    await scene.kitchen.mqtt.link.announce_everywhere("Das Essen ist fertig, Zo\u00eb \ud83d.")
    await scene.bedroom.until_told("announce 1 Das Essen ist fertig, Zo\u00eb ?.")
    await scene.settle()
    assert said(scene.kitchen) == []
    async with home(scene.broker.port) as later:
        await later.until(lambda: later.last(STATUS))
        assert later.last(EVERYONE) is None, "it is not retained"


async def test_anybody_in_the_home_may_announce_to_all(scene: Scene) -> None:
    await scene.home.say(EVERYONE, "The bath is free.")
    for stage in (scene.kitchen, scene.bedroom):
        await stage.until_told("announce 1 The bath is free.")


async def test_what_is_old_too_long_or_too_much_is_said_by_nobody(scene: Scene) -> None:
    for junk in (b"", b"\xff", b"x" * (MOST_ANNOUNCED_CHARACTERS + 1), b"x" * (MOST_COMMAND_BYTES + 1)):
        await scene.home.say(EVERYONE, junk)
    await scene.settle()
    assert said(scene.kitchen) == said(scene.bedroom) == []
    for number in range(5):
        await scene.home.say(EVERYONE, f"Number {number}.")
    await scene.settle()
    assert said(scene.bedroom) == ["announce 1 Number 0."], "one in a second, as for each"
    with pytest.raises(ToolError, match="At most 1000 characters"):
        await scene.kitchen.mqtt.link.announce_everywhere("x" * (MOST_ANNOUNCED_CHARACTERS + 1))


async def test_an_old_message_is_not_said_by_a_speaker_that_comes_later(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, home(broker.port) as listener:
        await listener.say(EVERYONE, "Yesterday's dinner.", retain=True)
        async with speaker(settings(broker.port)) as stage:
            await listener.until(lambda: listener.last(STATUS))
            await listener.say(command_topic("volume"), "12")
            await listener.until(lambda: listener.last(STATUS)["volume_percent"] == 12)
            assert said(stage) == []


async def test_without_a_broker_the_announcement_is_refused(scene: Scene) -> None:
    await scene.broker.stop()
    with pytest.raises(ToolError) as raised:
        await asyncio.wait_for(scene.kitchen.mqtt.link.announce_everywhere("Dinner."), 10)
    assert str(raised.value).startswith("The home's message broker ")
    await scene.broker.start()


async def test_the_command_line_and_the_tool_announce_everywhere(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, home(broker.port) as listener:
        chosen = kitchen_settings(
            tmp_path, endpoint=custom("ws://127.0.0.1:9/v1/realtime"), mqtt=mqtt_stage.settings(broker.port)
        )
        async with (
            speaker(settings(broker.port, device_id="bedroom")) as bedroom,
            kitchen(FakeCard(tmp_path / "card"), chosen) as k,
        ):
            await k.until_light(Light.IDLE)
            await listener.until(lambda: listener.last(STATUS) and listener.last(BEDROOM_STATUS))
            assert await command(tmp_path, "say", "--everywhere", "Dinner is ready.") == ""
            await bedroom.until_told("announce 1 Dinner is ready.")
            await k.until_light(Light.SPEAKING, Light.IDLE)
            (announce,) = [spec for spec in k.speaker.tools.specs() if spec.name == "announce"]
            assert "where" in announce.parameters["properties"]  # type: ignore[operator]
            k.speaker.tools.run(0, "c1", "announce", '{"text": "Come down", "where": "everywhere"}')
            await listener.until(lambda: listener.all(EVERYONE) == [b"Dinner is ready.", b"Come down"])
            await k.until_light(Light.SPEAKING, Light.IDLE, Light.SPEAKING, Light.IDLE)
