"""A room with a fake sound card and an audio plane: stories wait for what happens in it, never for time to pass.

While capture is open a frame arrives every 80 ms, so that a condition on the card's files is looked at often enough.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sound_cards import MOST_TRIES
from speakerd.audio.plane import AudioPlane
from speakerd.core.events import CardFound, CardLost, Event
from speakerd.demo.card import FakeCard
from speakerd.settings import AudioSettings

_SECONDS = 30.0

E = TypeVar("E", bound=Event)


class AudioRoom:
    """Ears, sink and inbox of a plane; what they got is kept in order."""

    def __init__(self, card: FakeCard, settings: AudioSettings, environment: Mapping[str, str] | None = None) -> None:
        self.card = card
        self.loop = asyncio.get_running_loop()
        self.frames: list[NDArray[np.int16]] = []
        self.ends: list[int] = []
        self.playout: list[NDArray[np.int16]] = []
        self.talkers: list[bool] = []
        self.rearmed_before: list[int] = []
        self.sent: list[tuple[int, bytes]] = []
        self.events: list[Event] = []
        self.posted_at: list[float] = []
        self.speaker_frames_at_post: list[int] = []
        self._something = asyncio.Event()
        self.plane = AudioPlane(settings, self, self.hand_over, self.post, environment=environment or card.environment)

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        self.frames.append(frame)
        self.ends.append(end_sample)
        self.loop.call_soon_threadsafe(self._something.set)

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        self.playout.append(frame)

    def hear_talker(self, is_there: bool) -> None:
        self.talkers.append(is_there)

    def rearm(self) -> None:
        self.rearmed_before.append(len(self.frames))

    def hand_over(self, session: int, pcm: bytes) -> None:
        self.sent.append((session, pcm))
        self.loop.call_soon_threadsafe(self._something.set)

    def post(self, event: Event) -> None:
        self.posted_at.append(self.loop.time())
        self.speaker_frames_at_post.append(self.card.speaker_frames())
        self.events.append(event)
        self.loop.call_soon_threadsafe(self._something.set)

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is looked at whenever anything happens."""
        async with asyncio.timeout(_SECONDS):
            while not condition():
                self._something.clear()
                await self._something.wait()

    async def more_frames(self, count: int) -> None:
        """Let 80 ms pass so many times, by the card's clock."""
        wanted = len(self.frames) + count
        await self.until(lambda: len(self.frames) >= wanted)

    async def found(self, times: int = 1) -> None:
        """Wait until the card was found so many times in all."""
        await self.until(lambda: len(self.of(CardFound)) >= times)

    async def lost(self, times: int = 1) -> CardLost:
        """Wait until the card was lost so many times in all."""
        await self.until(lambda: len(self.of(CardLost)) >= times)
        return self.of(CardLost)[times - 1]

    def heard(self, start_frame: int = 0) -> NDArray[np.int16]:
        """What has left the loudspeaker, one channel, from a frame on."""
        return self.card.heard()[start_frame:, 0]

    def sent_to(self, session: int) -> NDArray[np.int16]:
        return np.frombuffer(b"".join(pcm for to, pcm in self.sent if to == session), np.int16)

    def capture_start(self, which: int = -1) -> int:
        """The frame of mic.raw at which a capture stream of this plane began."""
        starts = [line for line in self.card.log("mic") if " START " in line]
        match = re.search(r"frame=(\d+)", starts[which])
        assert match
        return int(match[1])


@asynccontextmanager
async def running(
    card: FakeCard,
    settings: AudioSettings,
    *,
    is_muted: bool = False,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[AudioRoom]:
    """A room whose plane runs, and is closed at the end."""
    room = AudioRoom(card, settings, environment)
    if is_muted:
        room.plane.capture.close()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(room.plane.run())
        try:
            yield room
        finally:
            await room.plane.close()


async def undisturbed(make_card: Callable[[], FakeCard], story: Callable[[FakeCard], Awaitable[None]]) -> None:
    """Run a story until no xrun disturbs it; where one did, neither success nor failure counts."""
    for _ in range(MOST_TRIES - 1):
        card = make_card()
        try:
            await story(card)
        except* (AssertionError, TimeoutError):
            if not card.faults():
                raise
        if not card.faults():
            return
    await story(make_card())


def room_sound(card: FakeCard, rate_hz: int, seconds: int = 30) -> NDArray[np.int16]:
    """Noise of which no two stretches are alike, all over the room from its first frame on; mono."""
    noise = np.random.default_rng(rate_hz).normal(0, 4000, rate_hz * seconds)
    mono = np.clip(noise, -32_768, 32_767).astype(np.int16)
    (Path(card.folder) / "mic.raw").write_bytes(np.repeat(mono, card.channels).tobytes())
    return mono
