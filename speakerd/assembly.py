"""Puts the speaker together: settings → devices → daemon; the only place that knows every adapter.

Everything that is opened here is closed here, in the reverse order, on every way out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speakerd.audio import echo_verdict
from speakerd.audio.devices import with_board_card
from speakerd.audio.own_turns import TurnRules
from speakerd.audio.plane import AudioPlane
from speakerd.core.events import StopAsked
from speakerd.core.state import Card
from speakerd.daemon import Daemon, Devices, Observer
from speakerd.errors import ConfigurationError
from speakerd.folders import speakers_folder, state_folder
from speakerd.garbage import collect_after_talks, collect_seldom
from speakerd.gpio.boards import Board, load_board
from speakerd.gpio.panel import Panel
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list
from speakerd.mcp.home import instructions_with_room, room_fact
from speakerd.mcp.home_device import HomeDevice
from speakerd.mcp.source import McpSource, servers_status
from speakerd.mcp.sources import home_device, sources
from speakerd.mqtt.setup import Mqtt, mqtt
from speakerd.mqtt.status import Facts
from speakerd.offline.announcer import SpokenAnnouncer
from speakerd.offline.process import OfflineProcess
from speakerd.offline.speaking import voice
from speakerd.ports import Ears, Post
from speakerd.realtime.connection import Trace
from speakerd.realtime.endpoints import Endpoint, endpoints
from speakerd.realtime.session import RealtimeSessions
from speakerd.reloading import Reloading
from speakerd.rules import rules
from speakerd.service.control import ControlServer, Knob
from speakerd.service.logbook import write_down
from speakerd.service.notify import Notifier, feed_watchdog
from speakerd.service.telling import Telling, snapshot
from speakerd.service.waits import Waits
from speakerd.settings import AudioSettings, Settings
from speakerd.tools.audit import AuditFile
from speakerd.tools.commands import command_tools
from speakerd.tools.everyday import Kept, everyday_tools, kept_in
from speakerd.tools.facts import changing_facts
from speakerd.tools.home import DemoHome
from speakerd.tools.inventory import inventory
from speakerd.tools.kept_volume import KeptVolume
from speakerd.tools.registry import ToolRunner
from speakerd.wakeword import ears as wakeword
from speakerd.wakeword.ears import WakeWordEars
from speakerd.wakeword.observation import Observation, Observe

_log = logging.getLogger(__name__)

_OVERDUE_SECONDS = 5.0
_DEAF_SECONDS = 5.0


@dataclass(frozen=True)
class Surroundings:
    """What a demonstration or a test puts in the place of this machine's own."""

    pin_factory: Any = None
    """A gpiozero pin factory; None means this machine's GPIO."""
    sound_environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of the sound card's process."""
    observers: tuple[Observer, ...] = ()
    observe_score: Observe | None = None
    """Takes what the ears observe in every frame; called in the audio thread."""
    trace: Trace | None = None
    """Takes every wire event of the sessions."""


@dataclass(frozen=True)
class Speaker:
    """A speaker that is about to run."""

    daemon: Daemon
    devices: Devices
    sessions: RealtimeSessions
    tools: ToolRunner
    plane: AudioPlane
    offline: OfflineProcess | None
    notifier: Notifier
    ears: WakeWordEars
    owners: tuple[Coroutine[Any, Any, None], ...]
    """The owners of devices, each to run beside the loop."""


async def serve(
    settings: Settings, surroundings: Surroundings | None = None, again: Callable[[], Settings] | None = None
) -> None:
    """Run the speaker until SIGTERM or SIGINT; raises a SpeakerdError for what waiting cannot help.

    On SIGHUP `again` gives the settings anew: what can change does at once, the rest is named.
    """
    around = surroundings or Surroundings()
    around = replace(around, observers=(*around.observers, collect_after_talks))
    async with assembled(settings, around) as speaker:
        collect_seldom()
        _obey_signals(speaker.daemon)
        reloading = Reloading(settings, again or (lambda: settings), speaker.ears, speaker.daemon.post)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.begin)
        await run(speaker)


async def run(speaker: Speaker) -> None:
    """Run the loop beside the owners of the devices, and stop them in order when it ends."""
    async with asyncio.TaskGroup() as group:
        owners = [group.create_task(owner) for owner in speaker.owners]
        await speaker.daemon.run(speaker.devices)
        speaker.notifier.stopping()
        await speaker.sessions.close_all()
        await speaker.tools.close()
        await speaker.plane.close()
        for owner in owners:
            owner.cancel()


