"""The sound card's streams, opened and closed by one thread: one stream for both directions where it is one card.

A card that is missing, busy or refuses is looked for anew every half second, each time with a fresh PortAudio, which
sees only the cards that were there when it began. What hangs or spins is not mended here: the process is killed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import pyaudio

from speakerd.audio import wire
from speakerd.audio.child_callback import Body, CardStream
from speakerd.audio.child_clocks import ByTime, InStep
from speakerd.audio.child_devices import devices_of, formats, refusal
from speakerd.audio.child_microphone import PLAYING_REPORT_MS, REPORT_MS, Microphone
from speakerd.audio.child_streams import Format, Loudspeaker, Report, Times
from speakerd.audio.devices import Device, Direction, resolve
from speakerd.errors import AudioDeviceError

_OTHER_FORMAT_MAY_DO = (-9999, -9998, -9997, -9994, -9993)
"""PortAudio: host error, channel count, sample rate, sample format, combination of devices."""
_LOOK_AGAIN_SECONDS = 0.5
_QUIET_SECONDS = 0.5
"""Longest wait for the last sound before a stream is closed."""

_Beside = Callable[[bytes, bytes | None, int, Times, int], None]
"""Takes (captured bytes, the mono PCM that is played meanwhile, frames, times, flags)."""


@dataclass(frozen=True, slots=True)
class CardOptions:
    """What the settings say of the card."""

    input: str
    output: str
    input_channel: int = 0
    input_gain: float = 1.0
    is_32_bit: bool = False


class Card:
    """Owns PortAudio. `loudspeaker` plays from the first command on; `run` is its thread's life."""

    def __init__(self, options: CardOptions, report: Report) -> None:
        self.commands: SimpleQueue[wire.OpenCapture | wire.CloseCapture | None] = SimpleQueue()
        """Nothing is opened before the first one; None ends it all."""
        self.loudspeaker = Loudspeaker(report)
        self._options = options
        self._report = report
        self._audio: pyaudio.PyAudio | None = None
        self._epoch: int | None = None
        """The capture that is wanted."""
        self._playout: CardStream | None = None
        self._capture: CardStream | None = None
        """The same stream as `_playout` where it goes both ways."""
        self._by_time: ByTime | None = None
        self._hearing: Microphone | None = None
        self._report_ms, self._playing_report_ms = REPORT_MS, PLAYING_REPORT_MS

    def set_pace(self, command: wire.SetPace | wire.SetPlayingPace) -> None:
        """Report so much of what is captured at a time; for any thread."""
        if isinstance(command, wire.SetPace):
            self._report_ms = command.report_ms
        else:
            self._playing_report_ms = command.report_ms
        if (microphone := self._hearing) is not None:
            self._pace(microphone)

    def run(self) -> None:
        """Obey until told to end."""
        seconds: float | None = None
        while True:
            try:
                command = self.commands.get(timeout=seconds)
            except Empty:
                pass
            else:
                if command is None:
                    break
                self._epoch = command.epoch if isinstance(command, wire.OpenCapture) else None
            seconds = self._arrange()
        self._close_all()

    def _arrange(self) -> float | None:
        """Open and close what must be; seconds after which to try again if there is no card."""
        try:
            self._open_what_is_wanted()
        except AudioDeviceError as error:
            self._close_all()
            self._report(wire.Missing(str(error).encode()))
            return _LOOK_AGAIN_SECONDS
        return None

    def _open_what_is_wanted(self) -> None:
        devices = devices_of(self._fresh())
        output = resolve(devices, self._options.output, "output")
        wanted = resolve(devices, self._options.input, "input") if self._epoch is not None else None
        self._close_capture()
        is_one = wanted is not None and wanted.index == output.index and not output.is_mixed
        if is_one and self._open_both(output):
            return
        if self._playout is None:
            self._open_playout(output)
        if wanted is not None:
            self._open_capture(wanted)

    def _open_both(self, device: Device) -> bool:
        """One stream for both directions; False where the card refuses it, or the channels do not fit."""
        least = max(1, self._options.input_channel)
        most = min(device.input_channels, device.output_channels)
        # PyAudio gives both directions as many channels: a mono stream would leave a loudspeaker out.
        counts = [count for count in (2, 1) if least <= count <= most and (count == 2 or device.output_channels == 1)]
        if not counts:
            return False
        self._close_playout()
        try:
            stream, format_ = self._open(device, ("input", "output"), counts)
        except AudioDeviceError:
            return False
        clocks, microphone = InStep(format_.rate_hz), self._microphone(format_)

        def hear(data: bytes, mono: bytes | None, frames: int, times: Times, flags: int) -> None:
            microphone.hear(data, mono, flags)
            clocks.pass_block(frames, times, flags, microphone)

        self._playout = self._capture = stream
        stream.start(self._playing(format_, hear))
        return True

    def _open_playout(self, device: Device) -> None:
        counts = [count for count in (2, 1, device.output_channels) if count <= device.output_channels]
        stream, format_ = self._open(device, ("output",), counts)
        self._playout_rate_hz = format_.rate_hz

        def pair(_: bytes, mono: bytes | None, frames: int, times: Times, flags: int) -> None:
            if (by_time := self._by_time) is not None:
                by_time.played(mono or bytes(2 * frames), times, flags)

        self._playout = stream
        stream.start(self._playing(format_, pair))

    def _playing(self, format_: Format, beside: _Beside) -> Body:
        """What a stream that plays does in each call; `beside` is told of it before."""
        loudspeaker = self.loudspeaker
        loudspeaker.begin(format_)

        def body(data: bytes, frames: int, times: Times, flags: int) -> bytes:
            pcm, mono = loudspeaker.block(frames, times, flags)
            beside(data, mono, frames, times, flags)
            return pcm

        return body

    def _open_capture(self, device: Device) -> None:
        options = self._options
        least, most = max(1, options.input_channel), device.input_channels
        if most < least:
            raise AudioDeviceError(
                f'The sound card "{device.name}" has {most} capture channels: set audio.input_channel to 0 to {most}.'
            )
        # Some arrays open with all their channels only.
        counts = list(dict.fromkeys(count for count in (least, 2, most) if least <= count <= most))
        stream, format_ = self._open(device, ("input",), counts)
        by_time = self._by_time = ByTime(self._playout_rate_hz, format_.rate_hz)
        microphone = self._microphone(format_)

        def hear(data: bytes, frames: int, times: Times, flags: int) -> None:
            by_time.pass_block(data, frames, times, flags, microphone)

        self._capture = stream
        stream.start(hear)

    def _microphone(self, format_: Format) -> Microphone:
        assert self._epoch is not None  # noqa: S101 - capture is opened only for an epoch
        options = self._options
        microphone = Microphone(self._epoch, format_, options.input_channel, options.input_gain, self._report)
        self._pace(microphone)
        self._hearing = microphone
        return microphone

    def _pace(self, microphone: Microphone) -> None:
        microphone.report_ms, microphone.playing_report_ms = self._report_ms, self._playing_report_ms

    def _open(self, device: Device, directions: tuple[Direction, ...], counts: list[int]) -> tuple[CardStream, Format]:
        """A stream, stopped, in the first format that the card takes; raises AudioDeviceError."""
        audio = self._audio
        assert audio is not None  # noqa: S101 - PortAudio was started before devices were listed
        if device.index >= audio.get_device_count():
            raise AudioDeviceError(f'The sound card "{device.name}" has just gone: plug it in again.')
        stream, reason = CardStream(), ""
        kind = Format(0, 0, 0, self._options.is_32_bit, is_duplex=len(directions) == 2)
        for format_ in formats(device, counts, kind):
            try:
                stream.open(
                    audio,
                    format_.rate_hz,
                    format_.channels,
                    pyaudio.paInt32 if format_.is_32_bit else pyaudio.paInt16,
                    frames_per_buffer=format_.block_frames,
                    **dict.fromkeys(directions, True),
                    **{f"{direction}_device_index": device.index for direction in directions},
                )
            except OSError as error:
                reason = refusal(device, directions, error)
                if error.errno not in _OTHER_FORMAT_MAY_DO:
                    break
                continue
            return stream, format_
        raise AudioDeviceError(reason)

    def _fresh(self) -> pyaudio.PyAudio:
        """PortAudio, started anew unless a stream is open."""
        if self._playout is None:
            if self._audio is not None:
                self._audio.terminate()
            self._audio = pyaudio.PyAudio()
        assert self._audio is not None  # noqa: S101 - a stream is open
        return self._audio

    def _close_capture(self) -> None:
        if self._capture is None:
            return
        if self._capture is self._playout:
            self._close_playout()
            return
        self._by_time = None
        self._capture.close()
        self._capture = None

    def _close_playout(self) -> None:
        """Let what was handed over be heard, then close; what waits is played by the next stream."""
        if self._playout is None:
            return
        self.loudspeaker.pause()
        self.loudspeaker.is_quiet.wait(_QUIET_SECONDS)
        if self._capture is self._playout:
            self._capture = None
        self._playout.close()
        self._playout = None

    def _close_all(self) -> None:
        for stream in {id(stream): stream for stream in (self._capture, self._playout) if stream is not None}.values():
            stream.close()
        self._capture = self._playout = self._by_time = None
