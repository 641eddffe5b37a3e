"""A speaker of the real loop and the real link, whose devices are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fakes import Told, fake_devices
from mqtt_broker import PATIENCE_SECONDS
from speakerd.core.events import CardFound, Event, StopAsked
from speakerd.core.state import Rules, State
from speakerd.daemon import Daemon
from speakerd.mqtt.setup import Mqtt, mqtt
from speakerd.mqtt.status import Facts
from speakerd.settings_mqtt import MqttSettings

ID = "kitchen"
CONFIG = f"homeassistant/device/{ID}/config"
AVAILABILITY = f"speakerd/{ID}/availability"
STATUS = f"speakerd/{ID}/status"
WAKE = f"speakerd/{ID}/wake"


def command_topic(name: str) -> str:
    return f"speakerd/{ID}/{name}/set"


def settings(port: int, **changes: Any) -> MqttSettings:
    return MqttSettings(**{"host": "127.0.0.1", "port": port, "device_id": ID, "device_name": "Kitchen", **changes})


@dataclass
class Stage:
    """The speaker, and what its devices were told."""

    daemon: Daemon
    mqtt: Mqtt
    told: Told
    facts: Facts = field(default_factory=lambda: Facts(0.7))
    _happened: asyncio.Event = field(default_factory=asyncio.Event)

    def set_volume(self, level: float) -> None:
        self.facts = Facts(level, self.facts.next_timer_unix_seconds)
        self._happened.set()

    def observe(self, event: Event, before: State, after: State) -> None:
        self._happened.set()

    async def until_told(self, line: str) -> None:
        """Wait until a device was told this."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line not in self.told.lines:
                self._happened.clear()
                await self._happened.wait()

    async def tool(self, name: str, **arguments: object) -> str:
        (tool,) = [each for each in self.mqtt.tools if each.spec.name == name]
        return await tool.run(arguments)


@asynccontextmanager
async def speaker(chosen: MqttSettings, environment: Mapping[str, str] | None = None) -> AsyncIterator[Stage]:
    """A speaker whose card is there."""
    observers: list[Any] = []
    daemon = Daemon(Rules(), observers)
    link = mqtt(chosen, daemon.post, lambda: daemon.state, environment or {})
    assert link is not None
    stage = Stage(daemon, link, Told())
    link.link.control(lambda: stage.facts, stage.set_volume)
    observers += [link.link.observe, stage.observe]
    daemon.post(CardFound())
    async with asyncio.TaskGroup() as group:
        owner = group.create_task(link.link.run())
        running = group.create_task(daemon.run(fake_devices(stage.told)))
        try:
            yield stage
        finally:
            daemon.post(StopAsked())
            await running
            owner.cancel()
