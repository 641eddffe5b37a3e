"""What the sound card's process does with blocks: what is played next, and what is told of what was captured.

A callback never waits for anything but a short lock, and never stops its stream: interruption is silence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, one_channel, samples_in, samples_of
from speakerd.audio.playhead import Over, Playhead
from speakerd.audio.resample import Resampler, resampled
from speakerd.core.kinds import PlayoutLevel

Times = Mapping[str, float]
"""PortAudio's."""
Report = Callable[[wire.Report], bool]
"""Takes a report; False where it was dropped."""

_PULSE_MS = 100
REPORT_MS = 30
"""Each report wakes the daemon up, which costs more than what it does with so much sound."""
_PLAYING_REPORT_MS = 40
"""Beside our own sound, which it takes most to take out. 60 ms took a tenth less of the daemon's time, but what is sent
came later than 60 ms, and a talker was found later than 0.2 s after beginning."""
_CLOCKS_MS = 1000
_RINGING_RISES_MS = 20_000
"""Nobody is to be startled out of sleep."""
INPUT_LOST, OUTPUT_LOST = 1 | 2, 4 | 8
"""PortAudio's flags of a callback: input underflow and overflow, output underflow and overflow."""
_INAUDIBLE = 1
"""The soft noise that keeps slow loudspeakers awake is silence to the canceller."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a stream was opened."""

    rate_hz: int
    block_ms: int
    channels: int
    is_32_bit: bool = False
    is_duplex: bool = False
    """One stream plays and captures."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self.channels * (4 if self.is_32_bit else 2)

    @property
    def block_frames(self) -> int:
        """Frames of one block."""
        return samples_in(self.block_ms, self.rate_hz)


class Loudspeaker:
    """Playout, from stream to stream of one rate; it is silent when there is nothing to play, or while it is paused."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._format: Format | None = None
        self._settings: dict[type, wire.SetGain | wire.SetLevel | wire.SetSink] = {}
        """The last one of each."""
        self._resamplers: dict[tuple[int, int], Resampler] = {}
        """By item and the card's rate."""
        self._received: dict[int, int] = {}
        self._owed: set[int] = set()
        """Finished items, and cues, of which it was not told yet that they are over."""
        self._underruns = 0
        self._until_pulse = 0
        self._paused_blocks: int | None = None
        self.silence = np.zeros(0, np.int16)
        """What `block` returns where there is nothing to play: made once."""
        self.is_quiet = threading.Event()
        """Set once everything that was handed over before a pause has been played."""

    def begin(self, format_: Format) -> None:
        """A stream of this format will ask for blocks; at another rate than before, nothing is left of what waited."""
        with self._lock:
            lost: list[wire.ItemOver] = []
            if self._format is None or format_.rate_hz != self._format.rate_hz:
                lost = self._lose() if self._format else []
                self._playhead = Playhead(format_.rate_hz)
                for command in self._settings.values():
                    self._set(command)
            self._format, self._paused_blocks = format_, None
            self.silence = self._playhead.silence = np.zeros(format_.block_frames, np.int16)
        for report in lost:
            self._report(report)

    def pause(self) -> None:
        """Hand over nothing but silence; what waits goes on with the next stream."""
        self.is_quiet.clear()
        with self._lock:
            self._paused_blocks = 0

    def obey(self, command: wire.Message) -> None:
        """Carry out a command; called in one thread. Before there is a card nothing is heard."""
        if isinstance(command, wire.SetGain | wire.SetLevel | wire.SetSink):
            self._settings[type(command)] = command
        if self._format is None:
            self._refuse(command)
            return
        match command:
            case wire.Play(item=item, pcm=pcm):
                self._queue(item, pcm)
            case wire.Finish(item=item):
                self._finish(item)
            case wire.Flush(number=number):
                self._flush(number)
            case wire.SetGain() | wire.SetLevel() | wire.SetSink():
                with self._lock:
                    self._set(command)
            case wire.PlayCue(pcm=pcm) | wire.Ring(pcm=pcm):
                self._play_beside(command, pcm)

    def block(self, frames: int, times: Times, flags: int) -> NDArray[np.int16]:
        """The next mono samples; nearly always `silence` itself where there is nothing to play."""
        if flags & OUTPUT_LOST:
            self._underruns += 1
        self._until_pulse -= frames
        with self._lock:
            block = self._playhead.take(frames) if self._paused_blocks is None else self._paused(frames)
            if self._until_pulse > 0 and not self._playhead.has_over:
                return block
            reports = self._due(times)
        for report in reports:
            self._report(report)
        return block

    def _due(self, times: Times) -> list[wire.Report]:
        """What is to be told of the block that was taken."""
        lead_seconds = max(0.0, times["output_buffer_dac_time"] - times["current_time"])
        reports: list[wire.Report] = [self._item_over(over, lead_seconds) for over in self._playhead.take_over()]
        if self._until_pulse <= 0:
            item, handed = self._playhead.progress() or (0, 0)
            reports.append(wire.Pulse(item, self._session_samples(item, handed), self._underruns))
            self._until_pulse = samples_in(_PULSE_MS, self._rate_hz)
        return reports

    @property
    def _rate_hz(self) -> int:
        assert self._format is not None  # noqa: S101 - blocks are asked for after `begin`
        return self._format.rate_hz

    def _paused(self, frames: int) -> NDArray[np.int16]:
        """PortAudio's buffer holds two blocks: after three of silence all that was handed over before was played."""
        assert self._paused_blocks is not None  # noqa: S101 - the caller has looked
        self._paused_blocks += 1
        if self._paused_blocks > 3:
            self.is_quiet.set()
        return np.zeros(frames, np.int16)

    def _lose(self) -> list[wire.ItemOver]:
        """Give up all that waits; items that are not finished yet go on with what is still to come of them."""
        cut = {over.item: over for over in self._playhead.flush()}
        lost = [self._item_over(cut.get(item, Over(item, 0, True, 0)), 0.0) for item in sorted(self._owed)]
        self._received.clear()
        return lost

    def _refuse(self, command: wire.Message) -> None:
        match command:
            case wire.Finish(item=item) | wire.PlayCue(item=item):
                self._report(wire.ItemOver(item, 0, 0.0))
            case wire.Flush(number=number):
                self._report(wire.Flushed(number))

    def _set(self, command: wire.SetGain | wire.SetLevel | wire.SetSink) -> None:
        match command:
            case wire.SetGain(gain=gain):
                self._playhead.set_gain(gain)
            case wire.SetLevel(level=level):
                self._playhead.set_level(PlayoutLevel(level))
            case wire.SetSink(lead_in_ms=lead_in_ms, is_kept_awake=is_kept_awake):
                self._playhead.set_sink(lead_in_ms, is_kept_awake)

    def _queue(self, item: int, pcm: bytes) -> None:
        key = item, self._rate_hz
        if key not in self._resamplers:
            self._resamplers[key] = Resampler(SESSION_RATE_HZ, self._rate_hz)
        samples = self._resamplers[key].process(samples_of(pcm))
        with self._lock:
            self._received[item] = self._received.get(item, 0) + len(pcm) // 2
            self._playhead.queue(item, samples)

    def _finish(self, item: int) -> None:
        resampler = self._resamplers.pop((item, self._rate_hz), None)
        rest = np.zeros(0, np.int16) if resampler is None else resampler.drain()
        with self._lock:
            self._owed.add(item)
            self._playhead.queue(item, rest)
            self._playhead.finish(item)

    def _flush(self, number: int) -> None:
        with self._lock:
            cut = self._playhead.flush()
            reports = [self._item_over(over, 0.0) for over in cut]
            self._received.clear()
        self._resamplers.clear()
        for report in reports:
            self._report(report)
        self._report(wire.Flushed(number))

    def _play_beside(self, command: wire.PlayCue | wire.Ring, pcm: bytes) -> None:
        samples = resampled(samples_of(pcm), SESSION_RATE_HZ, self._rate_hz)
        with self._lock:
            if isinstance(command, wire.PlayCue):
                self._owed.add(command.item)
                self._playhead.cue(command.item, samples)
            elif len(samples):
                self._playhead.ring(samples, _RINGING_RISES_MS)
            else:
                self._playhead.stop_ringing()

    def _item_over(self, over: Over, lead_seconds: float) -> wire.ItemOver:
        handed = self._session_samples(over.item, over.handed)
        self._owed.discard(over.item)
        return wire.ItemOver(over.item, handed, lead_seconds + over.offset / self._rate_hz)

    def _session_samples(self, item: int, handed: int) -> int:
        return min(handed * SESSION_RATE_HZ // self._rate_hz, self._received.get(item, 0))


class Microphone:
    """Reports what one capture stream hears, beside what is played meanwhile."""

    def __init__(self, epoch: int, format_: Format, channel: int, gain: float, report: Report) -> None:
        self._epoch = epoch
        self._format = format_
        self._channel, self._gain = channel, gain
        self._report = report
        self._captured = 0
        self._lost = self._unpaired = False
        self._near: list[bytes] = []
        self._far: list[NDArray[np.int16] | None] = []
        self._waiting = 0
        """Bytes."""
        self._bytes_per_ms = format_.rate_hz * format_.frame_bytes / 1000
        self.report_ms = REPORT_MS
        """How much sound is reported at a time while nothing plays."""
        self._until_clocks = samples_in(_CLOCKS_MS, format_.rate_hz)

    def hear(self, data: bytes, far: NDArray[np.int16] | None, flags: int, *, is_unpaired: bool = False) -> None:
        """Take a captured block of the card, and as many mono samples that are played beside it; None is silence."""
        if self._captured == 0 and not self._near:
            format_ = self._format
            self._report(wire.CaptureOpened(self._epoch, format_.rate_hz, format_.block_ms, format_.is_duplex))
        if flags or is_unpaired:
            self._lost = self._lost or bool(flags & INPUT_LOST)
            self._unpaired = self._unpaired or is_unpaired or bool(flags & (INPUT_LOST | OUTPUT_LOST))
        self._near.append(data)
        self._far.append(far)
        self._waiting += len(data)
        wanted_ms = self.report_ms if far is None else _PLAYING_REPORT_MS
        if self._waiting >= wanted_ms * self._bytes_per_ms:
            self._send()

    def tell_clocks(self, frames: int, capture_ppm: float, playout_ppm: float, reference_seconds: float) -> None:
        """Report how time passes, now and then; called with each block."""
        self._until_clocks -= frames
        if self._until_clocks <= 0:
            self._until_clocks = samples_in(_CLOCKS_MS, self._format.rate_hz)
            self._report(wire.Clocks(capture_ppm, playout_ppm, reference_seconds * 1000))

    def _send(self) -> None:
        format_ = self._format
        data = b"".join(self._near)
        near = one_channel(data, format_.channels, self._channel, self._gain, is_32_bit=format_.is_32_bit)
        captured = bytes_of(near)
        self._captured += len(near)
        pcm = captured + self._far_bytes()
        is_unpaired = self._lost or self._unpaired
        frame = wire.MicFrame(self._epoch, self._captured, self._lost, is_unpaired, len(captured), pcm)
        self._lost = not self._report(frame)
        self._near, self._far, self._waiting, self._unpaired = [], [], 0, False

    def _far_bytes(self) -> bytes:
        """What is played beside the near end; none where that cannot be heard."""
        if all(far is None for far in self._far):
            return b""
        together = np.concatenate(
            [
                np.zeros(len(data) // self._format.frame_bytes, np.int16) if far is None else far
                for data, far in zip(self._near, self._far, strict=True)
            ]
        )
        sounds = int(together.max()) > _INAUDIBLE or int(together.min()) < -_INAUDIBLE
        return bytes_of(together) if sounds else b""
