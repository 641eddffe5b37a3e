"""What a recorded afternoon costs with our speaker, in fast time: with all that saves money, and without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.session_kitchen import PREFIX_MS, SILENCE_MS, Bill, kitchen_server
from bench.session_stage import WORD, Forgetful
from bench.session_talk import Talk
from fakes import fake_devices
from fast_card import FastCard
from speakerd.audio.own_turns import TurnRules
from speakerd.core.events import CardFound, StopAsked, WakeWordHeard
from speakerd.core.state import Rules
from speakerd.core.usage import Billed
from speakerd.daemon import Daemon
from speakerd.realtime.endpoint import Endpoint, TurnDetection
from speakerd.realtime.session import RealtimeSessions

_SERVER_VAD = TurnDetection(by_meaning=False, silence_ms=SILENCE_MS, prefix_ms=PREFIX_MS)
_LAST_SECONDS = 15.0
"""Until the last conversation has ended by itself."""


@dataclass(frozen=True, slots=True)
class Way:
    """How our speaker is set up."""

    is_full_duplex: bool
    trims_silence: bool
    finds_turns: bool
    """Whether we do, not the server."""


WAYS: Mapping[str, Way] = {
    "saving": Way(is_full_duplex=False, trims_silence=True, finds_turns=False),
    "plain": Way(is_full_duplex=True, trims_silence=False, finds_turns=False),
    "own turns, saving": Way(is_full_duplex=False, trims_silence=True, finds_turns=True),
    "own turns, plain": Way(is_full_duplex=False, trims_silence=False, finds_turns=True),
}


async def ours(talk: Talk, way: Way, socket: Path) -> Bill:
    """The afternoon's bill."""
    bill = Bill()
    async with kitchen_server(socket, bill):
        await _live_through(talk, way, socket, bill)
    return bill


async def _live_through(talk: Talk, way: Way, socket: Path, bill: Bill) -> None:
    def book(billed: Billed) -> None:
        if billed.kind == "response":
            bill.add(billed.usage.audio_in, billed.usage.text_in)

    daemon = Daemon(Rules(full_duplex=way.is_full_duplex, local_turns=way.finds_turns))

    def uplink(session: int, pcm: bytes) -> None:
        sessions.append_audio(session, pcm)

    card = FastCard(
        *(talk.sound, uplink, daemon.post),
        is_full_duplex=way.is_full_duplex,
        turns=TurnRules(way.finds_turns, way.trims_silence),
    )
    endpoint = Endpoint(
        *("kitchen", "ws://localhost/v1/realtime?model=bench", {}, "bench"),
        unix_socket=socket,
        turns=None if way.finds_turns else _SERVER_VAD,
    )
    sessions = RealtimeSessions([endpoint], tuple, card.player, daemon.post, on_usage=book)
    devices = replace(fake_devices(Forgetful()), sessions=sessions, capture=card.capture, player=card.player)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(daemon.run(devices))
        owners = [tasks.create_task(card.run()), tasks.create_task(sessions.run())]
        daemon.post(CardFound())
        began = asyncio.get_running_loop().time()
        for wake in talk.wakes:
            await asyncio.sleep(began + wake - asyncio.get_running_loop().time())
            daemon.post(WakeWordHeard(WORD, 1.0, card.sample))
        await asyncio.sleep(began + talk.seconds + _LAST_SECONDS - asyncio.get_running_loop().time())
        daemon.post(StopAsked())
        await running
        await sessions.close_all()
        owners[0].cancel()
