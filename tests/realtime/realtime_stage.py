"""A stage for stories: our sessions between a fake server and a fake player; what they do is written down in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from fake_server import FakeServer, user_transcript
from speakerd.core import events
from speakerd.core.effects import Cue, PlayoutLevel
from speakerd.core.events import Event, SessionOpened, Status, Talker
from speakerd.core.usage import Billed
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoints import Endpoint, endpoint
from speakerd.realtime.responses import Finish, Play
from speakerd.realtime.session import RealtimeSessions
from speakerd.settings import EndpointSettings

E = TypeVar("E")

TICK = b"\x01\x00" * 240
"""10 ms."""
TOCK = b"\x02\x00" * 480
"""20 ms."""
USAGE = {"input_token_details": {"text_tokens": 9}, "output_token_details": {"audio_tokens": 4}}

OPENED = events.SessionOpened(1)
CREATED = events.ResponseCreated(1, "resp_1")
STARTED = events.AnswerStarted(1, "resp_1", "item_1")
COMPLETED = events.ResponseEnded(1, "resp_1", Status.COMPLETED)
CALLED = events.ToolCalled(1, "resp_1", "c1", "clock", "{}")
MARK = user_transcript("mark", "mark")
MARKED = events.Transcribed(1, "mark", Talker.USER, "mark")
"""Comes after all that matters in a story."""

CLOCK = ToolSpec("clock", "Tells the time.", {"type": "object", "properties": {}}, ("what time is it",))


class StoryPlayer:
    """A player that only writes down what it is told."""

    def __init__(self, story: list[object]) -> None:
        self._story = story

    def play(self, item_id: str, pcm: bytes) -> None:
        self._story.append(Play(item_id, pcm))

    def finish(self, item_id: str) -> None:
        self._story.append(Finish(item_id))

    def stop(self) -> None:
        raise AssertionError("sessions never stop the player")

    def set_level(self, level: PlayoutLevel) -> None:
        raise AssertionError("sessions never change how loud answers are")

    def cue(self, cue: Cue) -> None:
        raise AssertionError("sessions never play cues")

    def start_ringing(self) -> None:
        raise AssertionError("sessions never ring")

    def stop_ringing(self) -> None:
        raise AssertionError("sessions never ring")


@dataclass
class Stage:
    sessions: RealtimeSessions
    story: list[object]
    usages: list[tuple[Billed, int]]
    """What was booked, and the length of the story then."""
    facts: list[str]
    """What the last of them says is told."""
    traced: list[tuple[str, str, bool]]
    """(direction, type, whether its content was shown)."""
    running: asyncio.Task[None]
    posted: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    async def until(self, kind: type[E]) -> E:
        """The next event of a kind; those before it are taken too."""
        async with asyncio.timeout(10):
            while True:
                event = await self.posted.get()
                if isinstance(event, kind):
                    return event

    async def opened(self) -> Stage:
        """This stage, session 1 being up."""
        self.sessions.open(1)
        await self.until(SessionOpened)
        return self


def custom(server: FakeServer) -> Endpoint:
    return endpoint(EndpointSettings(name="custom", url=server.url, model="gpt-x"), Path("/none"), {})


@asynccontextmanager
async def stage(
    *where: Endpoint,
    connect_seconds: float = 10.0,
    tools: Sequence[ToolSpec] = (CLOCK,),
    finds_turns: bool = True,
    chance: float = 0.5,
) -> AsyncIterator[Stage]:
    """Sessions with some endpoints that run, and that have left nothing behind at the end."""
    before = asyncio.all_tasks()
    story: list[object] = []
    posted: asyncio.Queue[Event] = asyncio.Queue()
    usages: list[tuple[Billed, int]] = []
    facts = [""]
    traced: list[tuple[str, str, bool]] = []

    def post(event: Event) -> None:
        story.append(event)
        posted.put_nowait(event)

    def trace(direction: str, kind: str, event: Mapping[str, object]) -> None:
        audio_length = event.get("audio", event.get("delta"))
        traced.append((direction, kind, not isinstance(audio_length, int)))

    endpoints = [replace(each, connect_seconds=connect_seconds, instructions="Be brief.") for each in where]
    sessions = RealtimeSessions(
        endpoints if finds_turns else [replace(each, turns=None) for each in endpoints],
        lambda: tools,
        StoryPlayer(story),
        post,
        trace=trace,
        facts=lambda: facts[-1],
        on_usage=lambda billed: usages.append((billed, len(story))),
        chance=lambda: chance,
    )
    running = asyncio.create_task(sessions.run())
    try:
        yield Stage(sessions, story, usages, facts, traced, running, posted)
    finally:
        async with asyncio.timeout(10):
            await sessions.close_all()
            await asyncio.gather(running, return_exceptions=True)
    left = {task for task in asyncio.all_tasks() - before if "realtime" in repr(task.get_coro())}
    assert left == set()
