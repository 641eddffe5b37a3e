"""How far away a server seems to be, in fast time."""

from __future__ import annotations

import asyncio

import pytest

from bench.session_proxy import far_away
from fast_loop import fast_loop, run_fast


async def _round_trips(round_trip_seconds: float) -> list[float]:
    """Seconds from connecting to each of two echoes, one asked for after the other, and to the end."""
    loop = fast_loop()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with far_away(port, round_trip_seconds) as far:
            began = loop.time()
            reader, writer = await asyncio.open_connection("127.0.0.1", far)
            passed = []
            for word in (b"one", b"two"):
                writer.write(word)
                assert await reader.readexactly(3) == word
                passed.append(loop.time() - began)
            writer.write_eof()
            assert await reader.read() == b""
            passed.append(loop.time() - began)
            writer.close()
            await writer.wait_closed()
    return passed


@pytest.mark.parametrize("round_trip_seconds", [0.0, 0.1, 0.3])
def test_connecting_takes_a_round_trip_and_so_does_each_question(round_trip_seconds: float) -> None:
    passed = run_fast(_round_trips(round_trip_seconds))
    assert passed == pytest.approx([times * round_trip_seconds for times in (2, 3, 4)], abs=0.001)
