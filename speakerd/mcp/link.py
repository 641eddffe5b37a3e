"""One connection to a server: its tools, its answers, and every way in which it fails as one of our errors.

The library is imported here, in `process` and in `web`, and nowhere else: who has no server pays nothing for it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, cast

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from pydantic import ValidationError

from speakerd.errors import NoSuchPageError, NotSentError, ToolError, ToolServerError
from speakerd.mcp import web
from speakerd.mcp.offered import Answer, OfferedTool
from speakerd.mcp.process import spoken_to
from speakerd.mcp.server import Program, Server, Site

MOST_TOOLS = 128
"""Of one server; endpoints take no more."""

_MOST_PAGES = 32
# They log messages, in which there is what the user said, and addresses, in which there may be a secret.
for _name in ("mcp", "client", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Link:
    """An open connection; several calls may be under way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.has_ended = False
        """Whether the server can be spoken to no more."""

    async def tools(self) -> list[OfferedTool]:
        """What the server offers now; raises ToolServerError."""
        found: list[types.Tool] = []
        cursor: str | None = None
        try:
            for _ in range(_MOST_PAGES):
                page = await self._client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if cursor is None or len(found) >= MOST_TOOLS:
                    break
        except MCPError as error:
            raise fault(error) from None
        except ValidationError:
            raise ToolServerError("it tells its tools in a form that is not the protocol's") from None
        return [_offered(tool) for tool in found[:MOST_TOOLS]]

    async def call(self, name: str, arguments: Mapping[str, object], meta: Mapping[str, object]) -> Answer:
        """Call a tool; raises NotSentError where it was surely not begun, ToolError, or ToolServerError."""
        if self.has_ended:
            raise NotSentError("it has ended")
        try:
            result = await self._client.call_tool(
                name, dict(arguments), meta=cast("types.RequestParamsMeta", dict(meta)) if meta else None
            )
        except MCPError as error:
            if error.code in _BELOW_PROTOCOL:
                raise fault(error) from None
            raise ToolError(error.message or "It was refused.") from None
        except (RuntimeError, ValidationError):
            # Not chained: it holds the answer.
            raise ToolError("It may have been done, but the answer is not in the form that was promised.") from None
        return Answer(_text(result), result.is_error)


@asynccontextmanager
async def opened(server: Server, url: str, on_news: Callable[[], None]) -> AsyncIterator[Link]:
    """A connection to the server, at one of its addresses; raises ToolServerError when it cannot be had.

    `on_news` is called when there may be other tools, and when the connection has ended.
    """
    link: Link | None = None

    def end() -> None:
        if link is not None:
            link.has_ended = True
        on_news()

    async def listen(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            on_news()

    client = Client(
        cast("Any", _transport(server, url, end)),
        client_info=types.Implementation(name="speakerd", version=version("speakerd")),
        message_handler=listen,
        cache=None,
    )
    try:
        async with client:
            link = Link(client)
            yield link
    except (MCPError, ExceptionGroup) as error:
        # The library's task groups wrap whatever passes them, ours too.
        raise _told(error) from None


def _told(error: Exception) -> Exception:
    """What a group of errors is about, as one of ours if it is known."""
    leaves = list(_leaves(error))
    for leaf in leaves:
        if isinstance(leaf, ToolServerError):
            return leaf
    for leaf in leaves:
        if isinstance(leaf, MCPError):
            return fault(leaf)
    if any(isinstance(leaf, httpx2.TransportError) for leaf in leaves):
        return ToolServerError("the connection broke")
    return leaves[0]


def _leaves(error: Exception) -> Iterator[Exception]:
    if not isinstance(error, ExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)


def fault(error: MCPError) -> ToolServerError:
    """The library's error as one of ours, in words that follow "because"."""
    match error.code:
        case web.NOT_SENT:
            return NotSentError("it does not answer")
        case web.SESSION_GONE:
            return NotSentError("it has begun anew")
        case web.NO_SUCH_PAGE:
            return NoSuchPageError("there is no such server at its address")
        case web.REFUSED:
            return NotSentError("it refuses the token")
        case web.LOST | types.CONNECTION_CLOSED:
            return ToolServerError("the connection broke")
    return ToolServerError(f"it answers with error {error.code}")


_BELOW_PROTOCOL = (web.NOT_SENT, web.SESSION_GONE, web.NO_SUCH_PAGE, web.REFUSED, web.LOST, types.CONNECTION_CLOSED)


def _transport(server: Server, url: str, on_end: Callable[[], None]) -> AbstractAsyncContextManager[object]:
    match server.way:
        case Program(argv, environment):
            return spoken_to(argv, environment, on_end)
        case Site(token=token):
            return _over_web(url, token)


@asynccontextmanager
async def _over_web(url: str, token: str | None) -> AsyncIterator[object]:
    async with web.web_client(token) as client, streamable_http_client(url, http_client=client) as streams:
        yield streams


def _offered(tool: types.Tool) -> OfferedTool:
    reads = tool.annotations is not None and tool.annotations.read_only_hint is True
    return OfferedTool(tool.name, tool.description or tool.title or "", tool.input_schema, reads)


def _text(result: types.CallToolResult) -> str:
    parts = [_part(part) for part in result.content]
    return "\n".join(part for part in parts if part) or "Done."


def _part(part: types.ContentBlock) -> str:
    match part:
        case types.TextContent(text=text):
            return text
        case types.ImageContent():
            return "[an image, which cannot be shown]"
        case types.AudioContent():
            return "[a sound, which cannot be played]"
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case types.ResourceLink(name=name):
            return f"[a link to {name}]"
        case _:
            return "[something that is not text]"
