"""The control socket, with real clients on a real Unix socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from speakerd.core.events import EndAsked, Event, MuteAsked, RetryAsked, SayAsked, TextAsked
from speakerd.errors import ControlError, RefusedError, ToolError
from speakerd.service.client import request
from speakerd.service.control import ControlServer, Everywhere, Knob
from speakerd.service.wire import LONGEST_LINE, LONGEST_SAID

IDLE: dict[str, object] = {"phase": "idle", "light": "idle", "muted": False, "ringing": False}
SPEAKING: dict[str, object] = {"phase": "speaking", "light": "speaking", "muted": False, "ringing": False}
RINGING: dict[str, object] = {"phase": "idle", "light": "ringing", "muted": False, "ringing": True}
MUTED: dict[str, object] = {"phase": "idle", "light": "muted", "muted": True, "ringing": False}

HELLO = {"event": "transcript", "talker": "assistant", "text": "Hello."}
HEARD = {"event": "transcript", "talker": "user", "text": "Say hello."}
PHASE = {"event": "phase", "phase": "thinking", "light": "thinking", "muted": False}
TOOL = {"event": "tool", "name": "set_timer"}


@dataclass
class Daemon:
    """As much of a daemon as the socket sees; `on_post` is its answer to an event."""

    now: dict[str, object] = field(default_factory=lambda: dict(IDLE))
    posted: list[Event] = field(default_factory=list)
    on_post: Callable[[Event], None] = lambda event: None

    def post(self, event: Event) -> None:
        self.posted.append(event)
        self.on_post(event)

    def snapshot(self) -> Mapping[str, object]:
        return self.now


@asynccontextmanager
async def serving(path: Path, daemon: Daemon, everywhere: Everywhere | None = None) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, daemon.post, daemon.snapshot, everywhere=everywhere)
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(10):
            yield server
    finally:
        running.cancel()
        await asyncio.wait([running])
        server.close()
    assert running.cancelled()


async def answers(path: Path, command: Mapping[str, object]) -> list[dict[str, Any]]:
    return [answer async for answer in request(path, command)]


async def refusal(path: Path, command: Mapping[str, object]) -> str:
    with pytest.raises(RefusedError) as raised:
        await answers(path, command)
    return str(raised.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def test_status_is_the_snapshot(path: Path) -> None:
    async with serving(path, Daemon(now=SPEAKING)):
        assert await answers(path, {"do": "status"}) == [{"event": "snapshot", **SPEAKING}]


async def test_an_ask_is_posted_and_answered_by_what_concerns_it(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:

        def answer(event: Event) -> None:
            for told in (PHASE, HEARD, TOOL, HELLO, {"event": "answered", "request": 1}, HELLO):
                server.publish(told)

        daemon.on_post = answer
        assert await answers(path, {"do": "ask", "text": "  Say hello. "}) == [TOOL, HELLO]
    assert daemon.posted == [TextAsked(1, "Say hello.", aloud=True)]


async def test_an_ask_may_be_answered_in_writing_alone(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:

        def answer(event: Event) -> None:
            server.publish(HELLO)
            server.publish({"event": "answered", "request": 1})

        daemon.on_post = answer
        assert await answers(path, {"do": "ask", "text": "Say hello.", "aloud": False}) == [HELLO]
    assert daemon.posted == [TextAsked(1, "Say hello.", aloud=False)]


async def test_a_say_is_posted_and_ends_when_it_is_over_without_a_word(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:

        def speak(event: Event) -> None:
            for told in (PHASE, HELLO, TOOL, {"event": "answered", "request": 2}, {"event": "answered", "request": 1}):
                server.publish(told)

        daemon.on_post = speak
        assert await answers(path, {"do": "say", "text": " The post is here.\n"}) == []
    assert daemon.posted == [SayAsked(1, "The post is here.")]


async def test_what_is_said_everywhere_is_told_to_the_others_first(path: Path) -> None:
    daemon = Daemon()
    others: list[str] = []

    async def everywhere(text: str) -> None:
        assert not daemon.posted
        others.append(text)

    async with serving(path, daemon, everywhere) as server:
        daemon.on_post = lambda event: server.publish({"event": "answered", "request": len(daemon.posted)})
        assert await answers(path, {"do": "say", "text": " Dinner.\n", "everywhere": True}) == []
        assert await answers(path, {"do": "say", "text": "Only here.", "everywhere": False}) == []
    assert others == ["Dinner."]
    assert daemon.posted == [SayAsked(1, "Dinner."), SayAsked(2, "Only here.")]


async def _nobody(_: str) -> None:
    raise ToolError("Nobody hears it.")


@pytest.mark.parametrize(
    ("everywhere", "sentence"),
    [(None, 'Other speakers are reached over MQTT: set "mqtt.host".'), (_nobody, "Nobody hears it.")],
)
async def test_what_cannot_be_said_everywhere_is_said_nowhere(
    path: Path, everywhere: Everywhere | None, sentence: str
) -> None:
    daemon = Daemon()
    async with serving(path, daemon, everywhere):
        assert await refusal(path, {"do": "say", "text": "Dinner.", "everywhere": True}) == sentence
    assert not daemon.posted


async def test_a_say_and_an_ask_are_told_apart_by_their_numbers(path: Path) -> None:
    daemon = Daemon()
    both = asyncio.Event()
    daemon.on_post = lambda event: both.set() if len(daemon.posted) == 2 else None
    async with serving(path, daemon) as server, asyncio.TaskGroup() as group:
        asked = group.create_task(answers(path, {"do": "ask", "text": "hello"}))
        said = group.create_task(refusal(path, {"do": "say", "text": "hello"}))
        await both.wait()
        numbers = {type(event): event.request for event in daemon.posted if isinstance(event, TextAsked | SayAsked)}
        server.refuse(numbers[SayAsked], "There is too much to say already.")
        assert await said == "There is too much to say already."
        server.publish({"event": "answered", "request": numbers[SayAsked]})
        server.publish(HELLO)
        server.publish({"event": "answered", "request": numbers[TextAsked]})
        assert await asked == [HELLO]


async def test_halves_of_characters_go_no_further(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:
        daemon.on_post = lambda event: server.publish({"event": "answered", "request": 1})
        assert await answers(path, {"do": "say", "text": "It is \ud83d on, \u00e9!"}) == []
    assert daemon.posted == [SayAsked(1, "It is ? on, \u00e9!")]


async def test_the_longest_text_is_said(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:
        daemon.on_post = lambda event: server.publish({"event": "answered", "request": 1})
        assert await answers(path, {"do": "say", "text": "x" * LONGEST_SAID}) == []
    assert daemon.posted == [SayAsked(1, "x" * LONGEST_SAID)]


async def test_each_ask_ends_with_its_own_number(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:
        daemon.on_post = lambda event: server.publish({"event": "answered", "request": len(daemon.posted)})
        assert await answers(path, {"do": "ask", "text": "one"}) == []
        assert await answers(path, {"do": "ask", "text": "two"}) == []

        def answer(event: Event) -> None:
            for told in ({"event": "answered", "request": 1}, HELLO, {"event": "answered", "request": 3}):
                server.publish(told)

        daemon.on_post = answer
        assert await answers(path, {"do": "ask", "text": "three"}) == [HELLO]
    assert daemon.posted == [TextAsked(1, "one"), TextAsked(2, "two"), TextAsked(3, "three")]


async def test_who_asks_hears_of_the_conversation_until_the_answer_is_over(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:
        daemon.on_post = lambda event: server.publish({"event": "answered", "request": 1})
        reader, writer = await asyncio.open_unix_connection(str(path))
        for command in (b'{"do": "mute"}\n', b'{"do": "ask", "text": "hello"}\n'):
            writer.write(command)
            assert json.loads(await reader.readline()) == {"done": True}
            server.publish(HELLO)
        writer.write(b'{"do": "status"}\n')
        assert json.loads(await reader.readline()) == {"event": "snapshot", **IDLE}
        writer.close()


async def test_a_refused_ask_is_one_sentence(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server:
        daemon.on_post = lambda event: server.refuse(1, "A conversation is going on: try again later.")
        assert await refusal(path, {"do": "ask", "text": "x"}) == "A conversation is going on: try again later."
        server.refuse(1, "nobody waits for this")


async def test_following_is_the_snapshot_and_then_every_event(path: Path) -> None:
    daemon = Daemon()
    async with serving(path, daemon) as server, aclosing(request(path, {"do": "follow"})) as events:
        assert await anext(events) == {"event": "snapshot", **IDLE}
        for event in (PHASE, HEARD, TOOL, HELLO):
            server.publish(event)
        assert [await anext(events) for _ in range(4)] == [PHASE, HEARD, TOOL, HELLO]


@pytest.mark.parametrize(
    ("command", "posted"),
    [("mute", MuteAsked(True)), ("unmute", MuteAsked(False)), ("stop", EndAsked()), ("retry", RetryAsked())],
)
async def test_a_command_is_a_wish_for_the_core(path: Path, command: str, posted: Event) -> None:
    daemon = Daemon(IDLE)
    async with serving(path, daemon):
        assert await answers(path, {"do": command}) == []
    assert daemon.posted == [posted]


NO_OBJECT = "A line must be one JSON object."
NO_COMMAND = (
    'A request must have a "do" that is one of ask, follow, mute, retry, say, scores, status, stop, tools, tune, '
    "unmute, volume."
)
NO_TEXT = 'An "ask" needs a "text" that is not empty.'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"hello", NO_OBJECT),
        (b"", NO_OBJECT),
        (b'["do", "status"]', NO_OBJECT),
        (b"\xff\xfe", NO_OBJECT),
        (b"[" * 10_000, NO_OBJECT),
        (b"{}", NO_COMMAND),
        (b'{"do": "dance"}', NO_COMMAND),
        (b'{"do": ["status"]}', NO_COMMAND),
        (b'{"do": "ask"}', NO_TEXT),
        (b'{"do": "ask", "text": 5}', NO_TEXT),
        (b'{"do": "ask", "text": " "}', NO_TEXT),
        (b'{"do": "ask", "text": "x", "aloud": 1}', '"aloud" must be true or false.'),
        (b'{"do": "say"}', 'A "say" needs a "text" that is not empty.'),
        (b'{"do": "say", "text": "\\n"}', 'A "say" needs a "text" that is not empty.'),
        (b'{"do": "say", "text": "a", "everywhere": 1}', '"everywhere" must be true or false.'),
        (
            b'{"do": "say", "text": "%s"}' % (b"x" * 2001),
            "At most 2000 characters can be said at once, and these are 2001: say them in parts.",
        ),
        (b"x" * (LONGEST_LINE + 1), f"A line must not be longer than {LONGEST_LINE} bytes."),
    ],
)
async def test_a_bad_line_is_answered_with_one_sentence(path: Path, line: bytes, sentence: str) -> None:
    daemon = Daemon()
    async with serving(path, daemon):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line + b"\n")
        assert json.loads(await reader.readline()) == {"error": sentence}
        if len(line) <= LONGEST_LINE:
            writer.write(b'{"do": "status"}\n')
            assert json.loads(await reader.readline()) == {"event": "snapshot", **IDLE}
        writer.close()
    assert daemon.posted == []


async def test_a_last_line_needs_no_newline(path: Path) -> None:
    async with serving(path, Daemon()):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"do": "status"}')
        writer.write_eof()
        lines = [json.loads(line) for line in (await reader.read()).splitlines()]
        writer.close()
    assert lines == [{"event": "snapshot", **IDLE}, {"done": True}]


async def test_a_client_that_does_not_read_is_dropped_and_harms_nobody(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    long_text = {"event": "transcript", "talker": "assistant", "text": "x" * 50_000}
    async with serving(path, Daemon()) as server:
        deaf_reader, deaf_writer = await asyncio.open_unix_connection(str(path), limit=1024)
        deaf_writer.write(b'{"do": "follow"}\n')
        await deaf_reader.readline()
        for _ in range(60):
            server.publish(long_text)
        server.publish(HELLO)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await deaf_reader.readexactly(60 * 50_000)
        deaf_writer.close()
        assert await answers(path, {"do": "status"}) == [{"event": "snapshot", **IDLE}]
    assert [record.getMessage() for record in caplog.records] == [
        "A client of the control socket does not read what it asked for: it is dropped."
    ]


async def test_clients_that_left_are_forgotten(path: Path) -> None:
    daemon = Daemon()
    asked = asyncio.Event()
    daemon.on_post = lambda event: asked.set()
    async with serving(path, daemon) as server:
        async with aclosing(request(path, {"do": "follow"})) as events:
            await anext(events)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"do": "ask", "text": "hello"}\n')
        await asked.wait()
        writer.close()
        await answers(path, {"do": "status"})
        server.publish(HELLO)
        server.publish({"event": "answered", "request": 1})
        server.refuse(1, "nobody waits for this")
        assert await reader.read() == b""


async def test_the_end_of_the_daemon_is_told_to_who_waits(path: Path) -> None:
    daemon = Daemon()
    posted = asyncio.Event()
    daemon.on_post = lambda event: posted.set()
    async with serving(path, daemon):
        waiting = asyncio.create_task(answers(path, {"do": "ask", "text": "hello"}))
        await posted.wait()
    with pytest.raises(ControlError) as raised:
        await waiting
    assert str(raised.value) == f"speakerd ended before it had answered at {path}: look at its log."
    assert not isinstance(raised.value, RefusedError)


@dataclass
class Loudness:
    level: float = 0.5
    kept: list[float] = field(default_factory=list)

    def set(self, level: float) -> None:
        self.level = level
        self.kept.append(level)

    @property
    def knob(self) -> Knob:
        return Knob(lambda: self.level, self.set)


@pytest.mark.parametrize(
    ("change", "percent", "kept"),
    [
        ({}, 50, []),
        ({"percent": 40}, 40, [0.4]),
        ({"percent": 0}, 0, [0.0]),
        ({"by": 10}, 60, [0.6]),
        ({"by": -10}, 40, [0.4]),
        ({"by": 100}, 100, [1.0]),
        ({"by": -100}, 0, [0.0]),
    ],
)
async def test_the_volume_is_told_and_changed(
    change: Mapping[str, object], percent: int, kept: list[float], path: Path
) -> None:
    loudness = Loudness()
    async with serving(path, Daemon()) as server:
        server.knob = loudness.knob
        assert await answers(path, {"do": "volume", **change}) == [{"event": "volume", "percent": percent}]
    assert loudness.kept == kept


@pytest.mark.parametrize(
    "change",
    [
        *({"percent": 101}, {"percent": -1}, {"percent": 0.5}, {"percent": True}, {"by": "up"}, {"by": 101}),
        *({"percent": 1, "by": 1}, {"level": 1}),
    ],
)
async def test_a_volume_that_is_none_changes_nothing(change: Mapping[str, object], path: Path) -> None:
    loudness = Loudness()
    async with serving(path, Daemon()) as server:
        server.knob = loudness.knob
        assert await refusal(path, {"do": "volume", **change}) == (
            'A "volume" needs a "percent" from 0 to 100, or a "by" from -100 to 100.'
        )
    assert loudness.kept == []


async def test_before_there_is_a_card_there_is_no_volume_and_no_tool(path: Path) -> None:
    async with serving(path, Daemon()):
        assert await refusal(path, {"do": "volume"}) == "The volume is not known yet: ask again."
        assert await answers(path, {"do": "tools"}) == [{"event": "tools", "tools": []}]


async def test_the_tools_of_now_are_told(path: Path) -> None:
    tool: Mapping[str, object] = {"name": "set_light", "description": "x", "verdict": "allow", "rules": []}
    async with serving(path, Daemon()) as server:
        server.inventory = lambda: [tool]
        assert await answers(path, {"do": "tools"}) == [{"event": "tools", "tools": [tool]}]
