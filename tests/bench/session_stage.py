"""A speaker for the session bench: the loop, the core and the sessions, before a server in another process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audio_stage import NoEars
from bench.far_process import far_process
from fakes import Told, fake_devices
from fast_card import FastCard
from speakerd.audio.plane import AudioPlane
from speakerd.core.events import CardFound, Event, StopAsked, WakeWordHeard
from speakerd.core.state import Card, Idle, Listening, Rules, State
from speakerd.daemon import Daemon, Observer
from speakerd.demo.card import FakeCard
from speakerd.ledger.ledger import Ledger
from speakerd.ports import AudioSink, Capture, Player, Post
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.link import OnUsage
from speakerd.realtime.session import RealtimeSessions
from speakerd.settings import AudioSettings

_MODEL = "gpt-realtime-2.1-mini"
"""Nobody asks for it; it has a price."""
WORD = "bench"


@dataclass
class Server:
    """The scripted server."""

    ports: list[int]
    told: list[dict[str, Any]] = field(default_factory=list)
    """What happened there, in order."""

    def of(self, what: str, client: str = "bench") -> list[dict[str, Any]]:
        """All of a kind that happened with a client."""
        return [event for event in self.told if (event["what"], event["client"]) == (what, client)]

    def url(self, number: int = 0, client: str = "bench", scheme: str = "ws") -> str:
        """Where it is, at one of its ports, for a client of this name."""
        return f"{scheme}://127.0.0.1:{self.ports[number]}/v1/realtime?model={client}"


@asynccontextmanager
async def server(*options: str) -> AsyncIterator[Server]:
    """Run it in a process of its own, whose memory is not ours."""
    told: list[dict[str, Any]] = []
    async with far_process("bench.session_server", *options, tell=told.append) as ports:
        yield Server(ports, told)


def sessions_at(url: str, player: Player, post: Post, on_usage: OnUsage | None = None) -> RealtimeSessions:
    """The sessions of one endpoint without a key."""
    return RealtimeSessions([Endpoint("bench", url, {}, _MODEL)], tuple, player, post, on_usage=on_usage)


class WakingEars(NoEars):
    """Hear the wake word in the very next frame, when they are told to."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._is_asked = False
        self.woken_at = 0.0
        """The monotonic second at which the wake word was told last."""

    def wake(self) -> None:
        """Hear the wake word in the next frame."""
        self._is_asked = True

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """Take a frame; audio thread."""
        if self._is_asked:
            self._is_asked = False
            self.woken_at = time.monotonic()
            self._post(WakeWordHeard(WORD, 1.0, end_sample))


class Forgetful(Told):
    """What fakes are told is of no interest, and must not grow."""

    def note(self, *words: object) -> None:
        """Nothing is kept."""


@dataclass
class Speaker:
    """A running loop before a server, and when it began to listen."""

    daemon: Daemon
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after each event."""
    listening_at: float = 0.0
    """The monotonic second at which the user was listened to last, after he was not."""

    def observe(self, event: Event, before: State, after: State) -> None:
        """See daemon.Observer."""
        if isinstance(after.phase, Listening) and not isinstance(before.phase, Listening):
            self.listening_at = time.monotonic()
        self.changed.set()

    @property
    def is_idle(self) -> bool:
        """Whether no conversation goes on."""
        return isinstance(self.daemon.state.phase, Idle)

    @property
    def is_listening(self) -> bool:
        """Whether it is the user's turn."""
        return isinstance(self.daemon.state.phase, Listening)

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until a condition holds, looked at after each event."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def conversing(
    rules: Rules,
    make_audio: Callable[[Post, AudioSink], tuple[Capture, Player]],
    url: str,
    make_ledger: Callable[[Post], Ledger] | None = None,
) -> AsyncIterator[Speaker]:
    """A speaker whose microphone and loudspeaker are given, and perhaps its ledger; only its sessions are real."""
    loop = asyncio.get_running_loop()
    observers: list[Observer] = []
    daemon = Daemon(rules, observers)
    runs = Speaker(daemon)
    observers.append(runs.observe)

    def uplink(session: int, pcm: bytes) -> None:
        loop.call_soon_threadsafe(sessions.append_audio, session, pcm)

    capture, player = make_audio(daemon.post, uplink)
    ledger = make_ledger(daemon.post) if make_ledger else None
    sessions = sessions_at(url, player, daemon.post, ledger.book if ledger else None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sessions.run())
        devices = replace(fake_devices(Forgetful()), sessions=sessions, capture=capture, player=player)
        running = tasks.create_task(daemon.run(devices))
        try:
            yield runs
        finally:
            daemon.post(StopAsked())
            await running
            await sessions.close_all()


@asynccontextmanager
async def with_card(card: FakeCard, rules: Rules, url: str) -> AsyncIterator[tuple[Speaker, WakingEars]]:
    """A speaker with a card that it has found."""
    settings = replace(AudioSettings(), input=card.name, output=card.name, volume=1.0)
    ears: list[WakingEars] = []
    planes: list[AudioPlane] = []

    def make_audio(post: Post, sink: AudioSink) -> tuple[Capture, Player]:
        ears.append(WakingEars(post))
        planes.append(AudioPlane(settings, ears[0], sink, post, environment=card.environment))
        return planes[0].capture, planes[0].player

    async with conversing(rules, make_audio, url) as runs, asyncio.TaskGroup() as tasks:
        tasks.create_task(planes[0].run())
        try:
            await runs.until(lambda: runs.daemon.state.card is Card.UP)
            yield runs, ears[0]
        finally:
            await planes[0].close()


@asynccontextmanager
async def with_clock(rules: Rules, url: str) -> AsyncIterator[tuple[Speaker, WakingEars]]:
    """A speaker in a silent room, whose audio plane has no process of the card's: many can be there at once."""
    ears: list[WakingEars] = []
    cards: list[FastCard] = []

    def make_audio(post: Post, sink: AudioSink) -> tuple[Capture, Player]:
        ears.append(WakingEars(post))
        cards.append(FastCard(np.zeros(0, np.int16), sink, post, ears=ears[0]))
        return cards[0].capture, cards[0].player

    async with conversing(rules, make_audio, url) as runs, asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(cards[0].run())
        runs.daemon.post(CardFound())
        yield runs, ears[0]
        ticking.cancel()
