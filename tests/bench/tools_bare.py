"""The same calls without a speaker: the stock clients of the same servers, one call after the other."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiomqtt
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from websockets.asyncio.client import connect

from bench.tools_far import ANSWER_TOPIC, ASK_TOPIC, CALLS


@dataclass(frozen=True, slots=True)
class Lone:
    """One call; seconds of CLOCK_MONOTONIC."""

    began_at: float
    ended_at: float


async def bare(count: int, command: Sequence[str], url: str, token: str, mqtt_port: int) -> dict[str, list[Lone]]:
    """So many calls at each server, at the same places as the speaker's."""
    return {
        "stdio": await _of_stdio(count, command),
        "web": await _of_web(count, url, token),
        "mqtt": await _of_mqtt(count, mqtt_port),
    }


async def answer_calls(count: int, port: int) -> None:
    """Let the model call so many tools, and send the outputs at once; how long that took is told at its side."""
    async with connect(f"ws://127.0.0.1:{port}/v1/realtime", compression=None, proxy=None) as model:
        await model.recv()
        await model.send(json.dumps({"type": "session.update", "session": {"tools": []}}))
        while count:
            event = json.loads(await model.recv())
            if event["type"] == "response.function_call_arguments.done":
                item = {"type": "function_call_output", "call_id": event["call_id"], "output": "done"}
                await model.send(json.dumps({"type": "conversation.item.create", "item": item}))
            elif event["type"] == "response.done" and event["response"]["output"]:
                await model.send(json.dumps({"type": "response.create"}))
                count -= 1


async def _of_stdio(count: int, command: Sequence[str]) -> list[Lone]:
    program = StdioServerParameters(command=command[0], args=list(command[1:]))
    async with Client(stdio_client(program)) as client:
        return await _timed(count, _call(client, "stdio"))


async def _of_web(count: int, url: str, token: str) -> list[Lone]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        return await _timed(count, _call(client, "web"))


async def _of_mqtt(count: int, port: int) -> list[Lone]:
    at_once = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", port, protocol=version, socket_options=at_once) as client:
        await client.subscribe(ANSWER_TOPIC, qos=1)

        async def ask() -> object:
            await client.publish(ASK_TOPIC, "?", qos=1)
            return await anext(client.messages)

        return await _timed(count, ask)


def _call(client: Client, source: str) -> Callable[[], Awaitable[object]]:
    name, arguments = CALLS[source]
    return lambda: client.call_tool(name.partition("_")[2], json.loads(arguments))


async def _timed(count: int, call: Callable[[], Awaitable[object]]) -> list[Lone]:
    calls = []
    for _ in range(count):
        began = time.monotonic()
        await call()
        calls.append(Lone(began, time.monotonic()))
    return calls
