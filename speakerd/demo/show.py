"""`speakerd demo`: the real speaker with a fake sound card, mock GPIO pins, the offline assistant, a synthesised user.

Everything else is the product: capture through PortAudio, openWakeWord's models, the Realtime WebSocket, tools, lights.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

from speakerd.assembly import Surroundings, assembled, run, serve
from speakerd.core.events import StopAsked
from speakerd.demo import report as reports
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.recording import Recording
from speakerd.demo.room import Room
from speakerd.demo.story import Told, tell
from speakerd.errors import BoardError
from speakerd.settings import (
    AudioSettings,
    ControlSettings,
    ConversationSettings,
    Settings,
    ToolSettings,
)

_ACTION_PIN = 17
_ECHO = RoomSettings(echo_gain_db=-6.0, noise_dbfs=None)
"""About as loud as the user; the room has its own noise."""


async def show(*, report: Path | None, sound: Path, microphone: bool) -> int:
    """Run the demonstration and return its exit code: 0 if everything happened that should."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="speakerd-demo-") as folder:
        if microphone:
            return await _show_with_microphone(Path(folder))
        return await _show_story(Path(folder), report, sound)


async def _show_story(folder: Path, report: Path | None, sound: Path) -> int:
    recording = Recording(_print_line)
    factory = _mock_pins()
    room = Room(folder / "card", factory.pin(_ACTION_PIN))
    _print("A kitchen with room noise, a user, a button and an RGB LED; the speaker hears its own voice, too.")
    around = Surroundings(
        pin_factory=factory,
        sound_environment=room.card.environment,
        observers=(recording.observe,),
        observe_score=recording.score,
        trace=recording.trace,
    )
    async with assembled(_settings(folder, "breadboard-rgb", "fakecard"), around) as speaker:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(run(speaker))
            try:
                with EchoRoom(room.card, settings=_ECHO):
                    told = await tell(room, recording)
            except TimeoutError:
                told = None
            speaker.daemon.post(StopAsked())
            await running
        spans = speaker.plane.health.uplinks
        assert speaker.offline is not None  # noqa: S101 - the demonstration's endpoint is the offline one
        await speaker.offline.stop()
        sessions = list(speaker.offline.sessions)
    made = reports.make(recording, told.turns if told else [], room.sounds(), spans, sessions)
    return _finish(made, room, told, report, sound)


def _finish(made: dict[str, Any], room: Room, told: Told | None, report: Path | None, sound: Path) -> int:
    _write_wav(room, sound)
    if report is not None:
        report.write_text(json.dumps(made, indent=2) + "\n")
    _print("")
    for name, values in made["latencies_ms"].items():
        _print(f"  {name.replace('_', ' '):<28} {', '.join(f'{value:.0f}' for value in values) or '-'} ms")
    _print(f"  samples lost on the way      {made['lost_samples']} of {made['uplinked_samples']}")
    _print(f"\nWhat the loudspeaker played is in {sound}.")
    failed = reports.problems(made)
    if told is None:
        failed.insert(0, "the story came to its end")
    if faults := room.card.faults():
        _print(f"The machine was too busy for real-time sound: {len(faults)} xruns.")
    for problem in failed:
        _print(f"NOT SHOWN: {problem}")
    return 1 if failed else 0


async def _show_with_microphone(folder: Path) -> int:
    _print('Say "hey jarvis, turn on the kitchen light". End with Ctrl-C.')
    recording = Recording(_print_line)
    around = Surroundings(observers=(recording.observe,), observe_score=recording.score, trace=recording.trace)
    await serve(_settings(folder, "none", "default"), around)
    return 0


def _settings(folder: Path, board: str, card: str) -> Settings:
    return Settings(
        board=board,
        state_folder=str(folder / "state"),
        audio=AudioSettings(input=card, output=card),
        conversation=ConversationSettings(listening_seconds=4.0),
        tools=ToolSettings(demo_home=True),
        control=ControlSettings(socket=str(folder / "control.sock")),
    )


def _mock_pins() -> Any:
    try:
        from gpiozero.pins.mock import MockFactory, MockPWMPin
    except ImportError as error:
        raise BoardError("The demonstration needs the package gpiozero: install speakerd[gpio].") from error
    return MockFactory(pin_class=MockPWMPin)


def _write_wav(room: Room, path: Path) -> None:
    heard = room.card.heard()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(heard.shape[1])
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(heard.tobytes())


def _print_line(seconds: float, line: str) -> None:
    _print(f"{seconds:7.2f} s  {line}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
