"""Settings → the link to the broker and its tools; imports aiomqtt only where a broker is set."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import speakerd
from speakerd.core.events import Event
from speakerd.core.state import State
from speakerd.errors import ConfigurationError
from speakerd.mqtt.device import Device, unique_id
from speakerd.mqtt.messages import Publisher, answer_topics, message_tools
from speakerd.mqtt.status import Facts
from speakerd.ports import Post
from speakerd.settings_mqtt import MqttSettings
from speakerd.tools.tool import Tool

_log = logging.getLogger(__name__)

_MACHINE_ID = Path("/etc/machine-id")


class Link(Publisher, Protocol):
    """The owner of the connection, as `link` has it."""

    reason: str
    """Why there is no connection; empty at first, and while there is one."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""

    def control(self, facts: Callable[[], Facts], set_volume: Callable[[float], None]) -> None:
        """Know what is told of the speaker, and changed, beside the core; must be called before it runs."""

    def observe(self, event: Event, before: State, after: State) -> None:
        """Tell what changed; an observer of the daemon's loop."""

    async def announce_everywhere(self, text: str) -> None:
        """Have the other speakers of the home say a sentence; raises ToolError."""

    async def run(self) -> None:
        """Keep connected until cancelled."""


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The link, and the tools that publish over it."""

    link: Link
    tools: list[Tool]
    identifier: str
    """What the home knows the speaker by."""

    def health(self) -> Mapping[str, object]:
        """How the broker is, in the words of the status."""
        state = "up" if self.link.is_connected else "down" if self.link.reason else "connecting"
        return {"name": "mqtt", "state": state, "tools": len(self.tools), "reason": self.link.reason}


def mqtt(settings: MqttSettings, post: Post, state: Callable[[], State], environment: Mapping[str, str]) -> Mqtt | None:
    """What the settings ask for; None without a broker. Raises ConfigurationError."""
    if not settings.host:
        return None
    try:
        from speakerd.mqtt.broker import broker
        from speakerd.mqtt.link import MqttLink
    except ImportError as error:
        raise ConfigurationError(f'"mqtt.host" is set, but {error.name} is missing: install speakerd[mqtt].') from error
    known = broker(settings, environment)
    if known.password and not settings.tls and not is_this_machine(settings.host):
        _log.warning('The password for MQTT goes to %s unencrypted: set "mqtt.tls" to true.', settings.host)
    device = this_device(settings)
    link = MqttLink(
        known,
        device,
        post,
        state,
        discovery_prefix=settings.discovery_prefix,
        answer_topics=answer_topics(settings.tools),
        may_unmute=settings.may_unmute,
    )
    return Mqtt(link, message_tools(settings.tools, link), device.id)


def is_this_machine(host: str) -> bool:
    """Whether what is sent to a host never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_mqtt(settings: MqttSettings, environment: Mapping[str, str]) -> None:
    """Raises ConfigurationError for what can be known to be wrong without the broker."""
    mqtt(settings, lambda event: None, State, environment)


def this_device(settings: MqttSettings) -> Device:
    """This speaker as a device."""
    host = socket.gethostname()
    try:
        machine_id = _MACHINE_ID.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        machine_id = ""
    return Device(
        id=settings.device_id or unique_id(machine_id, host),
        name=settings.device_name or host,
        version=speakerd.__version__,
        topic_prefix=settings.topic_prefix,
    )
