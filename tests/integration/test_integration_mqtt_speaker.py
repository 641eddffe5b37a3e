"""The whole speaker, as it is assembled, in a home with a real mosquitto."""

from __future__ import annotations

from pathlib import Path

import mqtt_stage
from kitchen import MUTE, custom, kitchen, settings
from mqtt_broker import home, mosquitto
from mqtt_stage import AVAILABILITY, STATUS, command_topic
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.service.client import request
from speakerd.settings_mqtt import MqttTool

LAMP = MqttTool("lamp", "Switch the lamp on.", "home/lamp/set", "ON", phrases=("lamp on",))


async def test_a_press_a_volume_a_timer_and_a_tool_reach_the_home(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, home(broker.port) as listener:
        chosen = settings(
            tmp_path,
            endpoint=custom("ws://127.0.0.1:9/v1/realtime"),
            mqtt=mqtt_stage.settings(broker.port, tools=(LAMP,)),
        )
        async with kitchen(FakeCard(tmp_path / "card"), chosen) as k:
            await k.until_light(Light.IDLE)
            await listener.until(lambda: (listener.last(STATUS) or {}).get("state") == "idle")
            (status,) = [answer async for answer in request(tmp_path / "control.sock", {"do": "status"})]
            assert status["servers"] == [{"name": "mqtt", "state": "up", "tools": 1, "reason": ""}]
            k.press(MUTE)
            await listener.until(lambda: listener.last(STATUS)["muted"] == "ON")
            await listener.say(command_topic("mute"), "OFF")
            await listener.until(lambda: listener.last(STATUS)["muted"] == "OFF")
            await listener.say(command_topic("volume"), "25")
            await listener.until(lambda: listener.last(STATUS)["volume_percent"] == 25)
            assert k.speaker.plane.volume == 0.25
            k.speaker.tools.run(0, "c1", "set_timer", '{"minutes": 5}')
            await listener.until(lambda: listener.last(STATUS)["next_timer"])
            k.speaker.tools.run(0, "c2", "mqtt_lamp", "{}")
            await listener.until(lambda: listener.last("home/lamp/set") == "ON")
        await listener.until_last(AVAILABILITY, "offline")
