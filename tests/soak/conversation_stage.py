"""A long conversation in fast time: the real daemon, core, sessions and ledger, before a server that ends sessions.

The server is that of the table of faults: our own server half with a mind that reads words out of samples, so that
everybody knows what was heard. The user speaks in the very moment in which a session ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bench.session_stage import Forgetful
from fakes import FakeAudit, FakeTools
from fault_kinds import CREATED, CloseWith, Delay, Step, Trouble, Way, error
from fault_room import (
    Card,
    RoomAnnouncer,
    RoomCapture,
    RoomControl,
    RoomJudge,
    RoomLights,
    RoomPlayer,
    now,
)
from fault_server import FaultServer, Line, fault_server
from soak.conversation_verdict import CODE_WORD, Lived
from speakerd.core.endpoints import EndpointRule
from speakerd.core.events import CardFound, EndAsked, Event, StopAsked, WakeWordHeard
from speakerd.core.state import Idle, Listening, Opening, Rules, Speaking, State
from speakerd.daemon import Daemon, Devices, Observer
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list
from speakerd.offline.brain import Part, Say
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.session import RealtimeSessions
from speakerd.settings_budget import PriceRow

NEVER_SECONDS = 1e9
_MODEL, _SCRIBE = "scripted", "scribe"
_NANO_USD = {"text_in": 1_000, "audio_in": 10_000, "text_out": 4_000, "audio_out": 20_000}
"""For a token."""
_NANO_USD_A_SECOND = 100_000
"""Of what is written down."""
_PRICES = (
    PriceRow(_MODEL, text_in_usd=1.0, audio_in_usd=10.0, text_out_usd=4.0, audio_out_usd=20.0),
    PriceRow(_SCRIBE, minute_usd=0.006),
)
_FIRST = f"please remember the code word {CODE_WORD}"
_AT_THE_END = "now is there a story long ago who was in the forest"
_WORDS = ("what", "time", "is", "it", "tell", "me", "a", "story", "and", "now", "the", "alarm", "so", "long", "again")
_ANSWERS = ("yes", "no and no again", "once upon a time there was a fox", "it is noon now", "sorry so sorry")
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 20.0, 60.0
"""So that a session is not too long to be told as a whole."""
_FAR_AWAY = Trouble(CREATED, Delay(0.7), for_ever=True)
"""A new session takes so long: what is said meanwhile must wait."""
_BEFORE_THE_END_SECONDS = 1.0
_PATIENCE_SECONDS = 120.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How long conversations are, and how long their sessions."""

    minutes: float = 65.0
    rollover_seconds: float = NEVER_SECONDS
    """When we replace a session."""
    expiry_seconds: float = 3600.0
    """When the server ends one."""
    seed: int = 1


async def conversations(folder: Path, plan: Plan, times: int) -> list[Lived]:
    """So many, one after the other."""
    texts = [_texts(plan, Random(plan.seed + number)) for number in range(times)]  # noqa: S311 - words, no secrets
    answers = {text: [Say(_ANSWERS[index % len(_ANSWERS)])] for each in texts for index, text in enumerate(each)}
    async with _house(folder, plan, answers) as house:
        return [await house.converse(plan, each) for each in texts]


def _texts(plan: Plan, chance: Random) -> list[str]:
    """More than can be said in the time."""
    count = 10 + round(plan.minutes * 60 / _SHORTEST_PAUSE_SECONDS)
    return [_FIRST, *(" ".join(chance.choices(_WORDS, k=chance.randint(3, 9))) for _ in range(count)), _AT_THE_END]


