"""Programs of this machine as tools: fixed arguments, values within limits, and never a shell.

What a model asks for ends in an argument of its own or in none: it can begin no option, no line and no second command.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pwd
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from speakerd.errors import ConfigurationError, ToolError
from speakerd.ports import ToolSpec
from speakerd.settings_commands import PLACEHOLDER, CommandParameter, CommandRow
from speakerd.tools.tool import Tool, parameters

MOST_OUTPUT_BYTES = 4096
MOST_TEXT_CHARACTERS = 200

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_FOLDER = "/"
_READ_BYTES = 16_384
_DEADLINE_MARGIN_SECONDS = 2.0
"""We end the program ourselves first."""


def command_tools(rows: Sequence[CommandRow], taken: AbstractSet[str] = frozenset()) -> list[Tool]:
    """A tool for each row; raises ConfigurationError for a name that is taken and for a user that cannot be."""
    for number, row in enumerate(rows, 1):
        if row.name in taken:
            raise ConfigurationError(f'"tools.commands[{number}].name" must not be {row.name}: a tool of ours has it.')
        _check_user(row, f"tools.commands[{number}].user")
    return [_tool(row) for row in rows]


def arguments_of(row: CommandRow, values: Mapping[str, object]) -> list[str]:
    """The program and its arguments with the values in their places; raises ToolError for a value that is refused."""
    texts = {parameter.name: _text(parameter, values.get(parameter.name)) for parameter in row.parameters}
    chosen = {parameter.name for parameter in row.parameters if parameter.kind == "choice"}
    filled: list[str] = []
    for argument in row.argv:
        text = PLACEHOLDER.sub(lambda found: texts[found[1]], argument)
        first = PLACEHOLDER.match(argument)
        is_ours = first is None or first[1] in chosen
        if text.startswith("-") and not is_ours and "--" not in row.argv[: len(filled)]:
            raise ToolError('A value must not begin with "-".')
        filled.append(text)
    return filled


def _tool(row: CommandRow) -> Tool:
    properties = {parameter.name: _schema(parameter) for parameter in row.parameters}
    schema = parameters(tuple(properties), **properties)
    deadline_seconds = row.timeout_seconds + _DEADLINE_MARGIN_SECONDS
    spec = ToolSpec(row.name, row.description, schema, row.phrases)
    # Who knows where a program has its words from.
    return Tool(spec, functools.partial(_run, row), deadline_seconds, reads_outside=True)


def _schema(parameter: CommandParameter) -> Mapping[str, object]:
    described = {"description": parameter.description} if parameter.description else {}
    match parameter.kind:
        case "choice":
            return {"type": "string", "enum": list(parameter.choices), **described}
        case "integer":
            return {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum, **described}
        case "text":
            return {"type": "string", **described}


def _text(parameter: CommandParameter, value: object) -> str:
    """The value as it is passed on. All is checked here, whatever the schema made of it."""
    match parameter.kind, value:
        case "choice", str() if value in parameter.choices:
            return value
        case "integer", int() if not isinstance(value, bool) and parameter.minimum <= value <= parameter.maximum:
            return str(value)
        case "text", str() if (
            0 < len(value) <= MOST_TEXT_CHARACTERS and value.isprintable() and re.fullmatch(parameter.pattern, value)
        ):
            return value
    raise ToolError(f'"{parameter.name}" cannot be that: ask the user again.')


async def _run(row: CommandRow, values: Mapping[str, object]) -> str:
    argv = arguments_of(row, values)
    other = row.user if _is_other(row.user) else None
    try:
        program = await asyncio.create_subprocess_exec(
            *argv,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_ENVIRONMENT,
            cwd=_FOLDER,
            umask=0o077,
            start_new_session=True,
            user=other,
            group=_group(other) if other else None,
            extra_groups=[] if other else None,
        )
    except OSError as error:
        raise ToolError(f"The program cannot be started: {error.strerror}.") from error
    is_over = False
    try:
        async with asyncio.timeout(row.timeout_seconds):
            output = await _output(program.stdout) if program.stdout else ""
            code = await program.wait()
        is_over = True
    except TimeoutError as error:
        raise ToolError(f"The program did not end within {row.timeout_seconds:g} seconds.") from error
    finally:
        if not is_over:
            await _kill(program)
    if code:
        raise ToolError(f"The program failed with {code}.")
    return output or "Done."


async def _output(stream: asyncio.StreamReader) -> str:
    """What it writes until it closes its output; the rest of too much is read and dropped."""
    kept = b""
    while piece := await stream.read(_READ_BYTES):
        kept = (kept + piece)[:MOST_OUTPUT_BYTES]
    return kept.decode("utf-8", "replace").strip()


async def _kill(program: Process) -> None:
    """End it with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    await program.wait()


def _is_other(user: str) -> bool:
    return bool(user) and pwd.getpwnam(user).pw_uid != os.geteuid()


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _check_user(row: CommandRow, key: str) -> None:
    if not row.user:
        if os.geteuid() == 0:
            raise ConfigurationError(f'"{key}" must be named, as the speaker runs as root: nobody, for instance.')
        return
    try:
        is_other = _is_other(row.user)
    except KeyError as error:
        raise ConfigurationError(f'"{key}" must be a user of this machine, not {row.user!r}.') from error
    if is_other and os.geteuid() != 0:
        raise ConfigurationError(f'"{key}" must be empty: only root can run a program as {row.user}.')
