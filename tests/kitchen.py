"""The whole speaker on a fake sound card with mock pins."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.assembly import Speaker, Surroundings, assembled, run
from speakerd.core.events import Event, StopAsked
from speakerd.core.lights import Light
from speakerd.core.state import State
from speakerd.demo.card import FakeCard
from speakerd.demo.recording import Recording
from speakerd.settings import AudioSettings, ControlSettings, EndpointSettings, Settings, ToolSettings

ACTION, MUTE = 17, 22


@dataclass
class Kitchen:
    """A running speaker and everything around it."""

    card: FakeCard
    pins: Any
    speaker: Speaker
    recording: Recording
    events: list[Event] = field(default_factory=list)

    def press(self, pin: int) -> None:
        self.pins.pin(pin).drive_low()
        self.pins.pin(pin).drive_high()

    async def until_light(self, *lights: Light) -> None:
        """Wait until these lights were shown last, in this order."""
        await self.recording.until(lambda: [shown for _, shown in self.recording.lights[-len(lights) :]] == [*lights])

    async def until_event(self, kind: type[Event]) -> None:
        await self.recording.until(lambda: any(isinstance(event, kind) for event in self.events))


def settings(folder: Path, **changes: Any) -> Settings:
    return replace(
        Settings(
            board="breadboard",
            state_folder=str(folder / "state"),
            audio=AudioSettings(input="fakecard", output="fakecard"),
            control=ControlSettings(socket=str(folder / "control.sock")),
            tools=ToolSettings(demo_home=True),
        ),
        **changes,
    )


@asynccontextmanager
async def kitchen(card: FakeCard, chosen: Settings) -> AsyncIterator[Kitchen]:
    recording = Recording(lambda seconds, line: None)
    events: list[Event] = []

    def remember(event: Event, before: State, after: State) -> None:
        events.append(event)

    pins = MockFactory(pin_class=MockPWMPin)
    around = Surroundings(
        pin_factory=pins,
        sound_environment=card.environment,
        observers=(remember, recording.observe),
        observe_score=recording.score,
        trace=recording.trace,
    )
    async with assembled(chosen, around) as speaker, asyncio.TaskGroup() as group:
        running = group.create_task(run(speaker))
        try:
            yield Kitchen(card, pins, speaker, recording, events)
        finally:
            speaker.daemon.post(StopAsked())
            await running


async def command(folder: Path, *words: str) -> str:
    """What the command line prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "speakerd", *words),
        env={**os.environ, "SPEAKERD_CONTROL__SOCKET": str(folder / "control.sock")},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


def custom(url: str) -> EndpointSettings:
    """A server of the test's own, and nobody else."""
    return EndpointSettings(name="custom", url=url, connect_seconds=3.0, offline_fallback=False)
