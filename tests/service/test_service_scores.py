"""The control socket's part in the wake word: scores for those who ask, and changes of the detection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from speakerd.errors import ControlError
from speakerd.service.client import request
from speakerd.service.control import ControlServer, Tune
from speakerd.wakeword.observation import Observation, observation_of

SNAPSHOT = {"event": "snapshot", "phase": "idle", "muted": False}
SEEN = Observation({"hey_jarvis": 0.93, "stop": 0.01}, {"hey_jarvis": 0.5, "stop": 0.7}, 1280, -23.5, "hey_jarvis")


@asynccontextmanager
async def serving(path: Path, tune: Tune | None = None) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, lambda event: None, lambda: {"phase": "idle", "muted": False}, tune)
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(10):
            yield server
    finally:
        running.cancel()
        await asyncio.wait([running])
        server.close()


def is_wanted(server: ControlServer) -> bool:
    return server.wants_scores


async def answers(path: Path, command: Mapping[str, object]) -> list[dict[str, Any]]:
    return [answer async for answer in request(path, command)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def test_scores_are_told_frame_by_frame_to_who_asked_and_to_nobody_else(path: Path) -> None:
    async with serving(path) as server, aclosing(request(path, {"do": "follow"})) as follower:
        assert await anext(follower) == SNAPSHOT
        assert not is_wanted(server)
        server.publish_observation(SEEN)
        async with aclosing(request(path, {"do": "scores"})) as scores:
            assert await anext(scores) == SNAPSHOT
            assert is_wanted(server)
            server.publish_observation(SEEN)
            server.publish({"event": "tool", "name": "set_timer"})
            server.publish_observation(Observation({"hey_jarvis": 0.0}, {"hey_jarvis": 0.5}, 2560, -100.0))
            first, second = await anext(scores), await anext(scores)
            assert first["event"] == second["event"] == "score"
            assert observation_of(first) == SEEN
            assert observation_of(second).detected is None
        assert await anext(follower) == {"event": "tool", "name": "set_timer"}


async def test_nothing_is_wanted_any_more_when_the_listener_has_left(path: Path) -> None:
    async with serving(path) as server:
        async with aclosing(request(path, {"do": "scores"})) as scores:
            await anext(scores)
        while is_wanted(server):
            await answers(path, {"do": "status"})
        server.publish_observation(SEEN)
        assert not is_wanted(server)


async def test_silence_is_a_number_that_json_has(path: Path) -> None:
    async with serving(path) as server:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"do": "scores"}\n')
        await reader.readline()
        server.publish_observation(Observation({"w": 0.0}, {"w": 0.5}, 0, float("-inf")))

        def no_number(text: str) -> None:
            raise AssertionError(text)

        assert json.loads(await reader.readline(), parse_constant=no_number)["level_dbfs"] == -100.0
        writer.close()


async def test_a_listener_that_does_not_read_is_dropped(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(path) as server:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1024)
        writer.write(b'{"do": "scores"}\n')
        await reader.readline()
        for _ in range(20_000):
            server.publish_observation(SEEN)
        while server.wants_scores:
            await answers(path, {"do": "status"})
        writer.close()
    assert caplog.messages == ["A client of the control socket does not read what it asked for: it is dropped."]


@pytest.mark.parametrize(
    "changes",
    [
        {"word": "hey_jarvis", "threshold": 0.6},
        {"threshold": 1},
        {"night_threshold": 0},
        {"voice_gate": True, "threshold": 0.01},
    ],
)
async def test_the_detection_is_tuned(path: Path, changes: dict[str, object]) -> None:
    tuned: list[Mapping[str, object]] = []
    async with serving(path, tuned.append) as _:
        assert await answers(path, {"do": "tune", **changes}) == []
    assert tuned == [changes]


NEEDS = 'A "tune" needs a "threshold", a "night_threshold" or a "voice_gate".'


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, NEEDS),
        ({"word": "alexa"}, NEEDS),
        ({"threshold": 0}, '"threshold" must be a number from 0.01 to 1.'),
        ({"threshold": 1.01}, '"threshold" must be a number from 0.01 to 1.'),
        ({"threshold": "0.5"}, '"threshold" must be a number from 0.01 to 1.'),
        ({"threshold": True}, '"threshold" must be a number from 0.01 to 1.'),
        ({"threshold": float("nan")}, '"threshold" must be a number from 0.01 to 1.'),
        ({"night_threshold": -1}, '"night_threshold" must be a number from 0 to 1; 0 means as by day.'),
        ({"voice_gate": 1}, '"voice_gate" must be true or false.'),
        ({"threshold": 0.5, "word": 3}, '"word" must be the name of a wake word.'),
        ({"threshold": 0.5, "patience": 3}, 'A "tune" cannot change "patience".'),
    ],
)
async def test_a_wrong_tune_is_one_sentence_and_changes_nothing(
    path: Path, changes: dict[str, object], sentence: str
) -> None:
    tuned: list[Mapping[str, object]] = []
    async with serving(path, tuned.append):
        with pytest.raises(ControlError) as raised:
            await answers(path, {"do": "tune", **changes})
    assert str(raised.value) == sentence
    assert tuned == []


@pytest.mark.parametrize(
    ("tune", "sentence"),
    [
        (lambda changes: f'There is no wake word "{changes["word"]}".', 'There is no wake word "alexa".'),
        (None, "The detection of this speaker cannot be changed while it runs: change its settings."),
    ],
)
async def test_a_refusal_is_told(path: Path, tune: Tune | None, sentence: str) -> None:
    async with serving(path, tune):
        with pytest.raises(ControlError) as raised:
            await answers(path, {"do": "tune", "word": "alexa", "threshold": 0.6})
    assert str(raised.value) == sentence
