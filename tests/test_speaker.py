"""The whole speaker on a fake sound card with mock pins: what its owner sees and hears when the world fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from fake_server import Close, Emit, Expect, fake_server
from kitchen import ACTION, command, custom, kitchen, settings
from speakerd.core.events import NO_SESSION, CardFound, CardLost, Talker, ToolFinished, Transcribed
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.service.client import request


def quiet_room(folder: Path) -> FakeCard:
    """A card whose microphone hears a little: on a busy machine five seconds of zeros would pass for a dead one."""
    card = FakeCard(folder / "card")
    card.fill_room_noise(120, -65.0, seed=1)
    return card


async def test_an_endpoint_that_refuses_has_a_light_and_a_cue(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = custom(f"ws://127.0.0.1:{unused.getsockname()[1]}/v1/realtime")
        card = FakeCard(tmp_path / "card")
        async with kitchen(card, settings(tmp_path, endpoint=endpoint)) as k:
            await k.until_light(Light.IDLE)
            k.press(ACTION)
            await k.until_light(Light.OPENING, Light.NO_NETWORK)
            await k.recording.until(lambda: bool(np.abs(card.heard()).max(initial=0) > 500))


async def test_a_refused_key_has_its_own_light(tmp_path: Path) -> None:
    async with fake_server(Close(3000, "invalid_request_error.invalid_api_key")) as server:
        chosen = settings(tmp_path, endpoint=custom(server.url))
        async with kitchen(FakeCard(tmp_path / "card"), chosen) as k:
            await k.until_light(Light.IDLE)
            k.press(ACTION)
            await k.until_light(Light.OPENING, Light.BAD_KEY)
            assert "key" in k.speaker.daemon.state.fault.value  # type: ignore[union-attr]


@pytest.mark.parametrize("trouble", ["unplug", "busy"])
async def test_no_sound_card_has_a_light_and_mends_itself(tmp_path: Path, trouble: str) -> None:
    card = FakeCard(tmp_path / "card")
    (card.folder / trouble).touch()
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.NO_SOUND)
        (lost,) = [event for event in k.events if isinstance(event, CardLost)]
        assert lost.reason.count(".") == 1, "one sentence"
        answers = [answer async for answer in request(tmp_path / "control.sock", {"do": "status"})]
        assert answers[0]["light"] == "no sound"
        (card.folder / trouble).unlink()
        await k.until_event(CardFound)
        await k.until_light(Light.IDLE)


async def test_a_microphone_that_sends_only_zeros_is_told_within_ten_seconds(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        opened_at = k.recording.lights[-1][0]
        await k.until_light(Light.NO_MICROPHONE)
        assert k.recording.lights[-1][0] - opened_at < 10
        await k.recording.until(lambda: bool(np.abs(card.heard()).max(initial=0) > 500))
        card.fill_room_noise(60, -50.0, seed=3)
        await k.until_light(Light.IDLE)


async def test_the_volume_is_the_one_that_was_set_last(tmp_path: Path) -> None:
    file = tmp_path / "state/volume.json"
    file.parent.mkdir()
    file.write_text('{"volume": 0.3}')
    async with kitchen(FakeCard(tmp_path / "card"), settings(tmp_path)) as k:
        assert k.speaker.plane.volume == 0.3
        await k.until_light(Light.IDLE)
        k.speaker.tools.run(NO_SESSION, "wake-1", "set_volume", '{"percent": 40}')
        await k.until_event(ToolFinished)
        assert k.speaker.plane.volume == 0.4
    assert file.read_text() == '{"volume": 0.4}'


async def test_a_card_that_is_pulled_in_mid_conversation_ends_it(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        k.press(ACTION)
        await k.until_light(Light.OPENING, Light.LISTENING)
        card.unplug()
        await k.until_light(Light.NO_SOUND)
        card.plug()
        await k.until_light(Light.IDLE)


async def test_the_owner_mutes_and_quiets_it_from_the_command_line(tmp_path: Path) -> None:
    async with kitchen(quiet_room(tmp_path), settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        told = json.loads(await command(tmp_path, "status", "--json"))
        assert told["mic_frame_age_seconds"] < 0.5
        assert (told["capture_rate_hz"], told["is_duplex"], told["restarts"]) == (48000, True, 0)
        assert await command(tmp_path, "mute") == ""
        await k.until_light(Light.MUTED)
        assert "light        muted\nmicrophone   closed (muted)\n" in await command(tmp_path, "status")
        assert await command(tmp_path, "unmute") == ""
        await k.until_light(Light.IDLE)
        k.press(ACTION)
        await k.until_light(Light.OPENING, Light.LISTENING)
        assert await command(tmp_path, "stop") == ""
        await k.until_light(Light.IDLE)


async def test_a_timer_rings_until_the_button_is_pressed(tmp_path: Path) -> None:
    card = quiet_room(tmp_path)
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        answer = await command(tmp_path, "ask", "Set a timer for 2 seconds.")
        assert answer == "Timer set for two seconds.\n"
        await k.recording.until(lambda: k.recording.lights[-1][1] is Light.RINGING)
        quiet_until = card.speaker_frames()
        await k.recording.until(lambda: bool(np.abs(card.heard()[quiet_until:]).max(initial=0) > 1000))
        k.press(ACTION)
        await k.until_light(Light.RINGING, Light.IDLE)


async def test_a_text_question_is_answered_aloud_and_in_writing(tmp_path: Path) -> None:
    card = quiet_room(tmp_path)
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        assert await command(tmp_path, "ask", "Turn on the kitchen light!") == "The kitchen light is on.\n"
        await k.until_light(Light.IDLE)
        (call,) = k.recording.calls.values()
        assert (call.name, "kitchen" in call.arguments) == ("set_light", True)
        assert not k.speaker.plane.health.uplinks, "a question by text opens no microphone"
        assert any(isinstance(event, Transcribed) and event.talker is Talker.ASSISTANT for event in k.events)
    assert np.abs(card.heard()).max() > 1000


async def test_a_text_question_is_answered_in_writing_alone(tmp_path: Path) -> None:
    card = quiet_room(tmp_path)
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        assert await command(tmp_path, "ask", "--text", "Turn on the kitchen light!") == "The kitchen light is on.\n"
        await k.until_light(Light.IDLE)
        assert len(k.recording.calls) == 1
    assert not card.heard().any(), "not a sound"


async def test_a_sentence_is_said_in_its_own_voice(tmp_path: Path) -> None:
    card = quiet_room(tmp_path)
    async with kitchen(card, settings(tmp_path)) as k:
        await k.until_light(Light.IDLE)
        assert await command(tmp_path, "say", "Dinner is ready.") == ""
        await k.until_light(Light.SPEAKING, Light.IDLE)
        assert not k.speaker.plane.health.uplinks
        assert k.speaker.daemon.state.sessions == 0, "no endpoint is needed for it"
    assert np.abs(card.heard()).max() > 1000


async def test_a_rejected_set_up_is_refused(tmp_path: Path) -> None:
    rejection = {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no", "event_id": "$event_id"}
    created = Emit([{"type": "session.created", "session": {}}])
    refused = Emit([{"type": "error", "error": rejection}])
    async with (
        fake_server(created, Expect("session.update"), refused) as server,
        kitchen(FakeCard(tmp_path / "card"), settings(tmp_path, endpoint=custom(server.url))) as k,
    ):
        await k.until_light(Light.IDLE)
        k.press(ACTION)
        await k.until_light(Light.OPENING, Light.REFUSED)


async def test_the_service_starts_says_so_and_ends_on_a_signal(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    configuration = tmp_path / "speakerd.toml"
    configuration.write_text(
        f'board = "none"\nstate_folder = "{tmp_path}/state"\n[control]\nsocket = "{tmp_path}/control.sock"\n'
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        environment = {**os.environ, **card.environment, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "speakerd", "run", "--config", configuration),
            env=environment,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            told = ""
            while "READY=1" not in told or "STATUS=idle" not in told:
                told += (await asyncio.get_running_loop().sock_recv(systemd, 4096)).decode() + "\n"
            process.send_signal(signal.SIGTERM)
            _, complaints = await process.communicate()
        assert process.returncode == 0
        assert complaints.decode() == ""
        assert "STOPPING=1" in systemd.recv(65536).decode() + systemd.recv(65536).decode()
    assert not (tmp_path / "control.sock").exists()
