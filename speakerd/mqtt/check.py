"""Tries the broker for its owner: connects under a name of its own, so that the running speaker keeps its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from speakerd.mqtt.broker import broker, connected
from speakerd.mqtt.setup import this_device
from speakerd.settings_mqtt import MqttSettings


async def check(settings: MqttSettings, environment: Mapping[str, str]) -> str:
    """The address of the broker that took us; raises ConfigurationError or BrokerError."""
    device = this_device(settings)
    found = broker(settings, environment)
    async with connected(found, replace(device, id=f"{device.id}_doctor")):
        return found.address
