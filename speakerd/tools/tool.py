"""A tool: what the model is told of it, and how it is run. Arguments are checked against its schema before it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from speakerd.errors import ToolError
from speakerd.ports import ToolSpec

Run = Callable[[Mapping[str, object]], Awaitable[str]]
"""Takes checked arguments, returns a short sentence that can be spoken; raises ToolError with one that says why not."""

MOST_ARGUMENT_CHARACTERS = 16_384
"""What a policy has looked at is all that is run: it looks at no more."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}, "additionalProperties": False}
_TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "string": ("a string", (str,)),
    "integer": ("a whole number", (int,)),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", (bool,)),
    "array": ("a list", (list,)),
    "object": ("an object", (dict,)),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function for the model; raises ValueError for a name that no endpoint would take."""

    spec: ToolSpec
    run: Run
    deadline_seconds: float | None = None
    """Seconds that one call may take; None means the runner's deadline."""
    reads_outside: bool = False
    """Whether its output may be text from outside, such as the web or a calendar."""
    is_cancellable: bool = False
    """Whether a call may be cancelled when the user interrupts."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.spec.name):
            raise ValueError(f'"{self.spec.name}" cannot name a tool: use 1 to 64 letters, digits, "_" and "-".')


class ToolSource(Protocol):
    """Tools that appear and go; their owner runs elsewhere."""

    def tools(self) -> tuple[Tool, ...]:
        """What there is now, in an order that never changes."""


def parameters(required: tuple[str, ...] = (), /, **properties: Mapping[str, object]) -> Mapping[str, object]:
    """The JSON Schema of a tool's parameters, with no others allowed."""
    schema: dict[str, object] = {**_NO_PARAMETERS, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def read_arguments(text: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    """Arguments from the JSON that a model wrote, checked; raises ToolError with one sentence for the model.

    Of JSON Schema it knows type, enum, minimum, maximum, required and additionalProperties at the top level; what else
    a schema demands is for the tool to check. A whole number written as 5.0 becomes 5.
    """
    if len(text) > MOST_ARGUMENT_CHARACTERS:
        raise ToolError("The arguments are too long: send less.")
    try:
        arguments = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ToolError("The arguments are not valid JSON: send one JSON object.") from error
    if not isinstance(arguments, dict):
        raise ToolError("The arguments must be one JSON object.")
    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list | tuple) else ():
        if name not in arguments:
            raise ToolError(f'The parameter "{name}" is missing.')
    for name in arguments:
        if name not in known and schema.get("additionalProperties") is False:
            raise ToolError(f'There is no parameter "{name}": {_known_names(known)}.')
    return {name: _checked(value, known.get(name), name) for name, value in arguments.items()}


def whole_number(arguments: Mapping[str, object], name: str, default: int | None = None) -> int:
    """An argument whose schema says integer; raises ToolError when it is missing and has no default."""
    value = arguments.get(name, default)
    if not isinstance(value, int):
        raise ToolError(f'The parameter "{name}" is missing.')
    return value


def _known_names(known: Mapping[str, object]) -> str:
    return f"the parameters are {', '.join(sorted(known))}" if known else "this tool takes none"


def _checked(value: object, schema: object, name: str) -> object:
    if not isinstance(schema, Mapping):
        return value
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(kind, str) and kind in _TYPES:
        words, types = _TYPES[kind]
        if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
            raise ToolError(f'"{name}" must be {words}.')
    choices = schema.get("enum")
    if isinstance(choices, list | tuple) and value not in choices:
        raise ToolError(f'"{name}" must be one of {", ".join(map(str, choices))}.')
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(value, schema, name)
    return value


def _check_range(value: float, schema: Mapping[object, object], name: str) -> None:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and not value >= least:  # NaN is in no range
        raise ToolError(f'"{name}" must be at least {least}.')
    if isinstance(most, int | float) and not value <= most:
        raise ToolError(f'"{name}" must be at most {most}.')
