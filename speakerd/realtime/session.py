"""The owner of all Realtime sessions: one task each, so that closing one never waits for another.

Implements `ports.Sessions`. What ends a session is reported as an event; an exception out of `run` is a bug.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from speakerd.core.usage import Usage
from speakerd.ports import Player, Post, ToolSpec
from speakerd.realtime import messages
from speakerd.realtime.endpoints import Endpoint
from speakerd.realtime.link import Link, OnUsage, Surroundings, Trace
from speakerd.realtime.messages import ClientEvent
from speakerd.settings import EndpointSettings


def _no_trace(direction: str, kind: str, event: Mapping[str, object]) -> None:
    """Nobody watches."""


def _no_ledger(session: int, response_id: str, usage: Usage) -> None:
    """Nobody counts."""


_LINGER_SECONDS = 0.1
"""What the microphone heard before a session was closed is still on its way through another thread."""


class RealtimeSessions:
    """Opens, feeds and closes sessions; methods other than `run` return at once and are for the loop's thread.

    `finds_turns` says whether the endpoint decides when an utterance is over; else whoever commits it does.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        tools: Sequence[ToolSpec],
        player: Player,
        post: Post,
        settings: EndpointSettings,
        *,
        finds_turns: bool = True,
        trace: Trace | None = None,
        on_usage: OnUsage | None = None,
    ) -> None:
        asked = replace(endpoint, instructions=settings.instructions, voice=settings.voice or endpoint.voice)
        setup = messages.session(asked if finds_turns else replace(asked, turns=None), tools)
        self._around = Surroundings(
            endpoint=endpoint,
            setup=setup,
            player=player,
            post=post,
            connect_seconds=settings.connect_seconds,
            trace=trace or _no_trace,
            on_usage=on_usage or _no_ledger,
        )
        self._links: dict[int, Link] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._openings: asyncio.Queue[tuple[int, Link] | None] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self) -> None:
        """Own the sessions' tasks until cancelled or `close_all`; raises (in a group) what is a bug in one of them."""
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                while (opening := await self._openings.get()) is not None:
                    session, link = opening
                    if self._links.get(session) is link:
                        self._tasks[session] = group.create_task(self._live(session, link))
        finally:
            self._idle.set()

    async def close_all(self) -> None:
        """Close every session, and wait until all are closed and `run` has returned."""
        for session in list(self._links):
            self.close(session)
        self._openings.put_nowait(None)
        await self._idle.wait()

    def open(
        self,
        session: int,
        endpoint: int = 0,
        *,
        continues: int | None = None,
        resend: bool = False,
        after_seconds: float = 0.0,
    ) -> None:
        """Connect and set up in the background; answered by SessionOpened or SessionClosed."""
        link = Link(session, self._around)
        self._links[session] = link
        self._openings.put_nowait((session, link))

    def close(self, session: int) -> None:
        """Close in the background and report nothing more of it."""
        link = self._links.get(session)
        if link is None:
            return
        link.close()
        if link.is_up:
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._hang_up, session, link)
        else:
            self._hang_up(session, link)

    def append_audio(self, session: int, pcm: bytes) -> None:
        """Send microphone audio: mono 16-bit little-endian PCM at 24 kHz; dropped unless the session is up."""
        if link := self._links.get(session):
            link.append_audio(pcm)

    def send_text(self, session: int, text: str) -> None:
        """Add a user message."""
        self._send(session, messages.user_text(text))

    def send_tool_output(self, session: int, call_id: str, output: str) -> None:
        """Answer a function call."""
        self._send(session, messages.tool_output(call_id, output))

    def commit_utterance(self, session: int) -> None:
        """Make a user message of the audio that was sent since the last one."""
        self._send(session, messages.commit_audio())

    def create_response(self, session: int, *, aloud: bool = True, resume: bool = False) -> None:
        """Ask for a response."""
        if link := self._links.get(session):
            link.create_response()

    def cancel_response(self, session: int, response_id: str) -> None:
        """Cancel a response and drop what still arrives of it."""
        if link := self._links.get(session):
            link.cancel_response(response_id)

    def truncate(self, session: int, item_id: str, played_ms: int) -> None:
        """Cut an item to what was heard of it."""
        if link := self._links.get(session):
            link.truncate(item_id, played_ms)

    def delete_item(self, session: int, item_id: str) -> None:
        """Remove an item from the conversation."""
        self._send(session, messages.delete_item(item_id))

    def tell_facts(self, session: int) -> None:
        """Add what changes from turn to turn."""

    def forget_facts(self, session: int) -> None:
        """Remove it."""

    def _send(self, session: int, event: ClientEvent) -> None:
        if link := self._links.get(session):
            link.send(event)

    def _hang_up(self, session: int, link: Link) -> None:
        if self._links.get(session) is link:
            del self._links[session]
            if task := self._tasks.pop(session, None):
                task.cancel()

    async def _live(self, session: int, link: Link) -> None:
        try:
            await link.run()
        finally:
            if self._links.get(session) is link:
                del self._links[session], self._tasks[session]
