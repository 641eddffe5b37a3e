"""Who the speaker is among the devices of a home, and which topics are its own. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from speakerd.core.lights import Light

COMMANDS = ("mute", "volume", "stop", "announce")
"""What others may ask of the speaker, each at a topic of its own."""


@dataclass(frozen=True, slots=True)
class Device:
    """A speaker among others."""

    id: str
    name: str
    version: str
    topic_prefix: str = "speakerd"

    @property
    def availability_topic(self) -> str:
        """Whether the speaker is there: online or offline, retained."""
        return self._topic("availability")

    @property
    def status_topic(self) -> str:
        """What the speaker is doing, as `status` says it, retained."""
        return self._topic("status")

    @property
    def wake_topic(self) -> str:
        """That a wake word was heard."""
        return self._topic("wake")

    @property
    def everyone_topic(self) -> str:
        """Where a sentence is for all speakers of the home; no device has such a topic, whatever its id."""
        return f"{self.topic_prefix}/announce"

    def command_topic(self, command: str) -> str:
        """Where the speaker takes one of COMMANDS."""
        return self._topic(f"{command}/set")

    def _topic(self, rest: str) -> str:
        return f"{self.topic_prefix}/{self.id}/{rest}"


def unique_id(machine_id: str, host: str) -> str:
    """An id that no other speaker has: from /etc/machine-id, which must not be told itself, else from the host's name.

    machine-id(5) asks for a hash that is the application's own.
    """
    secret = machine_id.strip() or host
    return f"speakerd_{hashlib.sha256(b'speakerd mqtt ' + secret.encode()).hexdigest()[:12]}"


def config_topic(device: Device, discovery_prefix: str) -> str:
    """Where Home Assistant looks for the device."""
    return f"{discovery_prefix}/device/{device.id}/config"


def birth_topic(discovery_prefix: str) -> str:
    """Where Home Assistant says that it is online, and wants all of it again."""
    return f"{discovery_prefix}/status"


def config(device: Device) -> Mapping[str, object]:
    """The device with all its entities, in one message (Home Assistant's device discovery)."""
    return {
        "device": {
            "identifiers": [device.id],
            "name": device.name,
            "manufacturer": "speakerd",
            "model": "Smart speaker",
            "sw_version": device.version,
        },
        "origin": {"name": "speakerd", "sw_version": device.version},
        "availability_topic": device.availability_topic,
        "components": {
            key: {"unique_id": f"{device.id}_{key}", **entity}
            for key, entity in (_sensors(device) | _controls(device)).items()
        },
    }


def _sensors(device: Device) -> dict[str, dict[str, object]]:
    return {
        "state": {
            **_told(device, "sensor", "State", "state"),
            "device_class": "enum",
            "options": [light.value for light in Light],
            "icon": "mdi:account-voice",
        },
        "cost_today": {
            **_told(device, "sensor", "Cost today", "cost_today_usd"),
            "device_class": "monetary",
            "unit_of_measurement": "USD",
            "suggested_display_precision": 2,
        },
        "next_timer": {
            **_told(device, "sensor", "Next timer", "next_timer"),
            "device_class": "timestamp",
            "icon": "mdi:timer-outline",
        },
        "wake": {
            "platform": "event",
            "name": "Wake word",
            "state_topic": device.wake_topic,
            "event_types": ["wake"],
            "icon": "mdi:ear-hearing",
        },
    }


def _controls(device: Device) -> dict[str, dict[str, object]]:
    return {
        "mute": {
            **_told(device, "switch", "Mute", "muted"),
            "command_topic": device.command_topic("mute"),
            "icon": "mdi:microphone-off",
        },
        "volume": {
            **_told(device, "number", "Volume", "volume_percent"),
            "command_topic": device.command_topic("volume"),
            "min": 0,
            "max": 100,
            "step": 1,
            "unit_of_measurement": "%",
            "icon": "mdi:volume-high",
        },
        "stop": {
            "platform": "button",
            "name": "Stop",
            "command_topic": device.command_topic("stop"),
            "icon": "mdi:stop",
        },
        "announce": {
            "platform": "notify",
            "name": "Announce",
            "command_topic": device.command_topic("announce"),
            "icon": "mdi:bullhorn",
        },
    }


def _told(device: Device, platform: str, name: str, key: str) -> dict[str, object]:
    """An entity whose state is a key of `status`."""
    return {
        "platform": platform,
        "name": name,
        "state_topic": device.status_topic,
        "value_template": f"{{{{ value_json.{key} }}}}",
    }
