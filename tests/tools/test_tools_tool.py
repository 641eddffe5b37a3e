from __future__ import annotations

from collections.abc import Mapping

import pytest

from speakerd.errors import ToolError
from speakerd.ports import ToolSpec
from speakerd.tools.tool import Tool, parameters, read_arguments

SCHEMA = parameters(
    ("room",),
    room={"type": "string", "enum": ["kitchen", "hall"]},
    percent={"type": "integer", "minimum": 1, "maximum": 100},
    warmth={"type": "number", "minimum": 0.5},
    now={"type": "boolean"},
    scenes={"type": "array"},
    anything={},
)


async def nothing(_: Mapping[str, object]) -> str:
    return ""


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"room": "hall"}', {"room": "hall"}),
        ('{"room": "hall", "percent": 1, "warmth": 0.5}', {"room": "hall", "percent": 1, "warmth": 0.5}),
        ('{"room": "hall", "percent": 100.0, "warmth": 3}', {"room": "hall", "percent": 100, "warmth": 3}),
        ('{"room": "hall", "now": false, "scenes": [1]}', {"room": "hall", "now": False, "scenes": [1]}),
        ('{"room": "hall", "anything": null}', {"room": "hall", "anything": None}),
    ],
)
def test_good_arguments_pass(text: str, arguments: Mapping[str, object]) -> None:
    assert read_arguments(text, SCHEMA) == arguments


def test_a_whole_number_written_with_a_point_becomes_one() -> None:
    assert type(read_arguments('{"room": "hall", "percent": 5.0}', SCHEMA)["percent"]) is int


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'The parameter "room" is missing.'),
        ("{room: 1}", "The arguments are not valid JSON: send one JSON object."),
        ("[" * 10_000, "The arguments are not valid JSON: send one JSON object."),
        ("[" * 100_000, "The arguments are too long: send less."),
        ("9" * 5000, "The arguments are not valid JSON: send one JSON object."),
        ('["kitchen"]', "The arguments must be one JSON object."),
        ('{"room": "attic"}', '"room" must be one of kitchen, hall.'),
        ('{"room": 3}', '"room" must be a string.'),
        ('{"room": ["hall"]}', '"room" must be a string.'),
        ('{"room": "hall", "percent": 0}', '"percent" must be at least 1.'),
        ('{"room": "hall", "percent": 101}', '"percent" must be at most 100.'),
        ('{"room": "hall", "percent": 5.5}', '"percent" must be a whole number.'),
        ('{"room": "hall", "percent": true}', '"percent" must be a whole number.'),
        ('{"room": "hall", "percent": "50"}', '"percent" must be a whole number.'),
        ('{"room": "hall", "percent": Infinity}', '"percent" must be a whole number.'),
        ('{"room": "hall", "warmth": NaN}', '"warmth" must be at least 0.5.'),
        ('{"room": "hall", "warmth": false}', '"warmth" must be a number.'),
        ('{"room": "hall", "now": 1}', '"now" must be true or false.'),
        ('{"room": "hall", "scenes": {}}', '"scenes" must be a list.'),
        (
            '{"room": "hall", "color": "red"}',
            'There is no parameter "color": the parameters are anything, now, percent, room, scenes, warmth.',
        ),
    ],
)
def test_bad_arguments_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ToolError) as caught:
        read_arguments(text, SCHEMA)
    assert str(caught.value) == sentence


def test_a_tool_without_parameters_takes_none_or_an_empty_object() -> None:
    assert read_arguments("", parameters()) == read_arguments(" {} ", parameters()) == {}
    with pytest.raises(ToolError, match="this tool takes none"):
        read_arguments('{"a": 1}', parameters())


def test_a_schema_that_allows_more_passes_more() -> None:
    assert read_arguments('{"a": 1}', {"type": "object"}) == {"a": 1}


@pytest.mark.parametrize("name", ["", "two words", "dot.ted", "x" * 65, "naïve", "line\n"])
def test_a_name_that_no_endpoint_takes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a tool"):
        Tool(ToolSpec(name, "", {}), nothing)


@pytest.mark.parametrize("name", ["a", "x" * 64, "intent__HassTurnOn", "set-light_2"])
def test_a_name_that_every_endpoint_takes_is_fine(name: str) -> None:
    assert Tool(ToolSpec(name, "", {}), nothing).spec.name == name
