"""A server of tools for tests, in a process of its own: over standard input and output, or on a port of loopback.

    mcp_stage_server.py CALLS stdio
    mcp_stage_server.py CALLS web PORT TOKEN KIND

CALLS is a file that gets a line for each call that was begun. KIND is plain (at /mcp), home (two endpoints as Home
Assistant has them since 2026.11), old-home (one endpoint for Assist) or old-admin (one endpoint for more than that). On
a port it says "ready" when it can be connected to; PORT 0 takes any, which is said behind it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent, TextContent
from starlette.applications import Starlette

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CALLS = Path(sys.argv[1])


def note(what: str) -> None:
    with CALLS.open("a") as file:
        file.write(f"{what}\n")


def plain_server() -> MCPServer:
    server = MCPServer("stage")

    @server.tool()
    def echo(text: str) -> str:
        """Say it again."""
        note("echo")
        return text

    @server.tool()
    def refuse() -> str:
        note("refuse")
        raise ToolError("The lamp has no power.")

    @server.tool()
    async def hang() -> str:
        note("hang")
        await asyncio.Event().wait()
        return "never"

    @server.tool()
    async def freeze() -> str:
        note("freeze")
        os.kill(os.getpid(), signal.SIGSTOP)
        return "woken"

    @server.tool()
    def die() -> str:
        note("die")
        os._exit(1)

    @server.tool()
    def talk(letters: int) -> str:
        note("talk")
        return "x" * letters

    @server.tool()
    def show() -> list[TextContent | ImageContent]:
        picture = base64.b64encode(b"no picture").decode()
        return [TextContent(text="Here:"), ImageContent(data=picture, mime_type="image/png")]

    @server.tool()
    def environment() -> str:
        return json.dumps(dict(os.environ))

    @server.tool()
    def grow() -> str:
        server.add_tool(lambda: "tall", name="grown", description="Was not there before.")
        return "Grown."

    return server


def home_server(*names: str) -> MCPServer:
    server = MCPServer("home-assistant")

    async def act(ctx: Context[Any, Any], name: str = "", area: str = "", domain: list[str] | None = None) -> str:
        note(f"{name or area}")
        return json.dumps({"meta": dict(ctx.request_context.meta or {}), "name": name, "area": area})

    for name in names:
        server.add_tool(act, name=name, description=f"{name} of the home.")
    return server


def applications(kind: str) -> dict[str, Starlette]:
    served = {
        "plain": {"/mcp": plain_server()},
        "home": {
            "/api/mcp/assist": home_server(
                "intent__HassTurnOn", "intent__HassTurnOff", "homeassistant__GetLiveContext"
            ),
            "/api/mcp": home_server("intent__HassTurnOn", "config__delete_everything"),
        },
        "old-home": {"/api/mcp": home_server("HassTurnOn", "HassTurnOff", "GetLiveContext")},
        "old-admin": {"/api/mcp": home_server("assist__HassTurnOn", "config__delete_everything")},
    }[kind]
    return {path: server.streamable_http_app(streamable_http_path=path) for path, server in served.items()}


async def refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(status).encode()})


async def serve(port: int, token: str, kind: str) -> None:
    served = applications(kind)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if dict(scope["headers"]).get(b"authorization") != f"Bearer {token}".encode():
            await refuse(send, 401)
        elif scope["path"] not in served:
            await refuse(send, 404)
        else:
            await served[scope["path"]](scope, receive, send)

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        async with AsyncExitStack() as running:
            for each in served.values():
                await running.enter_async_context(each.router.lifespan_context(each))
            print("ready", listening.getsockname()[1], flush=True)  # noqa: T201 - the tests read it
            config = uvicorn.Config(application, lifespan="off", log_level="critical")
            await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    if sys.argv[2] == "stdio":
        plain_server().run("stdio")
    else:
        asyncio.run(serve(int(sys.argv[3]), sys.argv[4], sys.argv[5]))
