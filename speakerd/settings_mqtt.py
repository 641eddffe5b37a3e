"""The owner's settings of MQTT: the broker, the speaker as a device of the home, and tools that publish."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from speakerd.errors import ConfigurationError

Bounds = dict[str, tuple[float, float, float]]
"""Key → value, smallest, greatest."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True, slots=True)
class MqttParameter:
    """What a tool of MQTT is told by the model."""

    name: str
    """What stands between braces in the topic or the payload: lower-case letters, digits and _."""
    type: Literal["string", "integer", "number", "boolean"] = "string"
    """What it is; a boolean is written as true or false."""
    description: str = ""
    """What the model is told about it."""
    choices: tuple[str, ...] = ()
    """What a string may be; needed for one that stands in the topic. Empty means any text."""
    most_characters: int = 200
    """Length of a string without choices, 1 to 2000."""
    minimum: float = 0.0
    """The smallest number allowed."""
    maximum: float = 100.0
    """The greatest number allowed."""


@dataclass(frozen=True, slots=True)
class MqttTool:
    """A message that the assistant may publish, and nothing else."""

    name: str
    """The model knows it as mqtt_ and this: lower-case letters, digits and _."""
    description: str
    """What the model is told about it: what it does, and when to use it."""
    topic: str
    """Where it is published; {parameter} stands for one that has choices."""
    payload: str
    """What is published; {parameter} is replaced, and escaped for JSON. A string belongs between quotes there."""
    parameters: tuple[MqttParameter, ...] = ()
    """All of its parameters: instead of this line a table [[mqtt.tools.parameters]] for each, as below."""
    phrases: tuple[str, ...] = ()
    """What you say, for the offline assistant: words, (a|b), [optional], {parameter}."""
    qos: int = 1
    """0 sends it once, 1 until the broker has it, 2 exactly once."""
    answer_topic: str = ""
    """Where the answer comes; the model is told the next message there. Empty means that none is waited for."""
    answer_seconds: float = 5.0
    """How long the answer may take."""


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """MQTT: the speaker as a device of Home Assistant, and tools that publish messages; needs speakerd[mqtt]."""

    host: str = ""
    """The broker, such as homeassistant.local; empty means none."""
    port: int = 0
    """Its port; 0 means 1883, or 8883 with TLS."""
    tls: bool = False
    """Encrypt the connection, and talk only to a broker whose certificate is good for this host."""
    ca_file: str = ""
    """File of the authority that signed the broker's certificate (PEM); empty means those that this machine trusts."""
    username: str = ""
    """Who the speaker is for the broker; empty means nobody."""
    password_file: str = ""
    """File of the password. Empty means the systemd credential mqtt-password, else no password."""
    device_id: str = ""
    """The speaker's own name in topics; empty means speakerd_ and a number made of /etc/machine-id."""
    device_name: str = ""
    """What Home Assistant calls the speaker; empty means the name of this machine."""
    topic_prefix: str = "speakerd"
    """How the topics of all speakers begin."""
    discovery_prefix: str = "homeassistant"
    """Where Home Assistant looks for devices; empty means that the speaker does not show itself there."""
    may_unmute: bool = True
    """Let the broker's clients open a muted microphone; false lets them only close it."""
    tools: tuple[MqttTool, ...] = ()
    """Messages that the assistant may publish: instead of this line a table [[mqtt.tools]] for each, as below."""


def bounds(mqtt: MqttSettings) -> Bounds:
    """The numbers and what they may be."""
    found: Bounds = {"mqtt.port": (mqtt.port, 0, 65535)}
    for number, tool in enumerate(mqtt.tools, 1):
        row = f"mqtt.tools[{number}]"
        found[f"{row}.qos"] = tool.qos, 0, 2
        found[f"{row}.answer_seconds"] = tool.answer_seconds, 0.1, 60.0
        for place, parameter in enumerate(tool.parameters, 1):
            key = f"{row}.parameters[{place}]"
            found[f"{key}.most_characters"] = parameter.most_characters, 1, 2000
            found[f"{key}.minimum"] = parameter.minimum, -1e12, parameter.maximum
            found[f"{key}.maximum"] = parameter.maximum, -1e12, 1e12
    return found


def check_names(mqtt: MqttSettings) -> None:
    """Raises ConfigurationError for names that cannot stand in a topic, and for half of a setting."""
    if mqtt.device_id and not _ID.fullmatch(mqtt.device_id):
        raise ConfigurationError('"mqtt.device_id" must be 1 to 64 letters, digits, "_" and "-".')
    for key, prefix in (("topic_prefix", mqtt.topic_prefix), ("discovery_prefix", mqtt.discovery_prefix)):
        if not _PREFIX.fullmatch(prefix) and (prefix or key == "topic_prefix"):
            raise ConfigurationError(f'"mqtt.{key}" must be the beginning of a topic, such as home/speakers.')
    if mqtt.ca_file and not mqtt.tls:
        raise ConfigurationError('"mqtt.ca_file" has no effect: set "mqtt.tls" to true, too.')
    if mqtt.password_file and not mqtt.username:
        raise ConfigurationError('"mqtt.password_file" has no effect: set "mqtt.username", too.')
    if mqtt.tools and not mqtt.host:
        raise ConfigurationError('"mqtt.tools" have no effect: set "mqtt.host" to the broker.')
