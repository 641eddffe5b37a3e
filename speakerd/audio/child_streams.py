"""What the sound card's process plays, block by block.

A callback never waits for anything but a short lock, and never stops its stream: interruption is silence.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, on_all_channels, samples_in, samples_of
from speakerd.audio.playhead import Over, Playhead
from speakerd.audio.resample import Resampler, resampled
from speakerd.core.kinds import PlayoutLevel

Times = Mapping[str, float]
"""PortAudio's."""
Report = Callable[[wire.Report], bool]
"""Takes a report; False where it was dropped."""

_PULSE_MS = 100
_RINGING_RISES_MS = 20_000
"""Nobody is to be startled out of sleep."""
_PULSES_AHEAD = 4
"""How far blocks are made ahead: what it costs hardly depends on how many there are."""
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


class Block(NamedTuple):
    """What is played in one callback."""

    pcm: bytes
    """As the card wants it."""
    mono: bytes | None
    """The same of one channel, 16 bits; None where nobody can hear it."""


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
        self._silence, self._block_frames, self._pulse_blocks = Block(b"", None), 0, 1
        self._ahead: deque[Block] = deque()
        """Blocks to come, made at once; who takes one holds no lock, so all else begins with `_settle`."""
        self._seen_ahead = 0
        """How many there were."""
        self.is_quiet = threading.Event()
        """Set once everything that was handed over before a pause has been played."""

    def begin(self, format_: Format) -> None:
        """A stream of this format will ask for blocks; at another rate than before, nothing is left of what waited."""
        with self._lock:
            lost: list[wire.ItemOver] = []
            self._settle()
            if self._format is None or format_.rate_hz != self._format.rate_hz:
                lost = self._lose() if self._format else []
                self._playhead = Playhead(format_.rate_hz)
                for command in self._settings.values():
                    self._set(command)
            self._format, self._paused_blocks = format_, None
            self._block_frames, self._pulse_blocks = format_.block_frames, max(1, _PULSE_MS // format_.block_ms)
            self._silence = Block(bytes(self._block_frames * format_.frame_bytes), None)
        for report in lost:
            self._report(report)

    def pause(self) -> None:
        """Hand over nothing but silence; what waits goes on with the next stream."""
        self.is_quiet.clear()
        with self._lock:
            self._settle()
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
                    self._settle()
                    self._set(command)
            case wire.PlayCue(pcm=pcm) | wire.Ring(pcm=pcm):
                self._play_beside(command, pcm)

    def block(self, frames: int, times: Times, flags: int) -> Block:
        """What to play next."""
        if flags & OUTPUT_LOST:
            self._underruns += 1
        if self._ahead and frames == self._block_frames:
            try:
                block = self._ahead.popleft()
            except IndexError:  # a command has come in between
                return self._next(frames, times)
            if (len(self._ahead) + 1) % self._pulse_blocks == 0:  # `_taken` sees to it that this is in time
                self._tell(times)
            return block
        return self._next(frames, times)

    def _tell(self, times: Times) -> None:
        """Report how far it is."""
        with self._lock:
            self._count(len(self._ahead))
            self._until_pulse = samples_in(_PULSE_MS, self._rate_hz)
            reports = self._due(times, is_pulse_due=True)
        for report in reports:
            self._report(report)

    def _next(self, frames: int, times: Times) -> Block:
        """The next block, and those to come as far as they are known."""
        with self._lock:
            self._settle()
            self._until_pulse -= frames
            is_pulse_due = self._until_pulse <= 0
            if is_pulse_due:
                self._until_pulse = samples_in(_PULSE_MS, self._rate_hz)
            block = self._taken(frames) if self._paused_blocks is None else self._paused()
            reports = self._due(times, is_pulse_due) if is_pulse_due or self._playhead.has_over else []
        for report in reports:
            self._report(report)
        return block

    def _taken(self, frames: int) -> Block:
        is_whole = frames == self._block_frames
        before_pulse = max(1, self._until_pulse // frames)
        most = before_pulse + (_PULSES_AHEAD - 1) * self._pulse_blocks if is_whole else 1
        if is_whole and self._playhead.rests:
            blocks = [self._silence] * most
        else:
            blocks = self._blocks(self._playhead.ahead(frames, most), frames)
            if (more := len(blocks) - before_pulse) > 0:
                del blocks[len(blocks) - more % self._pulse_blocks :]
        if not blocks:
            return self._blocks(self._playhead.take(frames), frames)[0]
        self._playhead.skip(frames)
        self._ahead.extend(blocks[1:])
        self._seen_ahead = len(blocks) - 1
        return blocks[0]

    def _blocks(self, samples: NDArray[np.int16], frames: int) -> list[Block]:
        """Whole blocks of the card, of mono samples."""
        if not len(samples):
            return []
        format_ = self._format
        assert format_ is not None  # noqa: S101 - blocks are asked for after `begin`
        pcm, size = on_all_channels(samples, format_.channels, is_32_bit=format_.is_32_bit), format_.frame_bytes
        sounds = int(samples.max()) > _INAUDIBLE or int(samples.min()) < -_INAUDIBLE
        mono = bytes_of(samples)
        return [
            Block(pcm[at * size : (at + frames) * size], mono[2 * at : 2 * (at + frames)] if sounds else None)
            for at in range(0, len(samples), frames)
        ]

    def _settle(self) -> None:
        """Count what was taken of what was made ahead, and forget the rest."""
        left = 0
        while self._ahead:
            try:
                self._ahead.pop()
            except IndexError:  # the callback was faster
                break
            left += 1
        self._count(left)
        self._seen_ahead = 0

    def _count(self, left: int) -> None:
        """So many are left of the blocks that were made ahead."""
        if taken := self._seen_ahead - left:
            self._playhead.skip(taken * self._block_frames)
            self._until_pulse -= taken * self._block_frames
        self._seen_ahead = left

    def _due(self, times: Times, is_pulse_due: bool) -> list[wire.Report]:
        """What is to be told of the block that was taken."""
        lead_seconds = max(0.0, times["output_buffer_dac_time"] - times["current_time"])
        reports: list[wire.Report] = [self._item_over(over, lead_seconds) for over in self._playhead.take_over()]
        if is_pulse_due:
            item, handed = self._playhead.progress() or (0, 0)
            reports.append(wire.Pulse(item, self._session_samples(item, handed), self._underruns))
        return reports

    @property
    def _rate_hz(self) -> int:
        assert self._format is not None  # noqa: S101 - blocks are asked for after `begin`
        return self._format.rate_hz

    def _paused(self) -> Block:
        """PortAudio's buffer holds two blocks: after three of silence all that was handed over before was played."""
        assert self._paused_blocks is not None  # noqa: S101 - the caller has looked
        self._paused_blocks += 1
        if self._paused_blocks > 3:
            self.is_quiet.set()
        return self._silence

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
            self._settle()
            self._received[item] = self._received.get(item, 0) + len(pcm) // 2
            self._playhead.queue(item, samples)

    def _finish(self, item: int) -> None:
        resampler = self._resamplers.pop((item, self._rate_hz), None)
        rest = np.zeros(0, np.int16) if resampler is None else resampler.drain()
        with self._lock:
            self._settle()
            self._owed.add(item)
            self._playhead.queue(item, rest)
            self._playhead.finish(item)

    def _flush(self, number: int) -> None:
        with self._lock:
            self._settle()
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
            self._settle()
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
