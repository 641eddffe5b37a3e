"""Tries a server of tools for its owner: connects, lists, and leaves."""

from __future__ import annotations

import asyncio
import importlib

from speakerd.errors import NoSuchPageError, ToolServerError
from speakerd.mcp.server import Program, Server


async def check(server: Server) -> int:
    """How many tools it offers; raises ToolServerError, whose words follow "because"."""
    library = await asyncio.to_thread(importlib.import_module, "speakerd.mcp.link")
    urls = ("",) if isinstance(server.way, Program) else server.way.urls
    for url in urls:
        try:
            async with asyncio.timeout(server.connect_seconds), library.opened(server, url, lambda: None) as link:
                offered = await link.tools()
        except NoSuchPageError:
            if url == urls[-1]:
                raise
        except TimeoutError:
            raise ToolServerError(f"it did not answer within {server.connect_seconds:g} seconds") from None
        else:
            if objection := server.objection(url, offered):
                raise ToolServerError(objection)
            return len(offered)
    raise AssertionError("unreachable")
