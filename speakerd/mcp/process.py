"""A server that is a child of ours, spoken to over its standard input and output, one JSON message on each line.

It is the leader of a process group, ended as a whole. What it writes to its standard error may hold what the user said:
nobody reads it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from speakerd.errors import NotSentError

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    Inbound = MemoryObjectReceiveStream[SessionMessage | Exception]
    Outbound = MemoryObjectSendStream[SessionMessage]

MOST_LINE_BYTES = 4 * 1024 * 1024
"""Longest message that is read; a server that writes more is ended."""

_LEAVING_SECONDS = 1.0
"""For a server to leave after its input has ended, and again after it was asked to."""


@asynccontextmanager
async def spoken_to(
    argv: Sequence[str], environment: Mapping[str, str], on_end: Callable[[], None]
) -> AsyncIterator[tuple[Inbound, Outbound]]:
    """Start the server and carry messages both ways; `on_end` is called when it says no more.

    Raises NotSentError when it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
            limit=MOST_LINE_BYTES,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its command is not usable"
        raise NotSentError(f"{argv[0]} cannot be started ({reason})") from error
    heard, inbound = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outbound, to_say = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group, heard, inbound, outbound, to_say:
        group.start_soon(_hear, process.stdout, heard, on_end)
        group.start_soon(_say, process.stdin, to_say)
        try:
            yield inbound, outbound
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
            group.cancel_scope.cancel()


async def _hear(
    stdout: asyncio.StreamReader | None,
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    on_end: Callable[[], None],
) -> None:
    async with heard:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ValueError):  # or a line too long
            while stdout and (line := await stdout.readline()):
                if line.strip():
                    await heard.send(_message(line))
    on_end()


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        # Not the error itself, which holds the line.
        return NotSentError("A line is not a message.")


async def _say(stdin: asyncio.StreamWriter | None, to_say: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with suppress(ConnectionError, anyio.ClosedResourceError):
        async for message in to_say:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            if stdin:
                stdin.write(text.encode() + b"\n")
                await stdin.drain()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the server leave by itself, then ask its group to, then kill that."""
    if process.stdin:
        process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            # Its children may still be there when it is gone.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                await process.wait()
                break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
