"""The daemon's loop with the real sessions, tools and control socket, on a Realtime server that others wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from aimock_host import HELLO, Aimock, Wire, aimock, custom, fixture
from fakes import Told, fake_devices
from realtime_stage import StoryPlayer
from speakerd.core.endpoints import EndpointRule
from speakerd.core.events import CardFound, Event, SessionOpened, StopAsked, ToolFinished
from speakerd.core.state import Idle, Rules, State
from speakerd.daemon import Daemon
from speakerd.errors import ControlError
from speakerd.realtime.session import RealtimeSessions
from speakerd.service.client import request
from speakerd.service.control import ControlServer
from speakerd.service.notify import Notifier
from speakerd.service.telling import Telling, snapshot
from speakerd.tools.everyday import everyday_tools, kept_in
from speakerd.tools.registry import ToolRunner

SET_TIMER: Wire = {"name": "set_timer", "arguments": {"minutes": 10, "label": "pasta"}, "id": "call_1"}
TIMER: list[Wire] = [
    {"match": {"userMessage": "timer", "hasToolResult": False}, "response": {"toolCalls": [SET_TIMER]}},
    {"match": {"userMessage": "timer", "toolResultContains": "ten minutes"}, "response": {"content": "It runs."}},
]


ERROR: Wire = {"message": "no", "type": "insufficient_quota", "code": "insufficient_quota"}
POOR = fixture("hello", {"error": ERROR, "status": 429})


@dataclass
class Speaker:
    """A speaker without sound."""

    control: Path
    told: Told
    happened: list[Event] = field(default_factory=list)

    async def asked(self, text: str) -> str:
        """What the assistant answers to a text; raises ControlError."""
        answers = [answer async for answer in request(self.control, {"do": "ask", "text": text})]
        return " ".join(answer["text"] for answer in answers if answer["event"] == "transcript")


@asynccontextmanager
async def speaker(folder: Path, *servers: Aimock) -> AsyncIterator[Speaker]:
    told = Told()
    kitchen = Speaker(folder / "control.sock", told)

    def remember(event: Event, before: State, after: State) -> None:
        kitchen.happened.append(event)

    observers = [remember]
    daemon = Daemon(Rules(endpoints=tuple(EndpointRule(server.address) for server in servers)), observers)
    control = ControlServer(kitchen.control, daemon.post, lambda: snapshot(daemon.state))
    observers.append(Telling(control, Notifier()))
    kept = kept_in(folder, daemon.post, asyncio.get_running_loop())
    offered = everyday_tools(kept, daemon.post, lambda: 0.5, lambda _: None)
    tools = ToolRunner(offered, daemon.post, deadline_seconds=10)
    endpoints = [custom(server.url) for server in servers]
    sessions = RealtimeSessions(endpoints, tools.specs, StoryPlayer([]), daemon.post)
    devices = replace(fake_devices(told), sessions=sessions, tools=tools, control=control)
    with closing(control):
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            owners = [group.create_task(sessions.run()), group.create_task(control.run())]
            running = group.create_task(daemon.run(devices))
            daemon.post(CardFound())
            try:
                yield kitchen
                assert isinstance(daemon.state.phase, Idle)
            finally:
                daemon.post(StopAsked())
                await running
                await sessions.close_all()
                await tools.close()
                kept.timers.cancel_all()
                for owner in owners:
                    owner.cancel()


async def test_a_question_a_tool_and_an_answer(tmp_path: Path) -> None:
    async with aimock(tmp_path, *TIMER, strict=True) as server, speaker(tmp_path, server) as kitchen:
        assert await kitchen.asked("Set a pasta timer for ten minutes!") == "It runs."
        (finished,) = [event for event in kitchen.happened if isinstance(event, ToolFinished)]
        assert "ten minutes" in finished.output
        assert len(json.loads((tmp_path / "timers.json").read_text())["timers"]) == 1
        assert not [line for line in kitchen.told.lines if line.startswith("open uplink")]


async def test_questions_one_after_another(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO, *TIMER, strict=True) as server, speaker(tmp_path, server) as kitchen:
        assert await kitchen.asked("hello") == "Good morning to you."
        assert await kitchen.asked("Start my timer!") == "It runs."
        assert await kitchen.asked("hello again") == "Good morning to you."


async def test_an_answer_that_breaks_off_is_given_by_the_next_session(tmp_path: Path) -> None:
    broken = {**HELLO, "match": {"userMessage": "hello", "sequenceIndex": 0}, "truncateAfterChunks": 1, "chunkSize": 4}
    async with aimock(tmp_path, broken, HELLO, strict=True) as server, speaker(tmp_path, server) as kitchen:
        assert await kitchen.asked("hello") == "Good morning to you."
        assert [event.session for event in kitchen.happened if isinstance(event, SessionOpened)] == [1, 2]
        first, second = await server.understood()
        assert second[: len(first)] == first


@pytest.mark.parametrize("trouble", ["wrong key", "no credit", "stopped"])
async def test_what_one_endpoint_refuses_another_does(tmp_path: Path, trouble: str) -> None:
    (tmp_path / "other").mkdir()
    key = "of somebody else" if trouble == "wrong key" else ""
    answers = POOR if trouble == "no credit" else HELLO
    async with aimock(tmp_path, answers, key=key) as first, aimock(tmp_path / "other", HELLO) as other:
        if trouble == "stopped":
            await first.end()
        async with speaker(tmp_path, first, other) as kitchen:
            assert await kitchen.asked("hello") == "Good morning to you."
            assert await kitchen.asked("hello") == "Good morning to you."
            served = await other.understood()
            assert len(served) == 2, "the first is left out from then on"


async def test_no_answer_is_told(tmp_path: Path) -> None:
    async with aimock(tmp_path, POOR) as server, speaker(tmp_path, server) as kitchen:
        with pytest.raises(ControlError, match="could not answer: no credit"):
            await kitchen.asked("hello")
