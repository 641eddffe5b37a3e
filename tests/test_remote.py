"""What an owner types while the speaker runs, on a real socket: what is asked, what is printed, how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from speakerd.cli import main
from speakerd.core.events import Event, RetryAsked, SayAsked, TextAsked
from speakerd.service.control import ControlServer, Knob

FAILED, UNAVAILABLE = 1, 69
SNAPSHOT: Mapping[str, object] = {"phase": "idle", "light": "idle", "muted": False, "card": "up", "fault": None}


@dataclass
class Daemon:
    """As much of a daemon as the socket sees; `on_post` is its answer to an event."""

    posted: list[Event] = field(default_factory=list)
    on_post: Callable[[Event], None] = lambda event: None

    def post(self, event: Event) -> None:
        self.posted.append(event)
        self.on_post(event)


@asynccontextmanager
async def serving(folder: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ControlServer]:
    path = folder / "control.sock"
    monkeypatch.setenv("SPEAKERD_CONTROL__SOCKET", str(path))
    server = ControlServer(path, daemon.post, lambda: SNAPSHOT)
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(20):
            yield server
    finally:
        running.cancel()
        await asyncio.wait([running])
        server.close()


async def typed(*words: str) -> int:
    """The exit code of a command line."""
    return await asyncio.to_thread(main, words)


def ends(server: ControlServer, events: Sequence[Mapping[str, object]] = ()) -> Callable[[Event], None]:
    """An answer to every text: these events, then its end."""

    def answer(event: Event) -> None:
        assert isinstance(event, TextAsked | SayAsked)
        for told in (*events, {"event": "answered", "request": event.request}):
            server.publish(told)

    return answer


async def test_say_waits_until_it_is_spoken_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon()
    async with serving(tmp_path, daemon, monkeypatch) as server:
        daemon.on_post = ends(server)
        assert await typed("say", "The post", "is here.") == 0
    assert daemon.posted == [SayAsked(1, "The post is here.")]
    assert capsys.readouterr() == ("", "")


async def test_say_everywhere_needs_a_way_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon()
    async with serving(tmp_path, daemon, monkeypatch):
        assert await typed("say", "--everywhere", "The post is here.") == FAILED
    assert daemon.posted == []
    sentence = 'speakerd: Other speakers are reached over MQTT: set "mqtt.host".\n'
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.parametrize("command", ["say", "ask"])
async def test_a_refusal_is_one_sentence_and_1(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon()
    async with serving(tmp_path, daemon, monkeypatch) as server:
        daemon.on_post = lambda event: server.refuse(1, "There is too much to say already.")
        assert await typed(command, "hello") == FAILED
    assert capsys.readouterr() == ("", "speakerd: There is too much to say already.\n")


@pytest.mark.parametrize("command", ["say", "ask"])
async def test_a_dash_is_stdin(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Caf\xc3\xa9, \xff,\nand tea.\n")))
    async with serving(tmp_path, daemon, monkeypatch) as server:
        daemon.on_post = ends(server)
        assert await typed(command, "-") == 0
    (event,) = daemon.posted
    assert isinstance(event, TextAsked | SayAsked)
    assert event.text == "Café, \ufffd,\nand tea."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", 'A "say" needs a "text" that is not empty.'),
        (b"x" * 3000, "At most 2000 characters can be said at once, and these are 3000: say them in parts."),
        (b"x" * 10**6, "At most 16384 bytes can be sent at once: shorten it, or send it in parts."),
    ],
)
async def test_nothing_and_too_much_are_one_sentence_and_1(
    text: bytes, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = Daemon()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    async with serving(tmp_path, daemon, monkeypatch):
        assert await typed("say", "-") == FAILED
    assert capsys.readouterr() == ("", f"speakerd: {sentence}\n")
    assert daemon.posted == []


ANSWER = (
    {"event": "transcript", "talker": "assistant", "text": "It is\x1b[31m noon."},
    {"event": "tool", "name": "get_time"},
    {"event": "transcript", "talker": "assistant", "text": "And a fine day."},
)


@pytest.mark.parametrize(("option", "aloud"), [((), True), (("--text",), False)])
async def test_ask_prints_what_the_assistant_says(
    option: tuple[str, ...],
    aloud: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon = Daemon()
    async with serving(tmp_path, daemon, monkeypatch) as server:
        daemon.on_post = ends(server, ANSWER)
        assert await typed("ask", "What", "time", "is", "it?", *option) == 0
    assert daemon.posted == [TextAsked(1, "What time is it?", aloud)]
    assert capsys.readouterr() == ("It is [31m noon.\nAnd a fine day.\n", "")


async def test_retry_is_a_wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon()
    async with serving(tmp_path, daemon, monkeypatch):
        assert await typed("retry") == 0
    assert daemon.posted == [RetryAsked()]


async def test_status_in_words_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path, Daemon(), monkeypatch):
        assert await typed("status") == 0
        assert capsys.readouterr().out.startswith("phase        idle\nlight        idle\n")
        assert await typed("status", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"event": "snapshot", **SNAPSHOT}


async def follower(*options: str, stdout: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "speakerd", "status", "--follow", *options),
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )


async def test_following_tells_each_event_at_once_until_the_speaker_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path, Daemon(), monkeypatch) as server:
        process = await follower("--json")
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline()) == {"event": "snapshot", **SNAPSHOT}
        for event in ANSWER:
            server.publish(event)
            assert json.loads(await process.stdout.readline()) == event
    _, complaint = await process.communicate()
    assert process.returncode == UNAVAILABLE
    assert complaint.decode() == (
        f"speakerd: speakerd ended before it had answered at {tmp_path}/control.sock: look at its log.\n"
    )


async def test_a_reader_that_leaves_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `speakerd status --follow | head -1`."""
    async with serving(tmp_path, Daemon(), monkeypatch) as server:
        read, write = os.pipe()
        process = await follower(stdout=write)
        os.close(write)
        assert await asyncio.to_thread(os.read, read, 5) == b"phase"
        os.close(read)
        server.publish(ANSWER[0])
        _, complaint = await process.communicate()
    assert (process.returncode, complaint) == (0, b"")


@pytest.mark.parametrize(
    ("words", "printed"), [((), "70"), (("35",), "35"), (("up",), "80"), (("down",), "60"), (("0",), "0")]
)
async def test_the_volume(
    words: tuple[str, ...],
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with serving(tmp_path, Daemon(), monkeypatch) as server:
        server.knob = Knob(lambda: 0.7, lambda level: None)
        assert await typed("volume", *words) == 0
    assert capsys.readouterr() == (f"{printed} percent\n", "")


TOOLS = (
    {"name": "get_time", "description": "Tell the\n time.", "verdict": "allow", "rules": []},
    {
        "name": "home_TurnOff",
        "description": "Turn off \x1b[2J" + "a thing or another " * 9,
        "verdict": "allow",
        "rules": [
            {"verdict": "deny", "where": ["domain=lock", "name=x"], "unless": []},
            {"verdict": "button", "where": ["a=1"], "unless": ["b=2|3"]},
        ],
    },
)


async def test_the_tools_in_words_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path, Daemon(), monkeypatch) as server:
        server.inventory = lambda: TOOLS
        assert await typed("tools") == 0
        assert capsys.readouterr().out.splitlines() == [
            "get_time      allow    Tell the time.",
            "home_TurnOff  allow    Turn off [2Ja thing or another a thing or another a thing or …",
            "              deny     where domain=lock and name=x",
            "              button   where a=1, unless b=2|3",
        ]
        assert await typed("tools", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"tools": list(TOOLS)}
