"""`speakerd doctor`: every part in its order, beside a running speaker and without one."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kitchen import kitchen
from kitchen import settings as kitchen_settings
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, samples_of
from speakerd.core.lights import Light
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard
from speakerd.doctor.audio import loudspeaker
from speakerd.doctor.everything import DoctorOptions, run_all
from speakerd.doctor.finding import Finding
from speakerd.doctor.home import home, told_by_speaker
from speakerd.doctor.patient import Patient
from speakerd.doctor.tone import TONE_HZ, rise_db, tone
from speakerd.errors import ConfigurationError
from speakerd.gpio.boards import Board
from speakerd.settings import ControlSettings, McpServer, McpSettings, MqttSettings, Settings

STAGE = Path(__file__).parents[1] / "integration/mcp_stage_server.py"


def examined(settings: Settings, card: FakeCard, *, is_silent: bool = True) -> tuple[int, dict[str, Finding]]:
    out = io.StringIO()
    code = run_all(lambda: settings, DoctorOptions(True, is_silent), sound_environment=card.environment, out=out)
    found = [Finding(**fields) for fields in json.loads(out.getvalue())["findings"]]
    assert len({finding.part for finding in found}) == len(found), "each part once"
    return code, {finding.part: finding for finding in found}


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    card = FakeCard(tmp_path / "card")
    card.fill_room_noise(60, -55.0, seed=2)
    return card


def test_wrong_settings_are_78_and_end_it(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Settings:
        raise ConfigurationError("speakerd.toml is not valid TOML.")

    assert run_all(load, DoctorOptions()) == 78
    assert capsys.readouterr().out == "settings         speakerd.toml is not valid TOML.\n"


def test_every_part_without_a_running_speaker(tmp_path: Path, card: FakeCard) -> None:
    settings = replace(kitchen_settings(tmp_path), board="none")
    code, found = examined(settings, card)
    assert list(found)[:8] == ["settings", "time", "disk", "groups", "control socket", "GPIO", "offline", "wake word"]
    assert {"capture", "playout", "opening", "microphone", "xruns", "echo"} <= found.keys()
    assert "loudspeaker" not in found
    failed = [finding.part for finding in found.values() if finding.state == "failed"]
    assert code == (69 if failed else 0)
    assert set(failed) <= {"xruns", "clock", "microphone"}, "a busy machine may lose samples"


async def test_a_running_speaker_is_asked_for_what_it_owns(tmp_path: Path, card: FakeCard) -> None:
    settings = kitchen_settings(tmp_path)
    async with kitchen(card, settings) as k:
        await k.until_light(Light.IDLE)
        _, found = await asyncio.to_thread(examined, replace(settings, board="none"), card)
        assert found["control socket"].state == "ok"
        assert found["opening"].state == "skipped"
        assert found["microphone"].state == "ok"
        assert "the running speaker scores what it hears" in found["microphone"].text
        await asyncio.to_thread(k.press, 22)
        await k.until_light(Light.MUTED)
        _, found = await asyncio.to_thread(examined, replace(settings, board="none"), card)
    assert found["microphone"] == Finding("microphone", "skipped", "the speaker is muted (speakerd unmute)")


def test_a_speaker_that_may_not_be_asked_is_left_alone(tmp_path: Path, card: FakeCard) -> None:
    settings = replace(kitchen_settings(tmp_path), control=ControlSettings(socket=str(tmp_path / ("x" * 200))))
    code, found = examined(settings, card)
    assert code == 69
    assert found["control socket"].state == "failed"
    assert list(found)[-1] == "devices"
    assert not {"GPIO", "opening", "microphone"} & found.keys()


def test_the_tone_is_played_and_listened_for(tmp_path: Path, card: FakeCard) -> None:
    """The fake card's microphone hears nothing of its loudspeaker."""
    _, found = examined(replace(kitchen_settings(tmp_path), board="none"), card, is_silent=False)
    assert found["loudspeaker"].state == "failed"
    assert "The microphone did not hear the test tone" in found["loudspeaker"].text


