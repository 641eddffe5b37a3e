"""The audio plane: owns the sound card's process, and starts it anew whenever the card or the process fails.

The proof that a card works is what arrives: mic frames while capture is open, and the playout callback's pulse always.
Nothing else is believed (reference/audio.md: a stream whose card was pulled still calls itself active).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass

from speakerd.audio import wire
from speakerd.audio.capture import MicCapture
from speakerd.audio.echo_path import Observe
from speakerd.audio.hearing import Hearing
from speakerd.audio.own_turns import TurnRules
from speakerd.audio.player import CardPlayer
from speakerd.audio.process import CardProcess
from speakerd.audio.uplink import UplinkSpan
from speakerd.core.events import CardFound, CardLost
from speakerd.ports import AudioSink, Ears, Post
from speakerd.settings import AudioSettings

_log = logging.getLogger(__name__)

_LOOK_SECONDS, _FIRST_LOOK_SECONDS = 0.2, 0.02
_SILENT_SECONDS = 0.5
_START_SECONDS = 15.0
"""Longest wait for the first sign of a stream: a slow Pi imports for seconds, and a USB card may open slowly."""
_FIRST_BACKOFF_SECONDS, _LAST_BACKOFF_SECONDS = 0.25, 5.0
_GRACE_SECONDS = 1.5
_CHANGE_SECONDS = 3.0
"""The stream of a card is closed and opened anew when the microphone is: some take their time."""
_NOT_STARTED = "The sound card did not start: unplug it and plug it in again."


@dataclass(frozen=True, slots=True)
class AudioHealth:
    """Figures of the audio plane since it began."""

    is_capture_open: bool
    last_mic_frame_at: float | None
    """Time of the loop's clock when the last mic frame was done with."""
    last_pulse_at: float | None
    """Time of the loop's clock when the card last asked for sound."""
    frames: int
    """Reports of what the microphone heard, 20 to 80 ms each."""
    overruns: int
    """Times that captured samples were lost."""
    underruns: int
    """Times that the loudspeaker ran dry."""
    restarts: int
    """Times that the sound card's process was started again."""
    uplinks: tuple[UplinkSpan, ...]
    """What was handed to the sink: the latest openings of the uplink, one by one."""
    capture_rate_hz: int | None = None
    """The card's own rate; this and what follows is None until it is known."""
    block_ms: int | None = None
    """What the card hands over at a time."""
    is_duplex: bool | None = None
    """Whether one stream captures and plays; else two are paired by their times."""
    capture_ppm: float | None = None
    """How much faster than its nominal rate the card captures, by the machine's clock, in parts per million."""
    playout_ppm: float | None = None
    reference_ms: float | None = None
    """How much later than it is captured beside it our own sound is played: constant while all is well."""
    echo_delay_ms: float | None = None
    """How long our own sound takes until the microphone hears it."""

    def last_mic_frame_age_seconds(self, now: float) -> float | None:
        """Seconds since the last mic frame by the loop's clock; None before the first."""
        return None if self.last_mic_frame_at is None else now - self.last_mic_frame_at


