"""Fast time: hours pass in no time, and nothing that really happens is overtaken."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect, unix_connect
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosedError

from fast_loop import StuckError, fast_loop, in_fast_time, promptly, run_fast


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@in_fast_time
async def test_a_day_passes_in_a_moment() -> None:
    began = time.monotonic()
    await asyncio.sleep(86_400 * 1.5)
    assert fast_loop().time() == pytest.approx(129_600)
    assert time.monotonic() - began < 5


@in_fast_time
async def test_no_time_passes_while_messages_are_under_way(tmp_path: Path) -> None:
    async with await unix_serve(echo, str(tmp_path / "s")), unix_connect(str(tmp_path / "s")) as client:
        began = fast_loop().time()
        for size in (1, 1_000, 900_000):
            await client.send(b"x" * size)
            assert len(await client.recv()) == size
        assert fast_loop().time() == began


@in_fast_time
async def test_no_time_passes_between_tcp_sockets() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
            began = fast_loop().time()
            for _ in range(50):
                await client.send(b"x" * 10_000)
                await client.recv()
            assert fast_loop().time() == began


@in_fast_time
async def test_pings_find_a_peer_that_reads_no_more(tmp_path: Path) -> None:
    async def deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with (
        await unix_serve(deaf, str(tmp_path / "s"), ping_interval=None),
        unix_connect(str(tmp_path / "s"), ping_interval=20, ping_timeout=20, close_timeout=1) as client,
    ):
        began = fast_loop().time()
        with pytest.raises(ConnectionClosedError):
            await promptly(client.recv())
        assert fast_loop().time() - began == pytest.approx(40, abs=2)


@in_fast_time
async def test_the_clock_waits_for_threads() -> None:
    def work() -> str:
        time.sleep(0.05)
        return "done"

    async with asyncio.timeout(0.001):
        assert await asyncio.to_thread(work) == "done"
    assert fast_loop().time() == 0


@in_fast_time
async def test_the_clock_waits_for_programs() -> None:
    with fast_loop().real_time():
        async with asyncio.timeout(0.001):
            process = await asyncio.create_subprocess_exec("sleep", "0.05")
            assert await process.wait() == 0


def test_what_can_never_happen_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fast_loop._STUCK_SECONDS", 0.01)
    with pytest.raises(StuckError):
        run_fast(asyncio.Event().wait())
