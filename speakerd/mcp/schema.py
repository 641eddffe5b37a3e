"""A server's JSON Schema → parameters that every endpoint accepts; pure.

Endpoints want an object with properties at the top, without alternatives, and some know no `$ref`. What is lost makes
the schema weaker, never stricter: the server checks the arguments by its own one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

LONGEST_DESCRIPTION = 1024
"""Characters; OpenAI takes no more of a function's description."""
MOST_SCHEMA_BYTES = 8192
"""Size of one tool's parameters as JSON; the model pays for it in every turn."""

_DEEPEST = 8
_MOST_PARTS = 1000
"""A schema of a few lines can be endless: its parts may name each other."""
_LONGEST_HINT = 300
_MERGED = ("allOf", "anyOf", "oneOf")
_KEPT = {
    *("type", "enum", "const", "format", "pattern", "required", "default"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
}
"""Words whose values are data: `default` and `const` are never looked into."""


def function_parameters(schema: Mapping[str, object]) -> Mapping[str, object]:
    """The parameters of a function, as JSON; anything that is no schema is taken for one that allows everything."""
    full = _Reader(schema).top(schema)
    if _size(full) <= MOST_SCHEMA_BYTES:
        return full
    bare = _without_hints(full)
    return bare if _size(bare) <= MOST_SCHEMA_BYTES else {"type": "object", "properties": {}}


def cut(text: str, most: int = LONGEST_DESCRIPTION) -> str:
    """The text with single spaces, ending in … where it was too long."""
    words = " ".join(text.split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


class _Reader:
    """Reads the parts of one document."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document
        self._parts_left = _MOST_PARTS

    def top(self, schema: object) -> dict[str, object]:
        merged = self._merged(schema, _DEEPEST)
        known = self._properties(merged, _DEEPEST)
        result: dict[str, object] = {"type": "object", "properties": known}
        required = [name for name in _names(merged.get("required")) if name in known]
        if required:
            result["required"] = required
        if merged.get("additionalProperties") is False:
            result["additionalProperties"] = False
        return result

    def _merged(self, schema: object, left: int) -> dict[str, object]:
        """An object's schema in which its parts and alternatives are one; demanded is what every one demands."""
        if not isinstance(schema, Mapping) or not self._may_read(left):
            return {}
        schema = self._resolved(schema)
        properties = dict(_mapping(schema.get("properties")))
        required = list(_names(schema.get("required")))
        is_closed = schema.get("additionalProperties") is False
        for word in _MERGED:
            parts = [self._merged(part, left - 1) for part in _sequence(schema.get(word))]
            for part in parts:
                properties = {**_mapping(part.get("properties")), **properties}
            demands = [set(_names(part.get("required"))) for part in parts]
            if demands:
                together = set.union(*demands) if word == "allOf" else set.intersection(*demands)
                required += sorted(together - set(required))
        return {"properties": properties, "required": required, "additionalProperties": not is_closed}

    def _properties(self, schema: Mapping[str, object], left: int) -> dict[str, object]:
        return {name: self._part(each, left - 1) for name, each in _mapping(schema.get("properties")).items()}

    def _part(self, schema: object, left: int) -> dict[str, object]:
        if not isinstance(schema, Mapping) or not self._may_read(left):
            return {}
        schema = self._resolved(schema)
        result = {word: value for word, value in schema.items() if word in _KEPT and _is_json(value)}
        if isinstance(description := schema.get("description"), str):
            result["description"] = cut(description, _LONGEST_HINT)
        if isinstance(schema.get("properties"), Mapping):
            result["properties"] = self._properties(schema, left)
        for word in ("items", "additionalProperties"):
            match schema.get(word):
                case bool(value) if word == "additionalProperties":
                    result[word] = value
                case Mapping() as inner:
                    result[word] = self._part(inner, left - 1)
        for word in _MERGED:
            if parts := [self._part(part, left - 1) for part in _sequence(schema.get(word))]:
                result[word] = parts
        return result

    def _may_read(self, left: int) -> bool:
        self._parts_left -= 1
        return left > 0 and self._parts_left >= 0

    def _resolved(self, schema: Mapping[str, object]) -> Mapping[str, object]:
        """The schema with what its `$ref` names in this document, which may name another one, and so on."""
        seen: set[str] = set()
        while isinstance(reference := schema.get("$ref"), str) and reference not in seen:
            seen.add(reference)
            schema = {**self._named(reference), **{word: value for word, value in schema.items() if word != "$ref"}}
        return schema

    def _named(self, reference: str) -> Mapping[str, object]:
        found: object = self._document
        for step in reference.removeprefix("#").split("/")[1:] if reference.startswith("#") else ("", ""):
            found = _mapping(found).get(step.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _names(value: object) -> list[str]:
    return [name for name in _sequence(value) if isinstance(name, str)]


def _size(schema: Mapping[str, object]) -> int:
    return len(json.dumps(schema, ensure_ascii=False).encode("utf-8", "replace"))


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _without_hints(schema: Mapping[str, object]) -> dict[str, object]:
    """Only the types of the properties at the top, and what is demanded."""
    kept = {
        name: {word: value for word, value in _mapping(each).items() if word in ("type", "enum")}
        for name, each in _mapping(schema.get("properties")).items()
    }
    return {**schema, "properties": kept}
