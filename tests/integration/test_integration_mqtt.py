"""The speaker in a home with a real mosquitto: shown, asked, killed, locked out, encrypted, and left alone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mqtt_broker import Home, Mosquitto, home, mosquitto
from mqtt_stage import AVAILABILITY, CONFIG, STATUS, WAKE, Stage, command_topic, settings, speaker
from speakerd.core import events as on
from speakerd.errors import ToolError
from speakerd.mqtt.status import Facts
from speakerd.settings_mqtt import MqttParameter, MqttTool

CHILD = Path(__file__).with_name("mqtt_child.py")
LIGHT = MqttTool(
    name="light",
    description="Switch a light.",
    topic="home/{room}/light/set",
    payload='{"state": "{power}"}',
    parameters=(MqttParameter("room", choices=("hall", "attic")), MqttParameter("power", choices=("ON", "OFF"))),
)
DOOR = MqttTool("door", "Whether the door is shut.", "home/door/get", "?", answer_topic="home/door", answer_seconds=5.0)
DEAF = MqttTool("deaf", "Ask nobody.", "home/deaf/get", "?", answer_topic="home/deaf", answer_seconds=0.1)


@dataclass
class Scene:
    """All three of them, connected."""

    broker: Mosquitto
    home: Home
    speaker: Stage


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with mosquitto(tmp_path) as broker, home(broker.port) as listener:
        async with speaker(settings(broker.port, tools=(LIGHT, DOOR, DEAF))) as stage:
            await listener.until(lambda: (listener.last(STATUS) or {}).get("state") == "idle")
            yield Scene(broker, listener, stage)
        await listener.until_last(AVAILABILITY, "offline")


async def test_whoever_comes_later_finds_the_device_there(scene: Scene) -> None:
    async with home(scene.broker.port) as later:
        await later.until(lambda: {topic for topic, _ in later.messages} >= {CONFIG, AVAILABILITY, STATUS})
        assert later.last(AVAILABILITY) == "online"
        assert later.last(CONFIG)["device"]["name"] == "Kitchen"
        assert later.last(STATUS) == {
            "state": "idle",
            "muted": "OFF",
            "volume_percent": 70,
            "cost_today_usd": None,
            "next_timer": None,
        }


async def test_home_assistant_is_told_again_when_it_was_born_again(scene: Scene) -> None:
    configs, states = len(scene.home.all(CONFIG)), len(scene.home.all(STATUS))
    await scene.home.say("homeassistant/status", "offline")
    await scene.home.say("homeassistant/status", "online")
    await scene.home.until(lambda: len(scene.home.all(CONFIG)) > configs and len(scene.home.all(STATUS)) > states)
    assert scene.home.all(CONFIG)[-1] == scene.home.all(CONFIG)[0]


async def test_mute_works_both_ways(scene: Scene) -> None:
    await scene.home.say(command_topic("mute"), "ON")
    await scene.home.until(lambda: scene.home.last(STATUS)["muted"] == "ON")
    assert "close capture" in scene.speaker.told.lines
    await scene.home.say(command_topic("mute"), "OFF")
    await scene.home.until(lambda: scene.home.last(STATUS)["muted"] == "OFF")
    scene.speaker.daemon.post(on.MutePressed())
    await scene.home.until(lambda: scene.home.last(STATUS)["state"] == "muted")


async def test_volume_works_both_ways(scene: Scene) -> None:
    await scene.home.say(command_topic("volume"), "35")
    await scene.home.until(lambda: scene.home.last(STATUS)["volume_percent"] == 35)
    assert scene.speaker.facts.volume == 0.35
    scene.speaker.set_volume(0.8)
    scene.speaker.daemon.post(on.ToolFinished(1, "c1", "Volume set."))
    await scene.home.until(lambda: scene.home.last(STATUS)["volume_percent"] == 80)


async def test_what_rings_is_stopped(scene: Scene) -> None:
    scene.speaker.daemon.post(on.AlarmRang("egg timer"))
    await scene.home.until(lambda: scene.home.last(STATUS)["state"] == "ringing")
    await scene.home.say(command_topic("stop"), "PRESS")
    await scene.home.until(lambda: scene.home.last(STATUS)["state"] == "idle")
    assert "stop ringing" in scene.speaker.told.lines


async def test_an_announcement_is_spoken(scene: Scene) -> None:
    await scene.home.say(command_topic("announce"), "Dinner is ready.")
    await scene.speaker.until_told("announce 1 Dinner is ready.")
    await scene.home.until(lambda: scene.home.last(STATUS)["state"] == "speaking")


async def test_a_wake_word_a_timer_and_the_cost_are_told_and_no_word_of_a_conversation(scene: Scene) -> None:
    scene.speaker.facts = Facts(0.7, 1_795_710_600.0)
    for event in (
        on.Spent(1, "2026-11-26", 250_000_000, 250_000_000),
        on.WakeWordHeard("hey_jarvis", 0.9, 20_000),
        on.SessionOpened(1),
        on.SpeechStarted(1, "u1"),
        on.Transcribed(1, "u1", on.Talker.USER, "my secret"),
        on.SpeechStopped(1, "u1"),
    ):
        scene.speaker.daemon.post(event)
    await scene.home.until(lambda: scene.home.last(WAKE) and scene.home.last(STATUS)["state"] == "thinking")
    assert scene.home.last(WAKE) == {"event_type": "wake", "word": "hey_jarvis"}
    assert scene.home.last(STATUS)["cost_today_usd"] == 0.25
    assert scene.home.last(STATUS)["next_timer"] == "2026-11-26T16:30:00+00:00"
    assert not [payload for _, payload in scene.home.messages if b"secret" in payload]


async def test_a_killed_speaker_is_shown_as_gone(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, home(broker.port) as listener:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(CHILD), str(broker.port)), env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        try:
            await listener.until(lambda: (listener.last(STATUS) or {}).get("state") == "idle")
        finally:
            child.kill()
            await child.wait()
        await listener.until_last(AVAILABILITY, "offline")


async def test_a_broker_that_restarts_is_found_again_and_nothing_waits_meanwhile(scene: Scene) -> None:
    await scene.broker.stop()
    scene.speaker.daemon.post(on.WakeWordHeard("hey_jarvis", 0.9, 20_000))
    scene.speaker.daemon.post(on.MutePressed())
    await scene.speaker.until_told("close capture")
    with pytest.raises(ToolError) as raised:
        await scene.speaker.tool("mqtt_light", room="hall", power="ON")
    assert str(raised.value).startswith("The home's message broker ")
    await scene.broker.start()
    async with home(scene.broker.port) as later:
        await later.until(lambda: (later.last(STATUS) or {}).get("muted") == "ON")
        assert later.last(AVAILABILITY) == "online"
        await scene.speaker.tool("mqtt_light", room="attic", power="OFF")
        await later.until(lambda: later.last("home/attic/light/set"))
        assert later.last("home/hall/light/set") is None
        assert later.last(WAKE) is None
        await scene.home.client.__aexit__(None, None, None)
    scene.home.messages.append((AVAILABILITY, b"offline"))


async def test_a_tool_publishes_its_message_and_no_other(scene: Scene) -> None:
    assert await scene.speaker.tool("mqtt_light", room="hall", power="ON") == "The message was sent."
    await scene.home.until(lambda: scene.home.last("home/hall/light/set"))
    assert scene.home.last("home/hall/light/set") == {"state": "ON"}
    async with home(scene.broker.port) as later:
        await later.until(lambda: later.last(CONFIG))
        assert later.last("home/hall/light/set") is None, "it is not retained"


async def test_a_tool_tells_the_answer_and_not_an_old_one(scene: Scene) -> None:
    await scene.home.say("home/door", "open since yesterday", retain=True)
    asked = asyncio.create_task(scene.speaker.tool("mqtt_door"))
    await scene.home.until(lambda: scene.home.last("home/door/get"))
    await scene.home.say("home/door", b"shut\x00\n")
    assert await asked == "The answer is: shut"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"\xff\xfe", "The answer cannot be used: it must be text in UTF-8."),
        (b"x" * 5000, "The answer cannot be used: it must have at most 4096 bytes, not 5000."),
    ],
)
async def test_an_answer_that_is_none_is_an_error(scene: Scene, answer: bytes, sentence: str) -> None:
    asked = asyncio.create_task(scene.speaker.tool("mqtt_door"))
    await scene.home.until(lambda: scene.home.last("home/door/get"))
    await scene.home.say("home/door", answer)
    with pytest.raises(ToolError) as raised:
        await asked
    assert str(raised.value) == sentence


async def test_no_answer_is_an_error(scene: Scene) -> None:
    with pytest.raises(ToolError) as raised:
        await scene.speaker.tool("mqtt_deaf")
    assert str(raised.value) == "No answer came within 0.1 seconds."


async def test_a_lost_connection_ends_the_wait_for_an_answer(scene: Scene) -> None:
    asked = asyncio.create_task(scene.speaker.tool("mqtt_door"))
    await scene.home.until(lambda: scene.home.last("home/door/get"))
    # The speaker hears of a message only after the broker's word that it has the speaker's own.
    await scene.home.say(command_topic("volume"), "35")
    await scene.home.until(lambda: scene.home.last(STATUS)["volume_percent"] == 35)
    await scene.broker.stop()
    with pytest.raises(ToolError) as raised:
        await asked
    assert str(raised.value) == "The home's message broker is not connected: try again later."
    await scene.broker.start()
    scene.home.messages.append((AVAILABILITY, b"offline"))