class AudioPlane:
    """The microphone and the loudspeaker. Made in the loop's thread; `run` is its owner task.

    Without ears nobody listens for a wake word. Posts CardFound when the streams run and CardLost once when they no
    longer do. `environment` adds to the child's.
    """

    def __init__(
        self,
        settings: AudioSettings,
        ears: Ears | None,
        sink: AudioSink,
        post: Post,
        *,
        environment: Mapping[str, str] | None = None,
        turns: TurnRules | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._settings = settings
        self._post = post
        self._environment = environment or {}
        self._loop = asyncio.get_running_loop()
        cancels_echo = settings.canceller != "none"
        self._hearing = Hearing(
            *(ears, sink, post, self._loop.time), cancels_echo=cancels_echo, turns=turns, observe=observe
        )
        self.capture = MicCapture(self._hearing, self._loop.time)
        """The Capture port."""
        self.player = CardPlayer(settings, post)
        """The Player port, with the volume."""
        self._process: CardProcess | None = None
        self._begun: CardProcess | None = None
        """The first process, until `run` takes it over."""
        self._missing = ""
        """Why there is no card."""
        self._found_at: float | None = None
        self._is_lost = False
        """Whether CardLost was posted since the last CardFound, or before the first."""
        self._pulse_at: float | None = None
        self._progress = 0, 0
        """The item that plays and how much of it the card was given: only a lost card leaves it at that."""
        self._underruns = self._past_underruns = self._starts = 0
        self._closing: asyncio.Future[None] = self._loop.create_future()
        self._closed = asyncio.Event()
        self._closed.set()

    @property
    def volume(self) -> float:
        """Loudness from 0 to 1."""
        return self.player.volume

    def set_volume(self, volume: float) -> None:
        """Change the loudness, from 0 to 1, at once."""
        self.player.set_volume(volume)

    @property
    def child_pid(self) -> int | None:
        """Process id of the sound card's process; None while there is none."""
        return self._process.pid if self._process else None

    @property
    def health(self) -> AudioHealth:
        """Figures at this moment."""
        hearing, clocks = self._hearing, self._hearing.clocks
        opened = hearing.format
        return AudioHealth(
            is_capture_open=self.capture.is_open,
            last_mic_frame_at=hearing.heard_at,
            last_pulse_at=self._pulse_at,
            frames=hearing.frames,
            overruns=hearing.overruns,
            underruns=self._past_underruns + self._underruns,
            restarts=max(0, self._starts - 1),
            uplinks=hearing.spans,
            capture_rate_hz=opened.rate_hz if opened else None,
            block_ms=opened.block_ms if opened else None,
            is_duplex=opened.is_duplex if opened else None,
            capture_ppm=clocks.capture_ppm if clocks else None,
            playout_ppm=clocks.playout_ppm if clocks else None,
            reference_ms=clocks.reference_ms if clocks else None,
            echo_delay_ms=hearing.echo_delay_ms,
        )

    def begin(self) -> None:
        """Start the card's process ahead of `run`, while others start, too; `close` ends it in any case."""
        self._begun = self._start_process()

    async def run(self) -> None:
        """Keep the card working until `close`; raises only what is a bug."""
        self._closed.clear()
        backoff_seconds = _FIRST_BACKOFF_SECONDS
        try:
            while not self._closing.done():
                reason = await self._use_process()
                if self._closing.done():
                    return
                if self._found_at is not None:  # whoever pulls a plug and puts it back is not kept waiting
                    backoff_seconds = _FIRST_BACKOFF_SECONDS
                self._lose(reason)
                await self._pause(backoff_seconds * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, no secret
                backoff_seconds = min(2 * backoff_seconds, _LAST_BACKOFF_SECONDS)
        finally:
            self._lose_playout()
            self._closed.set()

    async def close(self) -> None:
        """End the sound card's process and `run`; nothing is posted afterwards."""
        if not self._closing.done():
            self._closing.set_result(None)
        await self._closed.wait()
        process, self._begun = self._begun, None
        if process is not None:
            self._process = None
            await asyncio.to_thread(process.end, 0.0)
            self.capture.attach(None)

    async def _use_process(self) -> str:
        """One life of the process; returns why it ended."""
        process, self._begun = self._begun or self._start_process(), None
        started_at = self._loop.time()
        reason = ""
        over = self._loop.create_future()
        process.when_over(lambda: self._loop.call_soon_threadsafe(over.set_result, None))
        try:
            while not (reason := self._trouble(process, started_at)) and not self._closing.done():
                self._look(process)
                await self._pause(self._look_seconds(process), over)
        finally:
            self._process = None
            grace_seconds = _GRACE_SECONDS if self._closing.done() else 0.0
            outcome = await asyncio.shield(asyncio.to_thread(process.end, grace_seconds))
            self.capture.attach(None)
        _log.debug("the sound card's process wrote: %s", process.last_words())
        return reason.format(outcome=outcome)

    def _start_process(self) -> CardProcess:
        self._past_underruns, self._underruns = self._past_underruns + self._underruns, 0
        self._starts += 1
        process = self._process = CardProcess(
            _arguments(self._settings), self._environment, self._report, self._loop.time
        )
        self.capture.attach(process)
        return process

    def _look_seconds(self, process: CardProcess) -> float:
        """Until the next look: soon while the card starts, for the whole speaker waits for it; then when it matters."""
        if self._found_at is None:
            return _LOOK_SECONDS if _is_missing(process) else _FIRST_LOOK_SECONDS
        kinds: list[type[wire.Message]] = [wire.Pulse, wire.MicFrame] if self.capture.is_heard else [wire.Pulse]
        return max(_LOOK_SECONDS, _SILENT_SECONDS - max(process.silent_seconds(kind) for kind in kinds))

    def _look(self, process: CardProcess) -> None:
        """Tell when the card is found, and when it is missing."""
        if _is_missing(process):
            if self._found_at is not None or not self._is_lost:
                self._lose(self._missing)
        elif self._found_at is None and process.has_sent(wire.Pulse) and self.capture.is_heard is self.capture.is_open:
            if self._is_lost:
                _log.info("sound card found again")
            self._found_at, self._is_lost = self._loop.time(), False
            self.player.attach(process)
            self._post(CardFound())

    def _lose(self, reason: str) -> None:
        if self._found_at is not None or not self._is_lost:
            _log.warning("sound card lost: %s", reason)
            self._post(CardLost(reason))
            self._is_lost = True
        self._found_at = None
        self._lose_playout()

    def _lose_playout(self) -> None:
        self.player.progressed(*self._progress)
        self.player.lose()

    def _trouble(self, process: CardProcess, started_at: float) -> str:
        """Why the process must be given up now; empty while all is well, or while it looks for a card."""
        capture, overdue = self.capture, self._loop.time() - _START_SECONDS
        if process.is_over:
            return "The sound card's process ended ({outcome}): it is started again."
        if _is_missing(process):
            return _NOT_STARTED if process.silent_seconds(wire.Missing) > _START_SECONDS else ""
        if not process.has_sent(wire.Pulse):
            return _NOT_STARTED if started_at < overdue else ""
        is_changing = not capture.is_heard and self._loop.time() - capture.changed_at < _CHANGE_SECONDS
        if process.silent_seconds(wire.Pulse) > (_CHANGE_SECONDS if is_changing else _SILENT_SECONDS):
            return "The loudspeaker stopped asking for sound: check that the sound card is plugged in."
        if capture.is_heard and process.silent_seconds(wire.MicFrame) > _SILENT_SECONDS:
            return "The microphone went silent: check that the sound card is plugged in."
        if capture.is_open and not capture.is_heard and max(started_at, capture.changed_at) < overdue:
            return "The microphone did not start: unplug the sound card and plug it in again."
        return ""

    async def _pause(self, seconds: float, *others: asyncio.Future[None]) -> None:
        """Wait, but no longer than until `close`, or one of the others."""
        waiting = (self._closing, *others)
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)  # raises nothing, which costs

    def _report(self, report: wire.Message | None) -> None:
        """What the process says; called in the audio thread."""
        hearing = self._hearing
        hearing.obey()
        match report:
            case wire.MicFrame():
                hearing.hear(report)
            case wire.Pulse(item=item, handed=handed, underruns=underruns):
                self._pulse_at, self._underruns, self._progress = self._loop.time(), underruns, (item, handed)
            case wire.ItemOver(item=item, handed=handed, heard_in_seconds=seconds):
                self._loop.call_soon_threadsafe(self.player.item_over, item, handed, seconds)
            case wire.Flushed(number=number):
                self._loop.call_soon_threadsafe(self.player.flushed, number)
            case wire.CaptureOpened():
                hearing.opened(report)
            case wire.Clocks():
                hearing.clocks = report
            case wire.Missing(reason=reason):
                self._missing = reason.decode()
            case None:
                hearing.end()


def _is_missing(process: CardProcess) -> bool:
    """Whether the process looks for a card: that is its last word."""
    if not process.has_sent(wire.Missing):
        return False
    return not process.has_sent(wire.Pulse) or process.silent_seconds(wire.Missing) < process.silent_seconds(wire.Pulse)


def _arguments(settings: AudioSettings) -> list[str]:
    return [
        *("--input", settings.input, "--output", settings.output),
        *("--input-channel", str(settings.input_channel), "--input-gain-db", str(settings.input_gain_db)),
        *("--sample-format", settings.sample_format),
    ]
