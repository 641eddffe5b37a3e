"""What is said reaches those who follow, in memory; a whole speaker, and all that it logs and writes meanwhile."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_server import (
    SET_UP,
    Emit,
    Expect,
    Wire,
    audio,
    audio_done,
    call_item,
    fake_server,
    item_done,
    response_created,
    response_done,
    speech,
    transcript_done,
    user_transcript,
)
from kitchen import ACTION, Kitchen, command, custom, kitchen, settings
from speakerd.audio.pcm import bytes_of
from speakerd.core.events import ToolFinished
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.service.client import request
from speakerd.settings import ConversationSettings

BARE = ConversationSettings(facts=False)
"""Nothing but what the script waits for is told to the server."""
HEARD, ANSWERED = "Is zanzibar an island?", "Zanzibar is a quixotic island."
TYPED, WRITTEN = "And marzipan?", "Gooseberry, rather."
SAID = "Rhubarb is served."
SOUND = bytes_of((np.random.default_rng(5).standard_normal(4800) * 3000).astype(np.int16))
ON_DEVICE = "Turn on the bedroom light!"

PRIVATE = (b"zanzibar", b"quixotic", b"marzipan", b"gooseberry", b"rhubarb", b"saffron", b"bedroom", SOUND[:64].lower())
"""Some of what was said, in lower case."""


def leaks(*texts: bytes) -> set[bytes]:
    """What of it is found."""
    return {private for private in PRIVATE for text in texts if private in text.lower()}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for all that a speaker may write: its state, its temporary files, the working directory."""
    folder = tmp_path / "disk"
    (folder / "tmp").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    return folder


def contents(folder: Path) -> Iterator[bytes]:
    """Every file's name and bytes."""
    for path in folder.rglob("*"):
        yield str(path).encode()
        if path.is_file():
            yield path.read_bytes()


def logged(caplog: pytest.LogCaptureFixture) -> Iterator[bytes]:
    """Every record at DEBUG, also what its arguments hold and the sentence does not show."""
    yield caplog.text.encode()
    for record in caplog.records:
        yield repr(record.__dict__).encode()


def answer(response: str, item: str, words: str) -> list[Wire]:
    return [
        response_created(response),
        audio(SOUND, item, response),
        transcript_done(words, item, response),
        audio_done(item, response),
        response_done(response=response),
    ]


CALL = call_item("call_1", "get_time", '{"saffron": true}')
SCRIPT = (
    *SET_UP,
    Expect("input_audio_buffer.append"),
    Emit([*speech(), user_transcript(HEARD)]),
    Emit([response_created("r0"), item_done(CALL, "r0"), response_done(response="r0")]),
    Expect("conversation.item.create"),
    Expect("response.create"),
    Emit(answer("r1", "i1", ANSWERED)),
    Expect("conversation.item.create"),
    Expect("response.create"),
    Emit(answer("r2", "i2", WRITTEN)),
)


async def next_said(events: AsyncGenerator[dict[str, Any], None]) -> tuple[str, str]:
    async for event in events:
        if event["event"] == "transcript":
            return event["talker"], event["text"]
    raise AssertionError("the speaker ended first")


async def talk(k: Kitchen, folder: Path, events: AsyncGenerator[dict[str, Any], None]) -> None:
    """A conversation by voice, with a tool, and by text; then an announcement."""
    await k.until_light(Light.IDLE)
    k.press(ACTION)
    assert await next_said(events) == ("user", HEARD)
    assert await next_said(events) == ("assistant", ANSWERED)
    await k.until_light(Light.SPEAKING, Light.LISTENING)
    assert await command(folder, "ask", TYPED) == f"{WRITTEN}\n"
    assert await next_said(events) == ("assistant", WRITTEN)
    await command(folder, "stop")
    await command(folder, "say", SAID)


async def test_a_conversation_leaves_no_trace(
    tmp_path: Path, disk: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "speakerd")
    card = FakeCard(tmp_path / "card")
    async with (
        fake_server(*SCRIPT) as server,
        kitchen(card, settings(disk, endpoint=custom(server.url), conversation=BARE)) as k,
        aclosing(request(disk / "control.sock", {"do": "follow"})) as events,
    ):
        await talk(k, disk, events)
        k.speaker.tools.run(0, "volume", "set_volume", '{"percent": 40}')
        await k.recording.until(lambda: any(isinstance(e, ToolFinished) and e.call_id == "volume" for e in k.events))
        left_while_running = leaks(*contents(disk))
    assert leaks(*logged(caplog)) == set()
    assert leaks(*(text.encode() for text in capfd.readouterr())) == set()
    assert left_while_running | leaks(*contents(disk)) == set()
    assert len(caplog.records) > 20, "it was listened to"
    assert (disk / "state/volume.json").exists(), "it was looked where the speaker writes"


async def test_the_assistant_on_the_device_leaves_no_trace(
    tmp_path: Path, disk: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "speakerd")
    async with kitchen(FakeCard(tmp_path / "card"), settings(disk)) as k:
        await k.until_light(Light.IDLE)
        printed = await command(disk, "ask", ON_DEVICE)
        left_while_running = leaks(*contents(disk))
    assert leaks(printed.encode()) == {b"bedroom"}
    assert leaks(*logged(caplog)) == set()
    assert leaks(*(text.encode() for text in capfd.readouterr())) == set()
    assert left_while_running | leaks(*contents(disk)) == set()


def test_the_search_finds_what_it_looks_for(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("speakerd.any").warning("It said %.1s", ANSWERED)
    (disk / "tmp/answer.raw").write_bytes(b"\0" + SOUND)
    assert leaks(*logged(caplog)) == {b"zanzibar", b"quixotic"}
    assert leaks(*contents(disk)) == {SOUND[:64].lower()}