@asynccontextmanager
async def assembled(settings: Settings, around: Surroundings) -> AsyncIterator[Speaker]:
    """Open everything, the owner's possible mistakes first, so that nothing is started in vain."""
    async with AsyncExitStack() as opened:
        board = load_board(settings.board)
        settings = _in_its_room(replace(settings, audio=audio_for(settings, board)))
        run_folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="speakerd-")))
        servers = endpoints(settings, run_folder / "offline.sock", os.environ)
        observers = list(around.observers)
        daemon = Daemon(rules(settings, servers), observers)
        broker = mqtt(settings.mqtt, daemon.post, lambda: daemon.state, os.environ)
        at_home = home_device(settings, os.environ, broker.identifier if broker else None)
        others = sources(settings, os.environ, *([at_home.id] if at_home else []))
        notifier = Notifier()
        listening, hearing = _Listening(), _ProofOfHearing()
        audit = AuditFile(state_folder(settings, os.environ) / "audit.jsonl")
        opened.callback(audit.close)
        control = ControlServer(
            Path(settings.control.socket),
            daemon.post,
            lambda: {
                **snapshot(daemon.state),
                **hearing.figures(),
                "servers": _servers(others, broker),
                "decisions": audit.latest(),
            },
            listening.tune,
            broker.link.announce_everywhere if broker else None,
        )
        opened.callback(control.close)
        kept = kept_in(state_folder(settings, os.environ), daemon.post, asyncio.get_running_loop())
        observers += [Telling(control, notifier), write_down, Waits(), *kept.observers]
        panel = Panel(board, daemon.post, around.pin_factory)
        opened.callback(panel.close)
        offline, starting = _offline(settings, servers, opened)
        ears = await listening.begin(settings, daemon.post, around.observe_score, control)
        opened.callback(ears.close)
        ledger = _ledger(settings, daemon.post, opened)
        plane, sessions, tools = _conversation(
            *(settings, around, daemon.post, ears, servers, ledger, kept, others, broker, at_home, control, opened)
        )
        control.inventory = lambda: inventory(daemon.state.rules.policy, tools.specs())
        hearing.plane = plane
        plane.begin()
        opened.push_async_callback(plane.close)
        await starting
        proof = Proof(daemon, plane, ears)
        owners = [plane.run(), sessions.run(), panel.run(), control.run(), feed_watchdog(notifier, proof), ledger.run()]
        owners += [other.run() for other in others]
        if at_home is not None:
            owners.append(at_home.run())
        if offline is not None:
            owners.append(offline.run())
        if broker is not None:
            observers.append(broker.link.observe)
            owners.append(broker.link.run())
        announcer = SpokenAnnouncer(lambda: voice(settings.offline), plane.player, daemon.post)
        devices = Devices(sessions, plane.capture, plane.player, tools, panel.lights, control, ears, announcer, audit)
        yield Speaker(daemon, devices, sessions, tools, plane, offline, notifier, ears, tuple(owners))


def audio_for(settings: Settings, board: Board) -> AudioSettings:
    """The audio settings in which nothing is "auto" any more; raises ConfigurationError.

    The microphone stays open over our own sound only where the board cancels its echo, or a test has shown that we do.
    """
    audio = sound_path(settings, board)
    if audio.duplex == "half":
        return audio
    if board.hardware_aec and audio.canceller == "none":
        return replace(audio, duplex="full")
    found = echo_verdict.load(speakers_folder(settings, os.environ))
    may_be_full = found is not None and found.passed and found.is_of(audio)
    if audio.duplex == "full" and not may_be_full:
        raise ConfigurationError(
            f'"audio.duplex" must be "half" or "auto" on the board "{board.name}" until `speakerd doctor echo` has '
            "passed with this sound card: else the speaker would answer itself."
        )
    return replace(audio, duplex="full" if may_be_full else "half")


def sound_path(settings: Settings, board: Board) -> AudioSettings:
    """The audio settings with the board's card and the canceller that "auto" means: what an echo test is of."""
    audio = with_board_card(settings.audio, board.card)
    if audio.canceller != "auto":
        return audio
    return replace(audio, canceller="none" if board.hardware_aec else "software")


def _offline(
    settings: Settings, servers: Sequence[Endpoint], opened: AsyncExitStack
) -> tuple[OfflineProcess | None, asyncio.Future[None]]:
    """The assistant on the device, if it is wanted, which starts beside the rest; and what is done when it listens."""
    sockets = [server.unix_socket for server in servers if server.unix_socket is not None]
    if not sockets:
        return None, asyncio.ensure_future(asyncio.sleep(0))
    offline = OfflineProcess(settings.offline, sockets[0])
    opened.push_async_callback(offline.stop)
    starting = asyncio.create_task(offline.start())
    opened.push_async_callback(_given_up, starting)
    return offline, starting


async def _given_up(starting: asyncio.Task[None]) -> None:
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)


def _servers(others: Sequence[McpSource], broker: Mqtt | None) -> list[Mapping[str, object]]:
    return [*servers_status(others), *([broker.health()] if broker else [])]


