"""A running audio plane on fake cards, with nobody in the room but the bench; and clocks of cards and processes."""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.plane import AudioPlane
from speakerd.core.events import CardFound, Event
from speakerd.demo.card import FakeCard
from speakerd.ports import AudioSink, Ears, Post
from speakerd.settings import AudioSettings

_SECONDS = 20.0
_LOOK_SECONDS = 0.01
_NS = 1_000_000_000


class NoEars:
    """Nobody listens for the wake word."""

    def __init__(self, post: Post) -> None:
        """Nothing is posted."""

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """Take a frame."""

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        """Take a frame of our own."""

    def hear_talker(self, is_there: bool) -> None:
        """Take whether somebody speaks over it."""

    def rearm(self) -> None:
        """Forget."""


def no_sink(session: int, pcm: bytes) -> None:
    """Take what was captured, and drop it."""


class Stage:
    """A plane and what it posts, each event with its monotonic second."""

    def __init__(
        self,
        settings: AudioSettings,
        environment: Mapping[str, str],
        make_ears: Callable[[Post], Ears | None],
        sink: AudioSink,
    ) -> None:
        self.events: list[tuple[float, Event]] = []
        self.plane = AudioPlane(settings, make_ears(self.post), sink, self.post, environment=environment)

    def post(self, event: Event) -> None:
        """Keep an event."""
        self.events.append((time.monotonic(), event))

    def count(self, kind: type[Event]) -> int:
        """Events of a kind so far."""
        return sum(isinstance(event, kind) for _, event in self.events)

    async def until(self, condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
        """Wait until a condition holds, looked at every 10 ms; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the card's files tell nobody when they change
                await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def stage(
    card: FakeCard,
    *,
    speaker: FakeCard | None = None,
    environment: Mapping[str, str] | None = None,
    make_ears: Callable[[Post], Ears | None] = NoEars,
    sink: AudioSink = no_sink,
) -> AsyncIterator[Stage]:
    """A plane in full duplex and at full volume, whose card was found."""
    settings = replace(AudioSettings(), input=card.name, output=(speaker or card).name, volume=1.0, duplex="full")
    stands = Stage(settings, environment or card.environment, make_ears, sink)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stands.plane.run())
        try:
            await stands.until(lambda: stands.count(CardFound) > 0)
            yield stands
        finally:
            await stands.plane.close()


class SpeakerClock:
    """When each frame of speaker.raw has left the loudspeaker, by the card's own clock: its log and its position."""

    def __init__(self, card: FakeCard) -> None:
        starts = [re.match(r"([\d.]+) START frame=(\d+)", line) for line in card.log("speaker")]
        self._runs = [(int(start[2]), float(start[1])) for start in starts if start]
        _, start_ns, _ = struct.unpack("<3Q", (card.folder / "speaker.position").read_bytes()[:24])
        self._runs[-1] = (self._runs[-1][0], start_ns / _NS)  # the log is written a little later
        self._hz = card.rate_hz * (1 + card.ppm / 1e6)

    def seconds(self, frame: int) -> float:
        """The monotonic second at which a frame begins to sound."""
        first, began = next(run for run in reversed(self._runs) if run[0] <= frame)
        return began + (frame - first) / self._hz


def played(card: FakeCard, first_frame: int, end_frame: int | None = None) -> NDArray[np.int16]:
    """One channel of what has left the loudspeaker between two frames."""
    frame_bytes = 2 * card.channels
    count = -1 if end_frame is None else (end_frame - first_frame) * card.channels
    pcm = np.fromfile(card.folder / "speaker.raw", np.int16, count, offset=first_frame * frame_bytes)
    return pcm[:: card.channels]


def never_silent(seconds: float, seed: int) -> NDArray[np.int16]:
    """Noise upon a constant at 24 kHz: none of its samples is near zero, also at another rate."""
    noise = np.random.default_rng(seed).uniform(-2000, 2000, round(24_000 * seconds))
    return (9000 + noise).astype(np.int16)
