"""A whole speaker whose sound card is pulled and plugged in again: what its owner sees, and what it costs meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gpiozero.pins.mock import MockFactory, MockPWMPin

from soak.processes import children, family_cpu_seconds
from speakerd.assembly import Speaker, Surroundings, assembled, run
from speakerd.core.events import Event, StopAsked
from speakerd.core.lights import Light, light
from speakerd.core.state import State
from speakerd.demo.card import Direction, FakeCard, Style
from speakerd.settings import AudioSettings, ControlSettings, Settings
from speakerd.wakeword.observation import Observation

LOST = "sound card lost: "
_SECONDS = 30.0
_NOISE_DBFS = -50.0


@dataclass
class Witness:
    """Sees the light and the journal, and counts what the wake word scores; `changed` is set by each of them."""

    lights: list[Light] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    scored: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def see(self, event: Event, before: State, after: State) -> None:
        """Take down the light after a step of the daemon, if it is another."""
        if not self.lights or self.lights[-1] is not light(after):
            self.lights.append(light(after))
        self._changed.set()

    def score(self, observation: Observation) -> None:
        """Count a frame; audio thread."""
        self.scored += 1
        self._loop.call_soon_threadsafe(self._changed.set)

    def read(self, record: logging.LogRecord) -> bool:
        """Take down a line of the journal, as a logging filter that lets nothing pass."""
        self.journal.append(f"{record.levelname} {record.getMessage()}")
        return False

    async def until(self, condition: Callable[[], bool], seconds: float = _SECONDS) -> float:
        """Wait until a condition holds; returns the monotonic second at which it did. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Episode:
    """What came of pulling a card once and plugging it in again."""

    pulled: str
    """mic, speaker or both."""
    style: Style
    lost_seconds: float
    """From pulling to the light."""
    hearing_seconds: float
    """From plugging in to the first frame that the wake word scored."""
    cpu_share: float
    """Of one core, all our processes, from pulling to hearing again."""
    was_told: bool
    """One light and one line of the journal at WARNING."""
    lost_processes: int
    """Children more than before, and zombies."""


@asynccontextmanager
async def speaker(card: FakeCard, folder: Path) -> AsyncIterator[tuple[Speaker, Witness]]:
    """The whole speaker on this card, with mock pins and the assistant on the device."""
    settings = replace(
        Settings(),
        board="breadboard",
        state_folder=str(folder / "state"),
        audio=AudioSettings(input=card.name, output=card.name),
        control=ControlSettings(socket=str(folder / "control.sock")),
    )
    witness = Witness()
    around = Surroundings(
        pin_factory=MockFactory(pin_class=MockPWMPin),
        sound_environment=card.environment,
        observers=(witness.see,),
        observe_score=witness.score,
    )
    log = logging.getLogger("speakerd.audio.plane")
    log.addFilter(witness.read)
    try:
        async with assembled(settings, around) as assembly, asyncio.TaskGroup() as group:
            running = group.create_task(run(assembly))
            try:
                yield assembly, witness
            finally:
                assembly.daemon.post(StopAsked())
                await running
    finally:
        log.removeFilter(witness.read)


async def episode(
    card: FakeCard, witness: Witness, direction: Direction | None, style: Style, away_seconds: float = 0.0
) -> Episode:
    """Pull one direction, or both, of a card that works, and plug it in again."""
    card.fill_room_noise(away_seconds + _SECONDS, _NOISE_DBFS, 3)
    family, lights, lines = len(children()), len(witness.lights), len(witness.journal)
    cpu_before, pulled_at = family_cpu_seconds(), time.monotonic()
    card.unplug(direction, style)
    lost_at = await witness.until(lambda: witness.lights[-1] is Light.NO_SOUND)
    await asyncio.sleep(away_seconds)
    scored, plugged_at = witness.scored, time.monotonic()
    card.plug()
    heard_at = await witness.until(lambda: witness.scored > scored)
    cpu_share = (family_cpu_seconds() - cpu_before) / (heard_at - pulled_at)
    await witness.until(lambda: witness.lights[-1] is Light.IDLE)
    told = [line for line in witness.journal[lines:] if line.startswith(f"WARNING {LOST}")]
    return Episode(
        pulled=direction or "both",
        style=style,
        lost_seconds=lost_at - pulled_at,
        hearing_seconds=heard_at - plugged_at,
        cpu_share=cpu_share,
        was_told=len(told) == 1 and witness.lights[lights:] == [Light.NO_SOUND, Light.IDLE],
        lost_processes=len(children()) - family + sum(child.is_zombie for child in children()),
    )


async def late_card(card: FakeCard, witness: Witness, seconds: float) -> tuple[float, float]:
    """Plug in a card that was not there when the speaker began.

    Returns the seconds from then to the first scored frame, and the share of a core that waiting for it took.
    """
    began_at = await witness.until(lambda: witness.lights[-1:] == [Light.NO_SOUND])
    cpu_before = family_cpu_seconds()
    await asyncio.sleep(seconds)
    card.fill_room_noise(_SECONDS, _NOISE_DBFS, 3)
    plugged_at = time.monotonic()
    card.plug()
    heard_at = await witness.until(lambda: witness.scored > 0)
    cpu_share = (family_cpu_seconds() - cpu_before) / (heard_at - began_at)
    await witness.until(lambda: witness.lights[-1] is Light.IDLE)
    return heard_at - plugged_at, cpu_share
