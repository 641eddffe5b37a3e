"""The other end of the control socket, for the command line. `wire` has the language."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from speakerd.errors import ControlError, RefusedError
from speakerd.service.wire import DONE, LONGEST_LINE, decode, encode

LONGEST_ANSWER = 1_048_576
"""Bytes of one line from the daemon."""


async def request(path: Path, command: Mapping[str, object]) -> AsyncGenerator[dict[str, Any], None]:
    """What the daemon answers, until it is done; raises ControlError if it cannot be reached, ends, or refuses.

    The last is a RefusedError.
    Close the iterator (contextlib.aclosing) to leave early, as from {"do": "follow"}, which never ends by itself.
    """
    line = encode(command)
    if len(line) > LONGEST_LINE:
        raise RefusedError(f"At most {LONGEST_LINE} bytes can be sent at once: shorten it, or send it in parts.")
    reader, writer = await _connected(path)
    try:
        writer.write(line)
        while (answer := await _next(reader, path)) != DONE:
            yield answer
    finally:
        writer.close()


async def is_served(path: Path) -> bool:
    """Whether a speaker answers there; raises ControlError if that cannot be told or it may not be used."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError as error:
        raise _unreachable(path, error) from error
    writer.close()
    return True


async def _connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_unix_connection(str(path), limit=LONGEST_ANSWER)
    except OSError as error:
        raise _unreachable(path, error) from error


def _unreachable(path: Path, error: OSError) -> ControlError:
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            return ControlError(f"speakerd does not run: nothing answers at {path}; start the service first.")
        case PermissionError():
            return ControlError(f"You may not use {path}: join the group that it belongs to, or become its owner.")
    return ControlError(f"{path} cannot be reached ({error}): check the path.")


async def _next(reader: asyncio.StreamReader, path: Path) -> dict[str, Any]:
    try:
        answer = decode(await reader.readuntil())
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ControlError(f"speakerd ended before it had answered at {path}: look at its log.") from error
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise ControlError(f"What answers at {path} does not speak as speakerd does: check the path.") from error
    if "error" in answer:
        raise RefusedError(answer["error"])
    return answer
