"""The owner of all Realtime sessions: one task each, so that closing one never waits for another.

Implements `ports.Sessions`. What ends a session is reported as an event; an exception out of `run` is a bug.
A conversation's memory is handed on from session to session, and forgotten when no session can continue it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from speakerd.core.usage import Billed
from speakerd.ports import Player, Post, ToolSpec
from speakerd.realtime import messages_setup
from speakerd.realtime.connection import Trace
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.link import Link, OnUsage, Surroundings
from speakerd.realtime.memory import Memory
from speakerd.realtime.opening import Opening


def _no_trace(direction: str, kind: str, event: Mapping[str, object]) -> None:
    """Nobody watches."""


def _no_ledger(billed: Billed) -> None:
    """Nobody counts."""


def _no_facts() -> str:
    """Nothing changes."""
    return ""


def _one_time_code() -> str:
    """Three digits to be said aloud; a call has one try, and half a minute."""
    return f"{secrets.randbelow(1000):03}"


_LINGER_SECONDS = 0.1
"""What the microphone heard before a session was closed is still on its way through another thread."""
_KEPT_SECONDS = 120.0
"""A session that goes on with a conversation may wait until what was received of the last answer is played."""
_JITTER = 0.25
"""Share of a wait by which it varies, so that many speakers do not come back at the same moment."""


class RealtimeSessions:
    """Opens, feeds and closes sessions; methods other than `run` return at once and are for the loop's thread."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        tools: Callable[[], Sequence[ToolSpec]],
        player: Player,
        post: Post,
        *,
        facts: Callable[[], str] | None = None,
        trace: Trace | None = None,
        on_usage: OnUsage | None = None,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        code: Callable[[], str] = _one_time_code,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._tools = tools
        self._offered: Sequence[ToolSpec] = ()
        self._setups: list[Mapping[str, object]] = []
        self._around = Surroundings(
            player=player,
            post=post,
            facts=facts or _no_facts,
            now=now,
            code=code,
            trace=trace or _no_trace,
            on_usage=on_usage or _no_ledger,
        )
        self._chance = chance
        self._memories: dict[int, Memory] = {}
        """By all the sessions that had them."""
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
        wait_seconds = after_seconds * (1 - _JITTER + 2 * _JITTER * self._chance())
        opening = Opening(
            session=session,
            endpoint=self._endpoints[endpoint],
            setup=self._setup(endpoint),
            memory=self._memory(session, continues),
            resend=resend,
            wait_seconds=wait_seconds,
        )
        link = Link(opening, self._around)
        self._links[session] = link
        self._openings.put_nowait((session, link))

    def close(self, session: int) -> None:
        """Close in the background and report nothing more of it; what was said is kept for a session that follows."""
        link = self._links.get(session)
        if link is None:
            return
        link.close()
        if link.is_up:
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._hang_up, session, link)
        else:
            self._hang_up(session, link)

    def append_audio(self, session: int, pcm: bytes) -> None:
        """Send microphone audio: mono 16-bit little-endian PCM at 24 kHz; dropped before the session is up.

        What is still heard for a session that broke off is sent again with what was heard before.
        """
        if link := self._links.get(session):
            link.append_audio(pcm)
        elif (memory := self._memories.get(session)) and not self._is_up(memory.session):
            memory.unanswered.sent(pcm)

    def send_text(self, session: int, text: str) -> None:
        """Add a user message."""
        if link := self._links.get(session):
            link.send_text(text)

    def send_note(self, session: int, text: str) -> None:
        """Tell the model what happened beside the conversation."""
        if link := self._links.get(session):
            link.send_note(text)

    def send_tool_output(self, session: int, call_id: str, output: str) -> None:
        """Answer a function call, perhaps one that was made in a session before."""
        if memory := self._memories.get(session):
            memory.history.add_output(call_id, output)
        if link := self._latest(session):
            link.send_tool_output(call_id, output)

    def commit_utterance(self, session: int) -> None:
        """Make a user message of the audio that was sent since the last one."""
        if link := self._links.get(session):
            link.commit_utterance()

    def create_response(self, session: int, *, aloud: bool = True, resume: bool = False) -> None:
        """Ask for a response."""
        if link := self._links.get(session):
            link.create_response(aloud=aloud, resume=resume)

    def cancel_response(self, session: int, response_id: str) -> None:
        """Cancel a response and drop what still arrives of it."""
        if link := self._links.get(session):
            link.cancel_response(response_id)

    def truncate(self, session: int, item_id: str, played_ms: int) -> None:
        """Cut an item to what was heard of it, perhaps one of a session before."""
        if memory := self._memories.get(session):
            memory.history.cut(item_id, played_ms)
        if link := self._latest(session):
            link.truncate(item_id, played_ms)

    def delete_item(self, session: int, item_id: str) -> None:
        """Remove an item from the conversation, perhaps one of a session before."""
        if memory := self._memories.get(session):
            memory.history.delete(item_id)
        if link := self._latest(session):
            link.delete_item(item_id)

    def tell_facts(self, session: int) -> None:
        """Add what changes from turn to turn."""
        if link := self._links.get(session):
            link.tell_facts()

    def forget_facts(self, session: int) -> None:
        """Remove it."""
        if link := self._links.get(session):
            link.forget_facts()

    def _setup(self, endpoint: int) -> Mapping[str, object]:
        """What to tell the endpoint; prompt caching needs the same bytes for as long as the tools are the same."""
        offered = tuple(self._tools())
        if offered != self._offered or not self._setups:
            self._offered = offered
            self._setups = [messages_setup.session(each, offered) for each in self._endpoints]
        return self._setups[endpoint]

    def _memory(self, session: int, continues: int | None) -> Memory:
        """The memory of the conversation that a new session belongs to; what nobody can continue any more is gone."""
        memory = self._memories.get(continues) if continues is not None else None
        if memory is None:
            alive = [self._memories[number] for number, link in self._links.items() if not link.is_closed]
            self._memories = {number: kept for number, kept in self._memories.items() if kept in alive}
            memory = Memory(session, session)
        memory.session = session
        self._memories[session] = memory
        return memory

    def _forget(self, session: int) -> None:
        """Forget a conversation whose session is over, unless another one has taken it up."""
        memory = self._memories.get(session)
        if memory is not None and memory.session == session:
            self._memories = {number: kept for number, kept in self._memories.items() if kept is not memory}

    def _is_up(self, session: int) -> bool:
        link = self._links.get(session)
        return link is not None and link.is_up

    def _latest(self, session: int) -> Link | None:
        """The link of the session that continues this one, or of this one itself."""
        memory = self._memories.get(session)
        return self._links.get(memory.session) if memory else None

    def _hang_up(self, session: int, link: Link) -> None:
        if self._links.get(session) is link:
            task = self._tasks.get(session)
            self._part_with(session)
            if task is not None:
                task.cancel()

    async def _live(self, session: int, link: Link) -> None:
        try:
            await link.run()
        finally:
            if self._links.get(session) is link:
                self._part_with(session)

    def _part_with(self, session: int) -> None:
        del self._links[session]
        self._tasks.pop(session, None)
        asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._forget, session)
