"""A server's tools, as the registry takes them: one owner task keeps the connection, calls share it.

What a model was shown stays while the server is away: a call then waits a moment for it, and is else told why not. A
call that was surely not begun is repeated once; one that may have been begun never is.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from speakerd.errors import NoSuchPageError, NotSentError, ToolError, ToolServerError
from speakerd.mcp.backoff import next_wait_seconds
from speakerd.mcp.names import exposed_names, is_allowed
from speakerd.mcp.offered import OfferedTool
from speakerd.mcp.schema import cut, function_parameters
from speakerd.mcp.server import Program, Server
from speakerd.ports import ToolSpec
from speakerd.tools.tool import Tool

if TYPE_CHECKING:
    from speakerd.mcp.link import Link

POLL_SECONDS = 60.0
"""How often the tools are listed again, which shows also whether the server is there."""
RECONNECT_SECONDS = 4.0
"""How long a call waits for a server that is away."""

_CLOSING_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """How a server is, for the status."""

    name: str
    state: Literal["connecting", "up", "down"]
    tools: int
    """How many are offered."""
    reason: str = ""
    """Why it is down."""


class McpSource:
    """The tools of one server; loop thread only. `on_change` is called when tools or health have changed."""

    def __init__(
        self, server: Server, on_change: Callable[[], None] = lambda: None, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._server = server
        self._on_change = on_change
        self._poll_seconds = poll_seconds
        self._tools: tuple[Tool, ...] = ()
        self._offered: Sequence[OfferedTool] = ()
        self._link: Link | None = None
        self._reason = ""
        self._changed = asyncio.Event()
        """Set, and replaced, when the connection has come or gone."""
        self._news = asyncio.Event()
        """The tools may be others, or the connection be lost."""
        self._wanted = asyncio.Event()
        """A call waits for the server."""
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def name(self) -> str:
        """What its tools begin with."""
        return self._server.name

    def tools(self) -> tuple[Tool, ...]:
        """What is offered, by name; the tuple itself never changes, and stays the same while nothing has changed."""
        return self._tools

    def health(self) -> ServerHealth:
        """How the server is now."""
        state: Literal["connecting", "up", "down"] = "up" if self._link else "down" if self._reason else "connecting"
        return ServerHealth(self.name, state, len(self._tools), self._reason)

    async def run(self) -> None:
        """Keep connected, until cancelled or closed."""
        self._task = asyncio.current_task()
        wait_seconds = 0.0
        loop = asyncio.get_running_loop()
        library = await asyncio.to_thread(importlib.import_module, "speakerd.mcp.link")
        while not self._is_closed:
            began = loop.time()
            try:
                await self._be_connected(library)
            except ToolServerError as error:
                self._go_down(str(error))
            except Exception as error:  # noqa: BLE001 - a stranger's library must not end the speaker
                # Its text may hold what the user said, or the token: only its kind is told.
                self._go_down(f"the connection failed with {type(error).__name__}")
            wait_seconds = next_wait_seconds(wait_seconds, loop.time() - began)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._wanted.wait()
            self._wanted.clear()

    async def close(self) -> None:
        """End the connection, and a server that was started; calls are refused from now on."""
        self._is_closed = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CLOSING_SECONDS)

    async def call(self, name: str, arguments: Mapping[str, object]) -> str:
        """Call a tool by the server's own name for it; raises ToolError."""
        for is_last in (False, True):
            link = await self._ready()
            try:
                answer = await link.call(name, arguments, self._server.meta())
            except NotSentError as error:
                self._drop(link)
                if is_last:
                    raise ToolError(f"{self._server.title} cannot be reached: {error}.") from None
            except ToolServerError as error:
                self._news.set()
                raise ToolError(f"{self._server.title} was asked, but {error}: it may have been done.") from None
            except asyncio.CancelledError:
                # Its deadline, perhaps: if the server hangs, a listing shows it.
                self._news.set()
                raise
            else:
                if answer.is_error:
                    raise ToolError(answer.text)
                return answer.text
        raise AssertionError("unreachable")

    async def _ready(self) -> Link:
        """The connection, awaited for a moment; raises ToolError."""
        self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(RECONNECT_SECONDS):
                while self._link is None and not self._is_closed:
                    await self._changed.wait()
        if self._link is None or self._is_closed:
            raise ToolError(f"{self._server.title} cannot be reached now: {self._reason or 'it is not there yet'}.")
        return self._link

    async def _be_connected(self, library: ModuleType) -> None:
        """One connection, from beginning to end; raises ToolServerError or what the library raises."""
        if isinstance(self._server.way, Program):
            await self._be_connected_at(library, "")
            return
        for url in self._server.way.urls:
            try:
                await self._be_connected_at(library, url)
            except NoSuchPageError:
                if url == self._server.way.urls[-1]:
                    raise

    async def _be_connected_at(self, library: ModuleType, url: str) -> None:
        try:
            async with asyncio.timeout(self._server.connect_seconds) as connecting:
                async with library.opened(self._server, url, self._news.set) as link:
                    self._take(await link.tools(), url)
                    connecting.reschedule(None)
                    self._come_up(link)
                    try:
                        await self._watch(link, url)
                    finally:
                        self._lose(link)
        except TimeoutError:
            raise self._too_late() from None

    async def _watch(self, link: Link, url: str) -> None:
        """List the tools now and then, and whenever there is reason to; raises when the connection is no good."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._news.wait()
            self._news.clear()
            if link.has_ended or self._link is not link:
                raise ToolServerError("the connection broke")
            try:
                async with asyncio.timeout(self._server.connect_seconds):
                    self._take(await link.tools(), url)
            except TimeoutError:
                raise self._too_late() from None

    def _too_late(self) -> ToolServerError:
        return ToolServerError(f"it did not answer within {self._server.connect_seconds:g} seconds")

    def _take(self, offered: Sequence[OfferedTool], url: str) -> None:
        if objection := self._server.objection(url, offered):
            self._tools, self._offered = (), ()  # an update has made of it what must not be used
            raise ToolServerError(objection)
        if offered != self._offered:
            self._offered = offered
            self._tools = tools(self._server, offered, self.call)
            _log.info("%s offers %d tools.", self._server.title, len(self._tools))
            self._on_change()

    def _come_up(self, link: Link) -> None:
        self._link, self._reason = link, ""
        self._wanted.clear()
        self._tell_waiting()

    def _go_down(self, reason: str) -> None:
        level = logging.DEBUG if reason == self._reason else logging.WARNING
        _log.log(level, "%s cannot be used: %s.", self._server.title, reason)
        self._reason = reason
        self._tell_waiting()

    def _lose(self, link: Link) -> None:
        if self._link is link:
            self._link = None

    def _drop(self, link: Link) -> None:
        """Have the owner connect anew, unless it does so already."""
        self._lose(link)
        self._wanted.set()
        self._news.set()

    def _tell_waiting(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()


def servers_status(sources: Sequence[McpSource]) -> list[Mapping[str, object]]:
    """How the servers are, in the words of the status."""
    return [asdict(source.health()) for source in sources]


def tools(
    server: Server, offered: Sequence[OfferedTool], call: Callable[[str, Mapping[str, object]], Awaitable[str]]
) -> tuple[Tool, ...]:
    """A server's tools for the registry, by name."""
    allowed = [tool for tool in offered if is_allowed(tool.name, server.globs)]
    names = exposed_names(server.name, (tool.name for tool in allowed), server.short)
    unique = {names[tool.name]: tool for tool in allowed}
    return tuple(
        Tool(
            ToolSpec(
                name, cut(tool.description), function_parameters(server.schema(server.short(tool.name), tool.schema))
            ),
            partial(call, tool.name),
            server.call_seconds,
            reads_outside=server.reads_outside(server.short(tool.name)),
            is_cancellable=tool.is_read_only,
        )
        for name, tool in sorted(unique.items())
    )
