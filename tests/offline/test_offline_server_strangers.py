from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from offline_brain import SILENCE, hosting
from speakerd.offline import connection as connection_module
from speakerd.offline import server as server_module


async def test_a_client_that_does_not_read_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_MOST_UNSENT_BYTES", 20_000_000)
    async with hosting() as host, host.client(max_queue=1, max_size=None) as lazy, host.client() as client:
        await lazy.append(SILENCE * 60)
        await lazy.send("input_audio_buffer.commit")
        item_id = (await lazy.until("conversation.item.done"))["item"]["id"]
        with pytest.raises(ConnectionClosedError):  # noqa: PT012  # whichever call finds the connection gone
            for _ in range(30):
                await lazy.send("conversation.item.retrieve", item_id=item_id)
            async with asyncio.timeout(10):
                await lazy.socket.wait_closed()
            await lazy.send("response.create")
        await client.say("hi")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


@pytest.mark.parametrize(
    ("query", "key", "code", "reason"),
    [
        ("?model=m", "wrong", 3000, "invalid_request_error.invalid_api_key"),
        ("", "right", 4000, "invalid_request_error.missing_model"),
    ],
)
async def test_who_is_refused(query: str, key: str, code: int, reason: str) -> None:
    async with hosting(required_key="right") as host:
        headers = {"Authorization": f"Bearer {key}"}
        async with connect(host.url + query, additional_headers=headers) as socket:
            error = json.loads(await socket.recv())
            assert f"{error['error']['type']}.{error['error']['code']}" == reason
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)
        assert host.reports == []


async def test_the_right_key_is_let_in() -> None:
    async with hosting(required_key="right") as host:
        async with host.client(additional_headers={"Authorization": "Bearer right"}):
            pass
        await host.report()


async def test_a_web_page_is_refused() -> None:
    async with hosting() as host:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{host.url}?model=m", origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


async def test_another_path_is_not_found() -> None:
    async with hosting() as host:
        with pytest.raises(InvalidStatus) as refused:
            await connect(host.url.replace("/v1/realtime", "/v2"))
    assert refused.value.response.status_code == 404


async def test_rubbish_is_answered() -> None:
    async with hosting() as host, host.client() as client:
        for rubbish in ("{", b"\x00\x01", "[]", '{"type": "x"}', "x" * 20_000_000):
            await client.socket.send(rubbish)
            await client.until("error")
        await client.say("hi")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_what_is_far_too_long_ends_only_its_own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_LONGEST_MESSAGE_BYTES", 100_000)
    async with hosting() as host, host.client() as client, host.client() as other:
        await client.socket.send("x" * 200_000)
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        await other.say("hi")
        await other.until("response.done")