@dataclass
class _House:
    daemon: Daemon
    capture: RoomCapture
    player: RoomPlayer
    server: FaultServer
    ledger: Ledger
    log: list[logging.LogRecord]
    answers: int = 0
    was_idle: bool = False
    said: list[str] = field(default_factory=list)
    chance: Random = field(default_factory=lambda: Random(9))  # noqa: S311 - pauses, no secrets

    def observe(self, event: Event, before: State, after: State) -> None:
        """Count answers, and speak in the moment in which a session is replaced."""
        if isinstance(before.phase, Speaking) and isinstance(after.phase, Listening | Opening):
            self.answers += 1
        if isinstance(after.phase, Idle):
            self.was_idle = True
        is_renewed = isinstance(after.phase, Opening) and after.phase.resume is not None
        if is_renewed and not isinstance(before.phase, Opening) and self.capture.is_quiet and not self._waits:
            self._say(_AT_THE_END)

    @property
    def _waits(self) -> bool:
        """Whether an answer is owed."""
        return self.answers < len(self.said)

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.capture.say(text)

    async def converse(self, plan: Plan, texts: Sequence[str]) -> Lived:
        """One conversation, which the user ends; what both sides saw of it."""
        first_line, first_session, booked = len(self.server.lines), len(self.server.sessions), self._booked()
        self.said, self.answers, self.was_idle = [], 0, False
        self.log.clear()
        began = now()
        self.daemon.post(WakeWordHeard("hey_jarvis", 0.9, self.capture.sample))
        await self._until(lambda: not isinstance(self.daemon.state.phase, Idle))
        self.was_idle = False
        for text in texts:
            self._say(text)
            await self._until(lambda: not self._waits or self.was_idle)
            if self.was_idle or now() - began > 60 * plan.minutes:
                break
            await self._pause(plan)
        ended_early = self.was_idle or self._waits
        self.daemon.post(EndAsked())
        await self._until(lambda: isinstance(self.daemon.state.phase, Idle))
        lines = self.server.lines[first_line:]
        return Lived(
            said=tuple(self.said),
            heard=tuple(line.event["transcript"] for line in lines if line.kind.endswith("transcription.completed")),
            retold=[_retold(lines, each.number) for each in self.server.sessions[first_session + 1 :]],
            answers=self.answers,
            most_active=self.server.most_active,
            ended_early=ended_early,
            booked_nano_usd=self._booked() - booked,
            billed_nano_usd=sum(map(_nano_usd, lines)),
            unforeseen=_unforeseen(self.log),
        )

    async def _pause(self, plan: Plan) -> None:
        """Be silent for a while, but speak just before the server ends the session."""
        until = now() + self.chance.uniform(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        ends_at = _created_at(self.server.lines) + plan.expiry_seconds
        if now() < ends_at < until + _PATIENCE_SECONDS / 2 and plan.expiry_seconds < plan.rollover_seconds:
            until = max(now(), ends_at - _BEFORE_THE_END_SECONDS)
        # Whoever has spoken meanwhile, because the session was replaced, is answered first.
        await asyncio.sleep(until - now())
        await self._until(lambda: not self._waits or self.was_idle)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so, or for long enough."""
        end = now() + _PATIENCE_SECONDS
        while not is_so() and now() < end:  # noqa: ASYNC110 - it depends on what is no event
            await asyncio.sleep(_LOOK_SECONDS)

    def _booked(self) -> int:
        return self.ledger.standing().month_nano_usd


@asynccontextmanager
async def _house(folder: Path, plan: Plan, answers: Mapping[str, Sequence[Part]]) -> AsyncIterator[_House]:
    """A speaker that is up, and its server."""
    socket = folder / "socket"
    async with fault_server(socket, _FAR_AWAY, _expiry(plan), answers=answers) as server:
        observers: list[Observer] = []
        daemon = Daemon(_rules(plan), observers)
        with closing(Ledger(folder / "ledger.sqlite3", price_list(_PRICES), daemon.post)) as ledger, _log() as log:
            ledger.start()
            player = RoomPlayer(daemon.post)
            sessions = RealtimeSessions([_at(socket)], tuple, player, daemon.post, on_usage=ledger.book)
            capture = RoomCapture(daemon.post, sessions.append_audio)
            house = _House(daemon, capture, player, server, ledger, log)
            observers.append(house.observe)
            devices = Devices(
                *(sessions, capture, player, FakeTools(Forgetful()), RoomLights(), RoomControl(), RoomJudge()),
                *(RoomAnnouncer(player), FakeAudit(Forgetful())),
            )
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(daemon.run(devices))
                owners = [tasks.create_task(sessions.run()), tasks.create_task(Card(capture, player).run())]
                daemon.post(CardFound())
                yield house
                daemon.post(StopAsked())
                await running
                await sessions.close_all()
                owners[1].cancel()


def _rules(plan: Plan) -> Rules:
    return Rules(
        endpoints=(EndpointRule(_MODEL, bills=True),),
        listening_seconds=2 * _LONGEST_PAUSE_SECONDS,
        rollover_seconds=plan.rollover_seconds,
    )


def _expiry(plan: Plan) -> Trouble:
    """Every session ends after its time, as in the cloud."""
    message = "Your session hit the maximum duration of 60 minutes."
    end = CloseWith(1001, message, error("session_expired", message=message))
    step = Step("expiry", Way.RESTS, "session.created", after_seconds=plan.expiry_seconds)
    return Trouble(step, end, for_ever=True)


def _at(socket: Path) -> Endpoint:
    url = "ws://localhost/v1/realtime?model=scripted"
    return Endpoint(_MODEL, url, {}, _MODEL, unix_socket=socket, transcription_model=_SCRIBE)


class _Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.log: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.log.append(record)


@contextmanager
def _log() -> Iterator[list[logging.LogRecord]]:
    """What speakerd logs, which goes nowhere else."""
    keeping = _Keeping()
    root = logging.getLogger("speakerd")
    root.addHandler(keeping)
    root.propagate = False
    try:
        yield keeping.log
    finally:
        root.propagate = True
        root.removeHandler(keeping)


def _created_at(lines: Sequence[Line]) -> float:
    return next(line.at for line in reversed(lines) if line.kind == "session.created")


def _retold(lines: Sequence[Line], session: int) -> str:
    """What a session was told before it heard anything."""
    words = []
    for line in lines:
        if line.session == session and not line.sent and line.kind.startswith("input_audio_buffer"):
            break
        if line.session == session and not line.sent and line.kind.startswith("conversation.item.create"):
            words += [part.get("text", "") for part in line.event["item"].get("content", ())]
    return " ".join(words)


def _nano_usd(line: Line) -> int:
    """What the server bills with an event, by our own arithmetic."""
    if line.kind.endswith("transcription.completed"):
        seconds: float = line.event["usage"]["seconds"]
        return round(seconds * _NANO_USD_A_SECOND)
    if line.kind != "response.done":
        return 0
    usage: dict[str, Any] = line.event["response"]["usage"]
    into, out = usage["input_token_details"], usage["output_token_details"]
    assert not into.get("cached_tokens")
    text: int = into["text_tokens"] * _NANO_USD["text_in"] + out["text_tokens"] * _NANO_USD["text_out"]
    audio: int = into["audio_tokens"] * _NANO_USD["audio_in"] + out["audio_tokens"] * _NANO_USD["audio_out"]
    return text + audio


def _unforeseen(log: Sequence[logging.LogRecord]) -> list[str]:
    """Warnings, but for the one that a session has come to its end."""
    return [
        record.getMessage()
        for record in log
        if record.levelno >= logging.WARNING and "maximum duration" not in record.getMessage()
    ]
