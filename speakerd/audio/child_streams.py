"""The two streams of the sound card's process: what their callbacks do, and what commands do to them.

A callback never waits for anything but a short lock, and never stops its stream: interruption is silence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any

from speakerd.audio import wire
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, mix_down, samples_in, samples_of, spread
from speakerd.audio.playhead import Over, Playhead
from speakerd.audio.resample import Resampler, resampled
from speakerd.core.effects import PlayoutLevel
from speakerd.errors import AudioDeviceError

Callback = Callable[[bytes | None, int, Mapping[str, float], int], bytes | None]
"""Takes (captured bytes, frames, PortAudio's times, its flags); returns the bytes to play."""
OpenStream = Callable[[Callback], tuple[Any, int, int]]
"""Opens a stream, stopped, and says its rate and channels; raises AudioDeviceError."""

_PULSE_MS = 50
_INPUT_OVERFLOW, _OUTPUT_UNDERFLOW = 2, 4


class SpeakerStream:
    """Playout: it runs from the start to the end, and plays silence when there is nothing to play."""

    def __init__(self, open_stream: OpenStream, report: Callable[[wire.Report], bool]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._resamplers: dict[int, Resampler] = {}
        self._received: dict[int, int] = {}
        self._underruns = 0
        self._stream, self._rate_hz, self._channels = open_stream(self._play)
        self._playhead = Playhead(self._rate_hz)
        self._until_pulse = 0
        self._stream.start_stream()

    def obey(self, command: wire.Message) -> None:
        """Carry out a command; called in one thread."""
        match command:
            case wire.Play(item=item, pcm=pcm):
                self._queue(item, pcm)
            case wire.Finish(item=item):
                rest = self._resamplers.pop(item).drain()
                with self._lock:
                    self._playhead.queue(item, rest)
                    self._playhead.finish(item)
            case wire.Flush(number=number):
                self._flush(number)
            case wire.SetGain(gain=gain):
                with self._lock:
                    self._playhead.set_gain(gain)
            case wire.SetLevel(level=level):
                with self._lock:
                    self._playhead.set_level(PlayoutLevel(level))
            case wire.SetSink(lead_in_ms=lead_in_ms, is_kept_awake=is_kept_awake):
                with self._lock:
                    self._playhead.set_sink(lead_in_ms, is_kept_awake)
            case wire.PlayCue(pcm=pcm) | wire.Ring(pcm=pcm):
                self._play_beside(command, pcm)

    def close(self) -> None:
        """Close the stream; what is queued is not heard."""
        self._stream.stop_stream()
        self._stream.close()

    def _queue(self, item: int, pcm: bytes) -> None:
        resampler = self._resamplers.setdefault(item, Resampler(SESSION_RATE_HZ, self._rate_hz))
        samples = resampler.process(samples_of(pcm))
        with self._lock:
            self._received[item] = self._received.get(item, 0) + len(pcm) // 2
            self._playhead.queue(item, samples)

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
                self._playhead.cue(command.item, samples)
            elif len(samples):
                self._playhead.ring(samples)
            else:
                self._playhead.stop_ringing()

    def _play(self, _: bytes | None, frames: int, times: Mapping[str, float], flags: int) -> bytes:
        lead_seconds = max(0.0, times["output_buffer_dac_time"] - times["current_time"])
        self._underruns += bool(flags & _OUTPUT_UNDERFLOW)
        self._until_pulse -= frames
        with self._lock:
            block = self._playhead.take(frames)
            reports: list[wire.Report] = [self._item_over(over, lead_seconds) for over in self._playhead.take_over()]
            if self._until_pulse <= 0:
                item, handed = self._playhead.progress() or (0, 0)
                reports.append(wire.Pulse(item, self._session_samples(item, handed), self._underruns))
                self._until_pulse = samples_in(_PULSE_MS, self._rate_hz)
            is_silent = self._playhead.is_silent
        if not is_silent:
            reports.append(wire.PlayoutFrame(self._rate_hz, bytes_of(block)))
        for report in reports:
            self._report(report)
        return bytes_of(spread(block, self._channels))

    def _item_over(self, over: Over, lead_seconds: float) -> wire.ItemOver:
        handed = self._session_samples(over.item, over.handed)
        return wire.ItemOver(over.item, handed, lead_seconds + over.offset / self._rate_hz)

    def _session_samples(self, item: int, handed: int) -> int:
        return min(handed * SESSION_RATE_HZ // self._rate_hz, self._received.get(item, 0))


class MicStream:
    """Capture: opened and closed by its own thread, because that may take long and commands to the speaker must not."""

    def __init__(
        self,
        open_stream: OpenStream,
        report: Callable[[wire.Report], bool],
        fail: Callable[[AudioDeviceError], None],
    ) -> None:
        self.commands: SimpleQueue[wire.OpenCapture | wire.CloseCapture | None] = SimpleQueue()
        """Opens, closes, and None for the end."""
        self.thread = threading.Thread(target=self._obey, name="capture", daemon=True)
        """Ends after None."""
        self._open_stream = open_stream
        self._report = report
        self._fail = fail
        self._stream: Any = None
        self._epoch = self._captured = self._channels = 0
        self._lost = False
        self.thread.start()

    def _obey(self) -> None:
        while (command := self.commands.get()) is not None:
            if self._stream is not None:
                self._stream.stop_stream()
                self._stream.close()
                self._stream = None
            if isinstance(command, wire.OpenCapture):
                self._open(command.epoch)

    def _open(self, epoch: int) -> None:
        self._epoch, self._captured, self._lost = epoch, 0, False
        try:
            self._stream, rate_hz, self._channels = self._open_stream(self._hear)
        except AudioDeviceError as error:
            self._fail(error)
            return
        self._report(wire.CaptureOpened(epoch, rate_hz))
        self._stream.start_stream()

    def _hear(self, data: bytes | None, frames: int, _: Mapping[str, float], flags: int) -> None:
        mono = mix_down(samples_of(data or b""), self._channels)
        self._captured += frames
        overrun = self._lost or bool(flags & _INPUT_OVERFLOW)
        self._lost = not self._report(wire.MicFrame(self._epoch, self._captured, overrun, bytes_of(mono)))
