#!/opt/speakerd/bin/python
"""A Realtime server in the network: the offline assistant behind an address of the LAN: cloud.py ADDRESS PORT."""

from __future__ import annotations

import asyncio
import sys

BEHIND = 8766


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", BEHIND)
    await asyncio.gather(carry(reader, behind_writer), carry(behind_reader, writer), return_exceptions=True)


async def main() -> None:
    assistant = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "speakerd.offline", "--port", str(BEHIND)),
        stdin=asyncio.subprocess.PIPE,  # it ends with its input
        stdout=asyncio.subprocess.PIPE,
    )
    assert assistant.stdout is not None
    await assistant.stdout.readline()  # it listens
    server = await asyncio.start_server(relay, sys.argv[1], int(sys.argv[2]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
