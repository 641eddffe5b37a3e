"""An audio plane of our own, for tests by hand: frames come one by one in the loop, and a lost card is an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.echo_path import Observe
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, bytes_of
from speakerd.audio.plane import AudioPlane
from speakerd.audio.resample import resampled
from speakerd.core.events import CardLost, Event, PlayoutEnded
from speakerd.errors import AudioDeviceError
from speakerd.ports import Ears
from speakerd.settings import AudioSettings

News = NDArray[np.int16] | Event
"""A frame for the wake word, or what the plane has posted."""


class OwnCard:
    """The card as a test sees it; made by `own_card`. Implements ports.Ears."""

    def __init__(
        self,
        settings: AudioSettings,
        environment: Mapping[str, str],
        ears: Ears | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[News | None] = asyncio.Queue()
        self._ears = ears
        self.plane = AudioPlane(
            *(settings, self, lambda session, pcm: None, self._tell), environment=environment, observe=observe
        )

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """See Ears."""
        if self._ears is not None:
            self._ears.hear(frame, end_sample)
        self._tell(frame)

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        """See Ears."""
        if self._ears is not None:
            self._ears.hear_playout(frame)

    def hear_talker(self, is_there: bool) -> None:
        """See Ears."""
        if self._ears is not None:
            self._ears.hear_talker(is_there)

    def rearm(self) -> None:
        """See Ears."""
        if self._ears is not None:
            self._ears.rearm()

    def end(self) -> None:
        """Let `frames` end, or `play`; loop thread only."""
        self._news.put_nowait(None)

    async def news(self) -> AsyncIterator[News]:
        """All that comes, until `end`; raises AudioDeviceError if the card is lost."""
        while (news := await self._next()) is not None:
            yield news

    async def frames(self) -> AsyncIterator[NDArray[np.int16]]:
        """What the microphone hears, 80 ms at 16 kHz each, until `end`; raises AudioDeviceError if the card is lost."""
        async for news in self.news():
            if isinstance(news, np.ndarray):
                yield news

    async def play(self, samples: NDArray[np.int16]) -> None:
        """Play samples at 16 kHz until they were heard, or `end`; raises AudioDeviceError if the card is lost."""
        self.plane.player.play("recording", bytes_of(resampled(samples, WAKE_RATE_HZ, SESSION_RATE_HZ)))
        self.plane.player.finish("recording")
        async for news in self.news():
            if isinstance(news, PlayoutEnded):
                return

    async def _next(self) -> News | None:
        news = await self._news.get()
        if isinstance(news, CardLost):
            raise AudioDeviceError(news.reason)
        return news

    def _tell(self, news: News | None) -> None:
        self._loop.call_soon_threadsafe(self._news.put_nowait, news)


@asynccontextmanager
async def own_card(
    settings: AudioSettings,
    environment: Mapping[str, str],
    *,
    ears: Ears | None = None,
    observe: Observe | None = None,
) -> AsyncIterator[OwnCard]:
    """A card that is opened, and closed at the end; `environment` adds to that of its process.

    `ears` hear everything before it is told, in the audio thread; `observe` takes what it was made of.
    """
    card = OwnCard(settings, environment, ears, observe)
    running = asyncio.create_task(card.plane.run())
    running.add_done_callback(lambda _: card.end())
    try:
        yield card
    finally:
        await card.plane.close()
        await running
