"""The sound card's process: the only importer of pyaudio, killed and started anew when the card misbehaves.

`python -m speakerd.audio.child --input NAME --output NAME`: commands on stdin, reports on stdout (audio/wire.py); the
end of stdin ends it. `--list` prints all devices as JSON instead. PortAudio (Debian's 19.6.0) may segfault, spin or
fall silent when a card is pulled (reference/audio.md), so nothing here tries to recover: it fails, or is killed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NoReturn

import pyaudio

from speakerd.audio import wire
from speakerd.audio.alsa_cards import alsa_cards
from speakerd.audio.child_streams import Callback, MicStream, OpenStream, SpeakerStream
from speakerd.audio.devices import Device, Direction, resolve, with_cards
from speakerd.errors import AudioDeviceError

_RATES_HZ = (48_000, 44_100, 24_000, 16_000)
_FRAME_MS = (10, 20)
_MOST_WAITING_REPORTS = 1000
"""Ten seconds of mic frames: a daemon that is further behind has lost them."""
_LAST_SECONDS = 1.0
_REALTIME_PRIORITY = 5
_LONGEST_SPIN_US = 1_000_000
"""Processor time at real-time priority without a pause, after which the kernel kills the process."""
_OTHER_FORMAT_MAY_DO = (-9999, -9998, -9997, -9994, -9993)
"""PortAudio: host error, channel count, sample rate, sample format, combination of devices."""


def main() -> None:
    """Be the card's process until stdin ends."""
    parser = argparse.ArgumentParser(prog="speakerd.audio.child")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--input", default="default")
    parser.add_argument("--output", default="default")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C and systemd reach the whole group; the daemon ends us in order
    # The card's buffer is 20 ms: on two loaded cores 7 of 8 runs of 3 s had xruns at niceness -11, and 0 of 8 so.
    # PortAudio spins when a USB card is pulled: at real-time priority that must end before it starves a small Pi.
    resource.setrlimit(resource.RLIMIT_RTTIME, (_LONGEST_SPIN_US, _LONGEST_SPIN_US))
    with contextlib.suppress(OSError):  # allowed by LimitRTPRIO= in the unit, or not
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REALTIME_PRIORITY))
    threading.excepthook = lambda bug: _die(bug.exc_value)
    sys.excepthook = lambda _, bug, __: _die(bug)
    # What a C library prints must not get between the frames.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if arguments.list:
        _write_all(out, json.dumps([asdict(device) for device in _devices(pyaudio.PyAudio())]).encode())
        os._exit(0)
    _serve(_Reports(out), arguments.input, arguments.output)


def _serve(reports: _Reports, input_name: str, output_name: str) -> None:
    streams = _Streams()
    microphone = MicStream(streams.open(input_name, "input"), reports.put, reports.fail)
    try:
        speaker = SpeakerStream(streams.open(output_name, "output"), reports.put)
    except AudioDeviceError as error:
        reports.fail(error)
    unpacker = wire.Unpacker()
    while data := os.read(sys.stdin.fileno(), 65536):
        for message in unpacker.feed(data):
            if isinstance(message, wire.OpenCapture | wire.CloseCapture):
                microphone.commands.put(message)
            else:
                speaker.obey(message)
    # A broken card may never let go of its streams: the end must not depend on it.
    guard = threading.Timer(_LAST_SECONDS, os._exit, (1,))
    guard.daemon = True
    guard.start()
    microphone.commands.put(wire.CloseCapture())
    microphone.commands.put(None)
    microphone.thread.join()
    speaker.close()
    os._exit(0)