def test_the_tone_is_heard_in_a_room_where_it_sounds(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    with EchoRoom(card, settings=RoomSettings(echo_gain_db=-6.0)):
        _, found = examined(replace(kitchen_settings(tmp_path), board="none"), card, is_silent=False)
    assert found["loudspeaker"].state == "ok", found["loudspeaker"].text
    assert "the microphone hears the test tone" in found["loudspeaker"].text


def frames(seconds: float, level: float, pitch_level: float, piece: int, seed: int) -> list[np.ndarray]:
    count = round(seconds * WAKE_RATE_HZ)
    random = np.random.default_rng(seed).standard_normal(count) * level
    pitch = pitch_level * np.sin(2 * np.pi * TONE_HZ * np.arange(count) / WAKE_RATE_HZ)
    sound = (random + pitch).astype(np.int16)
    return [sound[begin : begin + piece] for begin in range(0, count - piece, piece)]


@pytest.mark.parametrize("piece", [480, 1280])
def test_a_tone_stands_out_of_noise_and_noise_does_not(piece: int) -> None:
    room = frames(3, 50, 0, piece, 1)
    assert -6 < (rise_db(room, frames(1.5, 50, 0, piece, 2)) or 0) < 6
    assert (rise_db(room, frames(1.5, 50, 100, piece, 3)) or 0) > 10
    assert (rise_db(room, [*frames(0.3, 50, 0, piece, 4), *frames(1.2, 50, 500, piece, 5)]) or 0) > 20
    assert rise_db(room, []) is None
    assert rise_db([], room) is None


def test_the_tone_is_soft_at_its_ends_and_never_clips() -> None:
    sound = samples_of(tone())
    assert len(sound) == 1.5 * SESSION_RATE_HZ
    assert abs(int(sound[0])) < 10
    assert abs(int(sound[-1])) < 10
    assert 7900 < int(np.abs(sound).max()) <= 8000


@pytest.mark.parametrize(
    ("rise", "board", "state"),
    [
        (25.0, Board("none"), "ok"),
        (3.0, Board("none"), "failed"),
        (None, Board("none"), "failed"),
        (3.0, Board("usb-speakerphone", hardware_aec=True), "skipped"),
        (25.0, Board("usb-speakerphone", hardware_aec=True), "ok"),
    ],
)
def test_what_the_tone_shows(rise: float | None, board: Board, state: str) -> None:
    assert loudspeaker(rise, board).state == state


async def at_home(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, Finding]:
    found = [finding async for finding in home(Patient(settings, environment or {}, {}))]
    return {finding.part: finding for finding in found}


async def test_servers_of_tools_that_answer_and_that_do_not(tmp_path: Path) -> None:
    good = McpServer(
        "stage", command=(sys.executable, str(STAGE), str(tmp_path / "calls"), "stdio"), connect_seconds=60
    )
    bad = McpServer("gone", command=("/no/such/program",))
    found = await at_home(Settings(mcp=McpSettings((good, bad))))
    assert found["stage"].state == "ok", found["stage"].text
    assert "reached and authorised, with" in found["stage"].text
    assert found["gone"].state == "failed"
    assert "The server gone cannot be used: /no/such/program cannot be started" in found["gone"].text


async def test_a_token_that_is_missing_and_a_broker_that_is_away() -> None:
    found = await at_home(
        Settings(
            mcp=McpSettings((McpServer("web", url="http://127.0.0.1:1/mcp", key_file="/no/such/file"),)),
            mqtt=MqttSettings(host="127.0.0.1", port=1),
        )
    )
    assert found["tool servers"].state == "failed"
    assert "The MQTT broker at 127.0.0.1:1 cannot be used" in found["mqtt"].text
    assert await at_home(Settings()) == {}


def test_what_the_running_speaker_is_connected_to() -> None:
    servers = [
        {"name": "home", "state": "up", "tools": 11, "reason": ""},
        {"name": "mqtt", "state": "down", "tools": 0, "reason": "the connection broke"},
        {"name": "time", "state": "connecting", "tools": 0, "reason": ""},
    ]
    assert list(told_by_speaker({"servers": servers})) == [
        Finding("home", "ok", "connected, with 11 tools"),
        Finding("mqtt", "failed", "The speaker is not connected: the connection broke."),
        Finding("time", "failed", "The speaker is not connected: it is being connected."),
    ]
    assert list(told_by_speaker({})) == []