def _conversation(
    settings: Settings,
    around: Surroundings,
    post: Post,
    ears: Ears,
    servers: Sequence[Endpoint],
    ledger: Ledger,
    kept: Kept,
    others: Sequence[McpSource],
    broker: Mqtt | None,
    at_home: HomeDevice | None,
    control: ControlServer,
    opened: AsyncExitStack,
) -> tuple[AudioPlane, RealtimeSessions, ToolRunner]:
    loop = asyncio.get_running_loop()

    def uplink(session: int, pcm: bytes) -> None:
        loop.call_soon_threadsafe(sessions.append_audio, session, pcm)

    talk = settings.conversation
    turns = TurnRules(talk.turns in ("local", "push"), settings.audio.trim_silence, talk.end_silence_ms)
    plane = AudioPlane(settings.audio, ears, uplink, post, environment=around.sound_environment, turns=turns)
    volume = KeptVolume(state_folder(settings, os.environ) / "volume.json", plane.set_volume)
    volume.restore()
    opened.callback(volume.close)
    control.knob = Knob(lambda: plane.volume, volume.set)
    home = DemoHome() if settings.tools.demo_home else None
    everywhere = broker.link.announce_everywhere if broker else None
    offered = everyday_tools(
        *(kept, post, lambda: plane.volume, volume.set), home=home, spending=ledger.standing, everywhere=everywhere
    )
    offered += command_tools(settings.tools.commands, {tool.spec.name for tool in offered})
    if broker is not None:
        broker.link.control(lambda: Facts(plane.volume, kept.timers.next_due_unix_seconds()), volume.set)
        offered += broker.tools
    tools = ToolRunner(offered, post, settings.tools.deadline_seconds, others)
    # A room that the owner wrote down is among the instructions already.
    room = at_home.room if at_home and not settings.home_assistant.room else str

    def facts() -> str:
        return f"{changing_facts(kept.timers, kept.alarms)} {room_fact(room())}".rstrip()

    sessions = RealtimeSessions(
        *(servers, tools.specs, plane.player, post), facts=facts, trace=around.trace, on_usage=ledger.book
    )
    return plane, sessions, tools


def _in_its_room(settings: Settings) -> Settings:
    told = instructions_with_room(settings.endpoint.instructions, settings.home_assistant.room)
    return replace(settings, endpoint=replace(settings.endpoint, instructions=told))


def _ledger(settings: Settings, post: Post, opened: AsyncExitStack) -> Ledger:
    """The book of what was spent, open; what it knows already is told first of all."""
    path = settings.budget.ledger or state_folder(settings, os.environ) / "ledger.sqlite3"
    ledger = Ledger(Path(path), price_list(settings.budget.prices), post)
    ledger.start()
    opened.callback(ledger.close)
    return ledger


class _ProofOfHearing:
    """What the audio plane measures, for whoever asks for the status."""

    plane: AudioPlane | None = None
    """None until it is there."""

    def figures(self) -> dict[str, object]:
        """The figures that are known, by name."""
        if self.plane is None:
            return {}
        health = self.plane.health
        age_seconds = health.last_mic_frame_age_seconds(asyncio.get_running_loop().time())
        known = {
            "volume_percent": round(self.plane.volume * 100),
            "mic_frame_age_seconds": None if age_seconds is None else round(age_seconds, 3),
            **{name: getattr(health, name) for name in ("frames", "overruns", "underruns", "restarts")},
            **{name: getattr(health, name) for name in ("capture_rate_hz", "block_ms", "is_duplex")},
            **{name: _tenths(getattr(health, name)) for name in ("capture_ppm", "playout_ppm", "echo_delay_ms")},
        }
        return {name: value for name, value in known.items() if value is not None}


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


class _Listening:
    """Joins the ears to the control socket, which must be claimed before models are loaded."""

    def __init__(self) -> None:
        self._ears: WakeWordEars | None = None

    async def begin(
        self, settings: Settings, post: Post, observe: Observe | None, control: ControlServer
    ) -> WakeWordEars:
        """Load the ears; raises ModelError or ConfigurationError."""
        loop = asyncio.get_running_loop()

        def show(observation: Observation) -> None:
            if control.wants_scores:
                loop.call_soon_threadsafe(control.publish_observation, observation)
            if observe is not None:
                observe(observation)

        def is_observed() -> bool:
            return observe is not None or control.wants_scores

        self._ears = await asyncio.to_thread(wakeword.ears, settings.wake_word, post, show, is_observed)
        return self._ears

    def tune(self, changes: Mapping[str, object]) -> str | None:
        """See ControlServer."""
        return self._ears.tune(changes) if self._ears else "The wake word is still being loaded: ask again."


class Proof:
    """Proof of hearing: None, or what is wrong. A card that is known to be gone is shown, and recovery is under way."""

    def __init__(
        self, daemon: Daemon, plane: AudioPlane, ears: WakeWordEars, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._daemon = daemon
        self._plane = plane
        self._ears = ears
        self._clock = clock
        self._scored = -1
        self._scored_at = clock()

    def __call__(self) -> str | None:
        """Look now."""
        if self._daemon.overdue_seconds() > _OVERDUE_SECONDS:
            return "a phase has outlived its deadline"
        now = self._clock()
        listens = self._plane.health.is_capture_open and self._daemon.state.card is Card.UP
        if not listens or self._ears.frames_scored != self._scored:
            self._scored, self._scored_at = self._ears.frames_scored, now
        return "no sound reaches the wake word" if now - self._scored_at > _DEAF_SECONDS else None


def _obey_signals(daemon: Daemon) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.post, StopAsked())
