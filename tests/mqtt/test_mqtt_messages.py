"""The owner's messages as tools, against a connection of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.errors import ConfigurationError, ToolError
from speakerd.mqtt.messages import answer_topics, message_tools
from speakerd.settings_mqtt import MqttParameter, MqttTool
from speakerd.tools.tool import read_arguments

SCENE = MqttTool(
    name="scene",
    description="Light the living room.",
    topic="home/{room}/scene",
    payload='{"scene": "{scene}", "level": {level}, "why": "{why}"}',
    parameters=(
        MqttParameter("room", choices=("living", "hall"), description="Where."),
        MqttParameter("scene", choices=("film", "reading")),
        MqttParameter("level", "integer", minimum=0.5, maximum=100.0),
        MqttParameter("why", most_characters=10),
    ),
    phrases=("cinema [{scene}]",),
)
DOOR = MqttTool("door", "Whether the door is shut.", "home/door/get", "", qos=0, answer_topic="home/door")
ARGUMENTS = '{"room": "hall", "scene": "film", "level": 7, "why": "a \\"b\\""}'


class FakeBroker:
    def __init__(self) -> None:
        self.published: list[tuple[object, ...]] = []

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        self.published.append((topic, payload, qos))

    async def ask(self, topic: str, payload: bytes, qos: int, answer_topic: str, answer_seconds: float) -> str:
        self.published.append((topic, payload, qos, answer_topic, answer_seconds))
        return "shut"


async def called(row: MqttTool, arguments: str) -> tuple[str, list[tuple[object, ...]]]:
    broker = FakeBroker()
    (tool,) = message_tools([row], broker)
    return await tool.run(read_arguments(arguments, tool.spec.parameters)), broker.published


def test_what_the_model_sees() -> None:
    (tool,) = message_tools([SCENE], FakeBroker())
    assert tool.spec.name == "mqtt_scene"
    assert tool.spec.description == "Light the living room."
    assert tool.spec.phrases == ("cinema [{scene}]",)
    assert tool.spec.parameters == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "Where.", "enum": ["living", "hall"]},
            "scene": {"type": "string", "enum": ["film", "reading"]},
            "level": {"type": "integer", "minimum": 1, "maximum": 100},
            "why": {"type": "string", "maxLength": 10},
        },
        "required": ["room", "scene", "level", "why"],
        "additionalProperties": False,
    }


async def test_a_call_publishes_its_message() -> None:
    output, published = await called(SCENE, ARGUMENTS)
    assert output == "The message was sent."
    assert published == [("home/hall/scene", b'{"scene": "film", "level": 7, "why": "a \\"b\\""}', 1)]


async def test_an_answer_is_told_as_what_it_is() -> None:
    output, published = await called(DOOR, "{}")
    assert output == "The answer is: shut"
    assert published == [("home/door/get", b"", 0, "home/door", 5.0)]
    assert answer_topics([SCENE, DOOR]) == {"home/door"}


def test_who_answers_is_outside_and_what_was_sent_cannot_be_taken_back() -> None:
    scene, door = message_tools([SCENE, DOOR], FakeBroker())
    assert (scene.reads_outside, door.reads_outside) == (False, True)
    assert (scene.is_cancellable, door.is_cancellable) == (False, False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ('{"room": "+", "scene": "film", "level": 7, "why": ""}', '"room" must be one of living, hall.'),
        ('{"room": "hall", "scene": "film", "level": 101, "why": ""}', '"level" must be at most 100.'),
        ('{"room": "hall", "scene": "film", "level": "7", "why": ""}', '"level" must be a whole number.'),
        (
            '{"room": "hall", "scene": "film", "level": 7, "why": "01234567890"}',
            '"why" must have at most 10 characters.',
        ),
        ('{"room": "hall", "scene": "film", "level": 7}', 'The parameter "why" is missing.'),
        (
            '{"room": "hall", "scene": "film", "level": 7, "why": "", "topic": "home/lock"}',
            'There is no parameter "topic": the parameters are level, room, scene, why.',
        ),
    ],
)
async def test_what_the_owner_does_not_allow_is_not_published(arguments: str, sentence: str) -> None:
    broker = FakeBroker()
    (tool,) = message_tools([SCENE], broker)
    with pytest.raises(ToolError) as raised:
        await tool.run(read_arguments(arguments, tool.spec.parameters))
    assert str(raised.value) == sentence
    assert broker.published == []


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [replace(DOOR, name="Door!")],
            '"mqtt.tools[1].name" cannot be \'Door!\': use 1 to 60 lower-case letters, digits and "_".',
        ),
        ([DOOR, DOOR], '"mqtt.tools[2].name" must not be door again: each tool can be named once.'),
        (
            [replace(DOOR, description=" ")],
            '"mqtt.tools[1].description" is empty: say what the tool does, and when to use it.',
        ),
        (
            [replace(DOOR, answer_topic="home/+")],
            '"mqtt.tools[1].answer_topic" must be one topic, without + and #, such as home/kitchen/light/set.',
        ),
        (
            [DOOR, replace(SCENE, parameters=(MqttParameter("a-b"),))],
            '"mqtt.tools[2].parameters" cannot be \'a-b\': use 1 to 60 lower-case letters, digits and "_".',
        ),
        (
            [replace(SCENE, parameters=(MqttParameter("why"), MqttParameter("why")))],
            '"mqtt.tools[1].parameters" must each have a name of its own.',
        ),
        (
            [replace(SCENE, parameters=(MqttParameter("level", "integer", choices=("1",)),))],
            '"mqtt.tools[1].parameters" level has choices: set its type to "string".',
        ),
        (
            [replace(SCENE, parameters=())],
            '"mqtt.tools[1].topic" has a place for {room}, but there is no parameter of that name.',
        ),
    ],
)
def test_a_mistake_is_one_sentence(rows: list[MqttTool], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        message_tools(rows, FakeBroker())
    assert str(raised.value) == sentence