class _Streams:
    """PortAudio, started once for this process: a card that comes later is seen by the next process."""

    def __init__(self) -> None:
        self._audio = pyaudio.PyAudio()

    def open(self, name: str, direction: Direction) -> OpenStream:
        """A function that opens a stream, stopped, of the device that the name means; raises AudioDeviceError."""

        def open_stream(callback: Callback) -> tuple[Any, int, int]:
            device = resolve(_devices(self._audio), name, direction)
            if device.index >= self._audio.get_device_count():
                raise AudioDeviceError(f'The sound card "{device.name}" has just gone: plug it in again.')
            return self._open_first_format(device, direction, callback)

        return open_stream

    def _open_first_format(self, device: Device, direction: Direction, callback: Callback) -> tuple[Any, int, int]:
        # PortAudio calls 44.1 kHz the default of every device that takes it, though cards are made for 48.
        rates_hz = dict.fromkeys(
            (device.default_rate_hz, *_RATES_HZ) if device.default_rate_hz != 44_100 else _RATES_HZ
        )
        refusal = ""
        for frame_ms, rate_hz, channels in (
            (frame_ms, rate_hz, channels) for frame_ms in _FRAME_MS for rate_hz in rates_hz for channels in (1, 2)
        ):
            try:
                stream = self._audio.open(
                    rate_hz,
                    channels,
                    pyaudio.paInt16,
                    frames_per_buffer=rate_hz * frame_ms // 1000,
                    start=False,
                    stream_callback=_unfailing(callback),
                    **{direction: True, f"{direction}_device_index": device.index},
                )
            except OSError as error:
                if error.errno not in _OTHER_FORMAT_MAY_DO:
                    raise AudioDeviceError(_refusal(device, direction, error)) from error
                refusal = _refusal(device, direction, error)
                continue
            return stream, rate_hz, channels
        raise AudioDeviceError(refusal)


def _refusal(device: Device, direction: Direction, error: OSError) -> str:
    kind = "capture" if direction == "input" else "playout"
    if error.errno == -9985:
        return (
            f'The sound card "{device.name}" is busy or gone ({kind}): plug it in, or end the program that holds it '
            "(fuser -v /dev/snd/*)."
        )
    return f'The sound card "{device.name}" refuses {kind} in every format ({error.strerror}): choose another device.'


def _devices(audio: pyaudio.PyAudio) -> list[Device]:
    defaults = {}
    for direction, ask in (
        ("input", audio.get_default_input_device_info),
        ("output", audio.get_default_output_device_info),
    ):
        try:
            defaults[direction] = ask()["index"]
        except OSError:
            defaults[direction] = None
    infos = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    devices = [
        Device(
            index=info["index"],
            name=info["name"],
            input_channels=info["maxInputChannels"],
            output_channels=info["maxOutputChannels"],
            default_rate_hz=round(info["defaultSampleRate"]),
            is_default_input=info["index"] == defaults["input"],
            is_default_output=info["index"] == defaults["output"],
        )
        for info in infos
    ]
    return with_cards(devices, alsa_cards())


class _Reports:
    """The way out: callbacks leave messages and go on; one thread writes them."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._waiting: SimpleQueue[wire.Report] = SimpleQueue()
        self._writing = threading.Lock()
        threading.Thread(target=self._write_forever, name="reports", daemon=True).start()

    def put(self, report: wire.Report) -> bool:
        """Leave a report; False when too many wait, and it is dropped."""
        if self._waiting.qsize() >= _MOST_WAITING_REPORTS:
            return False
        self._waiting.put(report)
        return True

    def fail(self, error: AudioDeviceError) -> NoReturn:
        """Say why, ahead of what waits, and end the process."""
        with self._writing:
            _write_all(self._out, wire.pack(wire.Failed(str(error).encode())))
            os._exit(1)

    def _write_forever(self) -> None:
        while True:
            report = self._waiting.get()
            with self._writing:
                _write_all(self._out, wire.pack(report))


def _write_all(out: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(out, rest) :]
        except BrokenPipeError:
            os._exit(0)


def _unfailing(callback: Callback) -> Any:
    """The callback for PyAudio; its exceptions would surface anywhere in the main thread, so a bug ends the process."""

    def run(data: bytes | None, frames: int, times: Mapping[str, float], flags: int) -> tuple[bytes | None, int]:
        with _Fatal():
            return callback(data, frames, times, flags), pyaudio.paContinue

    return run


class _Fatal:
    """A block in which an exception is the end of the process."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: type[BaseException] | None, bug: BaseException | None, __: TracebackType | None) -> None:
        if bug is not None:
            _die(bug)


def _die(bug: BaseException | None) -> None:
    traceback.print_exception(bug)
    os._exit(70)


if __name__ == "__main__":
    main()
