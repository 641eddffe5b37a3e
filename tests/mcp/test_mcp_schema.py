from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.mcp.schema import LONGEST_DESCRIPTION, MOST_SCHEMA_BYTES, cut, function_parameters

TEXT = {"type": "string"}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("nothing", {}, {"type": "object", "properties": {}}),
    ("no object", {"type": "string"}, {"type": "object", "properties": {}}),
    (
        "words for tools that read schemas",
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "x",
            "title": "Arguments",
            "type": "object",
            "properties": {"title": {"title": "Title", "type": "string", "examples": ["a"], "$comment": "b"}},
            "required": ["title"],
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"title": TEXT}, "required": ["title"], "additionalProperties": False},
    ),
    (
        "what is demanded and unknown",
        {"properties": {"a": TEXT}, "required": ["a", "b", 3]},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
    ),
    (
        "alternatives at the top",
        {
            "type": "object",
            "oneOf": [
                {"properties": {"a": TEXT, "c": TEXT}, "required": ["a", "c"]},
                {"properties": {"b": TEXT, "c": TEXT}, "required": ["b", "c"]},
            ],
        },
        {"type": "object", "properties": {"a": TEXT, "b": TEXT, "c": TEXT}, "required": ["c"]},
    ),
    (
        "parts at the top",
        {"allOf": [{"properties": {"a": TEXT}, "required": ["a"]}, {"properties": {"b": TEXT}, "required": ["b"]}]},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
    ),
    (
        "references",
        {
            "properties": {"room": {"$ref": "#/$defs/Room", "description": "Where."}},
            "$defs": {"Room": {"$ref": "#/$defs/Name"}, "Name": {"enum": ["hall"], "type": "string"}},
        },
        {"type": "object", "properties": {"room": {"enum": ["hall"], "type": "string", "description": "Where."}}},
    ),
    (
        "references that lead nowhere",
        {"properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "https://example.com/schema"}, "c": {"$ref": "#/"}}},
        {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}},
    ),
    (
        "a reference to itself",
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A", "type": "string"}}},
        {"type": "object", "properties": {"a": TEXT}},
    ),
    (
        "lists and alternatives within",
        {
            "properties": {
                "a": {"type": "array", "items": {"type": "string", "title": "x"}, "maxItems": 3},
                "b": {"anyOf": [{"type": "string", "title": "x"}, {"type": "null"}], "default": None},
                "c": {"type": "object", "additionalProperties": {"type": "number", "title": "x"}},
            }
        },
        {
            "type": "object",
            "properties": {
                "a": {"type": "array", "items": TEXT, "maxItems": 3},
                "b": {"anyOf": [TEXT, {"type": "null"}], "default": None},
                "c": {"type": "object", "additionalProperties": {"type": "number"}},
            },
        },
    ),
    (
        "long hints",
        {"properties": {"a": {"type": "string", "description": "word " * 100}}},
        {"type": "object", "properties": {"a": {"type": "string", "description": ("word " * 60)[:299] + "…"}}},
    ),
]


@pytest.mark.parametrize(("schema", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_schema_becomes_one_that_endpoints_accept(schema: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert function_parameters(schema) == wanted


def test_a_schema_that_is_endless_ends() -> None:
    each = {f"p{n}": {"$ref": "#"} for n in range(50)}
    assert size(function_parameters({"type": "object", "properties": each})) <= MOST_SCHEMA_BYTES


def test_of_what_is_too_long_the_hints_go_first() -> None:
    each = {f"p{n}": {"type": "string", "description": "word " * 40} for n in range(100)}
    assert function_parameters({"properties": each})["properties"] == dict.fromkeys(each, TEXT)
    many = {f"parameter_{n}": TEXT for n in range(1000)}
    assert function_parameters({"properties": many}) == {"type": "object", "properties": {}}


WORDS = ["type", "properties", "$ref", "items", "oneOf", "anyOf", "allOf", "required", "title", "$defs", "default", "a"]
VALUES = st.sampled_from([None, True, False, 0, 1.5, "object", "string", "#", "#/$defs/a", "a"])
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=30,
)


def nodes(schema: object) -> Iterator[Mapping[str, object]]:
    """All schemas in a schema."""
    if isinstance(schema, Mapping):
        yield schema
        inner = schema.get("properties")
        for each in inner.values() if isinstance(inner, Mapping) else ():
            yield from nodes(each)
        for word in ("items", "additionalProperties"):
            yield from nodes(schema.get(word))
        for word in ("oneOf", "anyOf", "allOf"):
            parts = schema.get(word)
            for each in parts if isinstance(parts, list) else ():
                yield from nodes(each)


@given(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6))
def test_whatever_a_server_sends_becomes_parameters(schema: dict[str, Any]) -> None:
    parameters = function_parameters(schema)
    assert set(parameters) <= {"type", "properties", "required", "additionalProperties"}
    assert parameters["type"] == "object"
    properties = parameters["properties"]
    assert isinstance(properties, dict)
    required = parameters.get("required", [])
    assert isinstance(required, list)
    assert set(required) <= set(properties)
    assert size(parameters) <= MOST_SCHEMA_BYTES
    for node in nodes(parameters):
        assert not {word for word in node if word.startswith("$")} | ({"title", "$defs"} & set(node))


def size(parameters: Mapping[str, object]) -> int:
    return len(json.dumps(parameters, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", ""), ("  One.\n\n Two. ", "One. Two."), ("x" * 2000, "x" * (LONGEST_DESCRIPTION - 1) + "…")],
)
def test_a_description_is_cut(text: str, wanted: str) -> None:
    assert cut(text) == wanted
