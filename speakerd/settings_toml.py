"""TOML → frozen dataclasses by their types, with every mistake named by its key; what the keys are is in `settings`."""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Literal, TypeVar

from speakerd.errors import ConfigurationError

T = TypeVar("T")

_PREFIX = "SPEAKERD_"


def read(path: Path) -> dict[str, object]:
    """The document of a TOML file; raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}): check its name and permissions."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error


def overridden(table: dict[str, object], environment: Mapping[str, str]) -> dict[str, object]:
    """The document in which each variable SPEAKERD_SECTION__KEY stands in the place of `section.key`."""
    for variable, text in environment.items():
        section, separator, key = variable.removeprefix(_PREFIX).lower().partition("__")
        if variable.startswith(_PREFIX) and separator:
            values = table.setdefault(section, {})
            if isinstance(values, dict):
                values[key] = _toml_value(text)
    return table


def _toml_value(text: str) -> object:
    """A variable's value: what TOML makes of it, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def built(kind: type[T], table: dict[str, object], prefix: str = "") -> T:
    """A dataclass from its table, whose keys are called `prefix` and their names; raises ConfigurationError."""
    types = typing.get_type_hints(kind)
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]  # kind is always one of the dataclasses above
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f'did you mean "{prefix}{near[0]}"?' if near else f"known keys are {', '.join(names)}."
            raise ConfigurationError(f'unknown key "{prefix}{key}": {hint}')
        values[key] = _checked(types[key], value, prefix + key)
    for field_ in fields(kind):  # type: ignore[arg-type]  # kind is always one of the dataclasses above
        if field_.name not in values and field_.default is MISSING and field_.default_factory is MISSING:
            raise ConfigurationError(f'"{prefix}{field_.name}" is missing: every {prefix.rstrip(".")} needs one.')
    return kind(**values)


def _checked(wanted: object, value: object, key: str) -> object:
    if is_dataclass(wanted) and isinstance(wanted, type):
        if not isinstance(value, dict):
            raise ConfigurationError(f'"{key}" must be a table: write [{key}].')
        return built(wanted, value, f"{key}.")
    if wanted == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise ConfigurationError(f'"{key}" must be a list of strings, not {value!r}.')
        return tuple(value)
    if typing.get_origin(wanted) is tuple:
        return _rows(typing.get_args(wanted)[0], value, key)
    if typing.get_origin(wanted) is Literal:
        choices = typing.get_args(wanted)
        if value not in choices:
            raise ConfigurationError(f'"{key}" must be one of {", ".join(map(repr, choices))}, not {value!r}.')
        return value
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ConfigurationError(f'"{key}" must be {_WORDS[wanted]}, not {value!r}.')
    return value


def _rows(kind: type[T], value: object, key: str) -> tuple[T, ...]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ConfigurationError(f'"{key}" must be tables: write [[{key}]] above each.')
    return tuple(built(kind, row, f"{key}[{number}].") for number, row in enumerate(value, 1))


_WORDS: dict[object, str] = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
