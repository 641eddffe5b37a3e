"""What a client may send: rules that check a JSON value and refuse it with OpenAI's error codes and wording. Pure.

A rule takes a value and its path ("session.audio.input") and raises RefusedError; it never changes the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from speakerd.errors import ProtocolError

Rule = Callable[[Any, str], None]

_DEEPEST = 64
"""Nesting of free-form JSON; deeper values would break recursive code such as the JSON encoder."""


class RefusedError(ProtocolError):
    """A client event that is answered with an error event and otherwise ignored."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def record(required: Mapping[str, Rule], optional: Mapping[str, Rule]) -> Rule:
    """An object with these fields and no others."""
    rules = {**required, **optional}

    def check(value: Any, path: str) -> None:
        _expect(dict, value, path)
        for key in required:
            if key not in value:
                raise _missing(_join(path, key))
        for key, inner in value.items():
            if key not in rules:
                raise RefusedError("unknown_parameter", f"Unknown parameter: '{_join(path, key)}'.", _join(path, key))
            rules[key](inner, _join(path, key))

    return check


def tagged(tag: str, variants: Mapping[str, Rule]) -> Rule:
    """An object whose field `tag` says which of the rules it follows."""
    check_tag = choice(*variants)

    def check(value: Any, path: str) -> None:
        _expect(dict, value, path)
        if tag not in value:
            raise _missing(_join(path, tag))
        check_tag(value[tag], _join(path, tag))
        variants[value[tag]](value, path)

    return check


def choice(*values: str | int) -> Rule:
    """One of these constants."""
    supported = " and ".join(filter(None, [", ".join(map(repr, values[:-1])), repr(values[-1])]))

    def check(value: Any, path: str) -> None:
        if not any(type(value) is type(each) and value == each for each in values):
            shown = f"'{value[:64]}'" if isinstance(value, str) else _KINDS.get(type(value), "a value")
            raise RefusedError("invalid_value", f"Invalid value: {shown}. Supported values are: {supported}.", path)

    return check


def text(longest: int | None = None) -> Rule:
    """A string of at most `longest` characters."""

    def check(value: Any, path: str) -> None:
        _expect(str, value, path)
        if longest is not None and len(value) > longest:
            wording = f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, but got a "
            raise RefusedError("string_above_max_length", f"{wording}string with length {len(value)} instead.", path)

    return check


def number(low: float, high: float, *, whole: bool = False) -> Rule:
    """A number from `low` to `high`."""

    def check(value: Any, path: str) -> None:
        if type(value) is not int and (whole or type(value) is not float):
            raise _wrong_type("an integer" if whole else "a number", value, path)
        if not low <= value <= high:
            wording = f"Invalid '{path}': expected a value from {low} to {high}, but got {str(value)[:32]} instead."
            raise RefusedError("invalid_value", wording, path)

    return check


def flag(value: Any, path: str) -> None:
    """True or false."""
    _expect(bool, value, path)


def nullable(rule: Rule) -> Rule:
    """The rule, or null."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            rule(value, path)

    return check


def either(shapes: Mapping[type, Rule]) -> Rule:
    """The rule for the value's JSON type: str, int, dict."""

    def check(value: Any, path: str) -> None:
        rule = shapes.get(type(value))
        if rule is None:
            raise _wrong_type("one of " + " or ".join(_KINDS[kind] for kind in shapes), value, path)
        rule(value, path)

    return check


def listing(rule: Rule, longest: int = 10_000) -> Rule:
    """A list of values that follow the rule."""

    def check(value: Any, path: str) -> None:
        _expect(list, value, path)
        if len(value) > longest:
            wording = f"Invalid '{path}': array too long. Expected an array with maximum length {longest}."
            raise RefusedError("array_above_max_length", wording, path)
        for index, inner in enumerate(value):
            rule(inner, f"{path}[{index}]")

    return check


def mapping(rule: Rule, most: int) -> Rule:
    """An object with free keys and values that follow the rule."""

    def check(value: Any, path: str) -> None:
        _expect(dict, value, path)
        if len(value) > most:
            wording = f"Invalid '{path}': too many properties. Expected an object with at most {most} properties."
            raise RefusedError("object_above_max_properties", wording, path)
        for key, inner in value.items():
            rule(inner, _join(path, key))

    return check


def free(value: Any, path: str) -> None:
    """Any JSON of sane depth."""
    _check_depth(value, path, 0)


def free_object(value: Any, path: str) -> None:
    """Any JSON object of sane depth."""
    _expect(dict, value, path)
    _check_depth(value, path, 0)


def _check_depth(value: Any, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise RefusedError("invalid_value", f"Invalid '{path}': nested too deeply.", path)
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, path, depth + 1)


_KINDS: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a decimal number",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def _expect(kind: type, value: Any, path: str) -> None:
    if type(value) is not kind:
        raise _wrong_type(_KINDS[kind], value, path)


def _wrong_type(wanted: str, value: Any, path: str) -> RefusedError:
    wording = f"Invalid type for '{path}': expected {wanted}, but got {_KINDS[type(value)]} instead."
    return RefusedError("invalid_type", wording, path)


def _missing(path: str) -> RefusedError:
    return RefusedError("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def _join(path: str, key: str) -> str:
    return f"{path}.{key[:64]}" if path else key[:64]
