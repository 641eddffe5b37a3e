"""A network that takes its time: a TCP relay on loopback that delays each byte by half a round trip, both ways."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_READ_BYTES = 65_536

_Late = asyncio.Queue[tuple[float, bytes]]
"""(the loop's second at which it arrives, data); no data is the end."""


@asynccontextmanager
async def far_away(port: int, round_trip_seconds: float) -> AsyncIterator[int]:
    """The port at which a server of this machine seems to be so far away.

    The kernel connects a client at once; the round trip that this would have taken is added to the client's first
    bytes, which changes nothing for a client that sends as soon as it is connected.
    """
    relay = await asyncio.start_server(
        lambda reader, writer: _relay(reader, writer, port, round_trip_seconds), "127.0.0.1", 0
    )
    async with relay:
        yield relay.sockets[0].getsockname()[1]


async def _relay(
    client: asyncio.StreamReader, to_client: asyncio.StreamWriter, port: int, round_trip_seconds: float
) -> None:
    connected_at = asyncio.get_running_loop().time() + round_trip_seconds
    server, to_server = await asyncio.open_connection("127.0.0.1", port)
    one_way_seconds = round_trip_seconds / 2
    # Whoever breaks off is of no interest here.
    with contextlib.suppress(OSError):
        await asyncio.gather(
            _carry(client, to_server, one_way_seconds, not_before=connected_at),
            _carry(server, to_client, one_way_seconds),
        )
    for writer in (to_client, to_server):
        writer.close()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float, not_before: float = 0.0
) -> None:
    late: _Late = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(_deliver(late, writer))
        loop = asyncio.get_running_loop()
        data = b"?"
        while data:
            try:
                data = await reader.read(_READ_BYTES)
            except OSError:
                data = b""
            late.put_nowait((max(loop.time(), not_before) + seconds, data))


async def _deliver(late: _Late, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        at, data = await late.get()
        await asyncio.sleep(max(0.0, at - loop.time()))
        if writer.is_closing():
            return
        if not data:
            writer.write_eof()
            return
        writer.write(data)
