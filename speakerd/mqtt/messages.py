"""The owner's messages as tools: each publishes its own topic and payload, and can publish nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from speakerd.errors import ConfigurationError, ToolError
from speakerd.mqtt import templates
from speakerd.ports import ToolSpec
from speakerd.settings_mqtt import MqttParameter, MqttTool
from speakerd.tools.tool import Run, Tool, parameters

_PREFIX = "mqtt_"
_SENT = "The message was sent."
_BROKER_SECONDS = 5.0
"""What the broker may take to confirm that it has a message."""


class Publisher(Protocol):
    """The connection to the broker, as `link` has it."""

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Publish a message now; raises ToolError where there is no connection."""

    async def ask(self, topic: str, payload: bytes, qos: int, answer_topic: str, answer_seconds: float) -> str:
        """Publish a message and wait for the next one at another topic; raises ToolError."""


def message_tools(rows: Sequence[MqttTool], publisher: Publisher) -> list[Tool]:
    """A tool for each of the owner's messages; raises ConfigurationError."""
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        key = f"mqtt.tools[{number}]"
        _check(key, row)
        if row.name in seen:
            raise ConfigurationError(f'"{key}.name" must not be {row.name} again: each tool can be named once.')
        seen.add(row.name)
    return [_tool(row, publisher) for row in rows]


def answer_topics(rows: Sequence[MqttTool]) -> frozenset[str]:
    """Where answers come."""
    return frozenset(row.answer_topic for row in rows if row.answer_topic)


def _check(key: str, row: MqttTool) -> None:
    for name, text in ((f"{key}.name", row.name), *((f"{key}.parameters", each.name) for each in row.parameters)):
        if not templates.NAME.fullmatch(text):
            raise ConfigurationError(f'"{name}" cannot be {text!r}: use 1 to 60 lower-case letters, digits and "_".')
    if len({each.name for each in row.parameters}) < len(row.parameters):
        raise ConfigurationError(f'"{key}.parameters" must each have a name of its own.')
    for each in row.parameters:
        if each.choices and each.type != "string":
            raise ConfigurationError(f'"{key}.parameters" {each.name} has choices: set its type to "string".')
    if not row.description.strip():
        raise ConfigurationError(f'"{key}.description" is empty: say what the tool does, and when to use it.')
    if row.answer_topic:
        templates.check_topic(f"{key}.answer_topic", row.answer_topic)
    templates.check(key, row.topic, row.payload, row.parameters)


def _tool(row: MqttTool, publisher: Publisher) -> Tool:
    schema = parameters(
        tuple(each.name for each in row.parameters), **{each.name: _schema(each) for each in row.parameters}
    )
    seconds = _BROKER_SECONDS + (row.answer_seconds if row.answer_topic else 0.0)
    spec = ToolSpec(_PREFIX + row.name, row.description, schema, row.phrases)
    return Tool(spec, _run(row, publisher), seconds, reads_outside=bool(row.answer_topic))


def _run(row: MqttTool, publisher: Publisher) -> Run:
    lengths = {each.name: each.most_characters for each in row.parameters if each.type == "string"}

    async def run(arguments: Mapping[str, object]) -> str:
        for name, most in lengths.items():
            if len(str(arguments[name])) > most:
                raise ToolError(f'"{name}" must have at most {most} characters.')
        topic, payload = templates.topic(row.topic, arguments), templates.payload(row.payload, arguments)
        if not row.answer_topic:
            await publisher.publish(topic, payload, row.qos)
            return _SENT
        answer = await publisher.ask(topic, payload, row.qos, row.answer_topic, row.answer_seconds)
        return f"The answer is: {answer}"

    return run


def _schema(parameter: MqttParameter) -> Mapping[str, object]:
    schema: dict[str, object] = {"type": parameter.type}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    elif parameter.type == "string":
        schema["maxLength"] = parameter.most_characters
    elif parameter.type == "integer":
        schema |= {"minimum": math.ceil(parameter.minimum), "maximum": math.floor(parameter.maximum)}
    elif parameter.type == "number":
        schema |= {"minimum": parameter.minimum, "maximum": parameter.maximum}
    return schema
