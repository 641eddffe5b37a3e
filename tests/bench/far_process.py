"""A bench's other side in a process of its own, so that neither its time nor its memory is ours."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

_LONGEST_LINE = 1 << 20


@asynccontextmanager
async def far_process(
    module: str, *options: str, tell: Callable[[Any], None], end: Callable[[], None] = lambda: None
) -> AsyncIterator[Any]:
    """Run a module that prints its ports, which are returned, and then JSON lines, each of which is told.

    `end` is called when it says no more.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    ports = await process.stdout.readline()
    if not ports:
        raise ChildProcessError(f"{module} did not start")
    listening = asyncio.create_task(_listen(process.stdout, tell, end))
    try:
        yield json.loads(ports)
    finally:
        process.kill()
        await process.wait()
        await listening


async def _listen(lines: asyncio.StreamReader, tell: Callable[[Any], None], end: Callable[[], None]) -> None:
    while line := await lines.readline():
        tell(json.loads(line))
    end()
