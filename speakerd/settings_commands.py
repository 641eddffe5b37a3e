"""The owner's settings about programs of this machine that the assistant may run; other sections are in `settings`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from speakerd.errors import ConfigurationError

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Stands in an argument for a parameter's value; all other braces are themselves."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class CommandParameter:
    """A value that the model chooses, within these limits."""

    name: str
    """What stands in braces in argv, small letters, digits and "_"."""
    kind: Literal["choice", "integer", "text"] = "choice"
    """choice is one of `choices`, integer from `minimum` to `maximum`, text what the whole of `pattern` matches."""
    choices: tuple[str, ...] = ()
    """What may be chosen."""
    minimum: int = 0
    """The least integer."""
    maximum: int = 100
    """The greatest integer."""
    pattern: str = "[A-Za-z0-9][A-Za-z0-9 ]{0,63}"
    """Regular expression of the whole text; control characters and more than 200 characters are never passed on."""
    description: str = ""
    """What the model is told of it."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A program with fixed arguments, run without a shell, in an empty environment, in the folder /."""

    name: str
    """What the tool is called: small letters, digits and "_"."""
    description: str
    """What the model is told that it does, in a sentence."""
    argv: tuple[str, ...]
    """The program's whole path and its arguments; {parameter} stands for a value, as an argument or as a part of one.
    A value that begins an argument with "-" is refused, unless a "--" comes before."""
    phrases: tuple[str, ...] = ()
    """What you say for it to the assistant on the device: words, (a|b), [optional], {parameter}."""
    timeout_seconds: float = 10.0
    """Seconds after which it is killed, with all that it started."""
    user: str = ""
    """Who runs it; empty means the speaker's own user. Only root can run it as another one."""
    parameters: tuple[CommandParameter, ...] = ()
    """Its parameters: instead of this line a table [[tools.commands.parameters]] for each."""


def check_commands(rows: Sequence[CommandRow]) -> None:
    """Raise ConfigurationError for a command that cannot be offered."""
    for number, row in enumerate(rows, 1):
        key = f"tools.commands[{number}]"
        if not _NAME.fullmatch(row.name):
            raise ConfigurationError(f'"{key}.name" must be small letters, digits and "_", not {row.name!r}.')
        if row.name in [other.name for other in rows[: number - 1]]:
            raise ConfigurationError(f'"{key}.name" must not be {row.name} again: each command has its own.')
        if not 0.1 <= row.timeout_seconds <= 120.0:
            raise ConfigurationError(f'"{key}.timeout_seconds" must be from 0.1 to 120.0, not {row.timeout_seconds}.')
        _check_argv(row, f"{key}.argv")
        for place, parameter in enumerate(row.parameters, 1):
            _check_parameter(parameter, f"{key}.parameters[{place}]")


def _check_argv(row: CommandRow, key: str) -> None:
    if not row.argv or not row.argv[0].startswith("/") or PLACEHOLDER.search(row.argv[0]):
        raise ConfigurationError(f'"{key}" must begin with the whole path of a program, such as "/usr/bin/date".')
    if any("\0" in argument for argument in row.argv):
        raise ConfigurationError(f'"{key}" must not contain the character NUL.')
    used = {name for argument in row.argv for name in PLACEHOLDER.findall(argument)}
    known = [parameter.name for parameter in row.parameters]
    if len(set(known)) < len(known):
        raise ConfigurationError(f'"{key}" must have each parameter once: they are {", ".join(known)}.')
    for name in sorted(used ^ set(known)):
        fault = "is not among the parameters" if name in used else "is a parameter that argv does not use"
        raise ConfigurationError(f'"{key}" does not fit: "{name}" {fault}.')


def _check_parameter(parameter: CommandParameter, key: str) -> None:
    if not _PARAMETER_NAME.fullmatch(parameter.name):
        raise ConfigurationError(f'"{key}.name" must be small letters, digits and "_", not {parameter.name!r}.')
    if parameter.kind == "choice" and not all(choice.isprintable() and choice for choice in parameter.choices or ("",)):
        raise ConfigurationError(f'"{key}.choices" must have at least one, and none empty or with control characters.')
    if parameter.minimum > parameter.maximum:
        raise ConfigurationError(f'"{key}.minimum" must not be more than the maximum, {parameter.maximum}.')
    try:
        re.compile(parameter.pattern)
    except re.error as error:
        raise ConfigurationError(f'"{key}.pattern" is no regular expression: {error}.') from error
