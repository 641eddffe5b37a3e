"""The sound card's process: killed and started anew when the card misbehaves; its files are the importers of pyaudio.

`python -m speakerd.audio.child --input NAME --output NAME`: commands on stdin, reports on stdout (audio/wire.py); the
end of stdin ends it. `--list` prints all devices as JSON instead. PortAudio (Debian's 19.6.0) may segfault, spin or
fall silent when a card is pulled (reference/audio.md), so the daemon believes nothing but what arrives.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import resource
import signal
import sys
import threading
from collections import deque
from dataclasses import asdict

import pyaudio

from speakerd.audio import wire
from speakerd.audio.child_callback import die
from speakerd.audio.child_card import Card, CardOptions
from speakerd.audio.child_devices import devices_of

_OUT_BYTES = 1 << 20
"""Of the pipe: several seconds of frames; a daemon that is further behind has lost them."""
_LAST_SECONDS = 1.0
_REALTIME_PRIORITY = 5
_LONGEST_SPIN_US = 1_000_000
"""Processor time at real-time priority without a pause, after which the kernel kills the process."""


def main() -> None:
    """Be the card's process until stdin ends."""
    chosen = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C and systemd reach the whole group; the daemon ends us in order
    # The card's buffer is 20 ms: on two loaded cores 7 of 8 runs of 3 s had xruns at niceness -11, and 0 of 8 so.
    # PortAudio spins when a USB card is pulled: at real-time priority that must end before it starves a small Pi.
    resource.setrlimit(resource.RLIMIT_RTTIME, (_LONGEST_SPIN_US, _LONGEST_SPIN_US))
    with contextlib.suppress(OSError):  # allowed by LimitRTPRIO= in the unit, or not
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REALTIME_PRIORITY))
    threading.excepthook = lambda bug: die(bug.exc_value)
    sys.excepthook = lambda _, bug, __: die(bug)
    # What a C library prints must not get between the frames.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if chosen.list:
        os.write(out, json.dumps([asdict(device) for device in devices_of(pyaudio.PyAudio())]).encode())
        os._exit(0)
    gain = 10 ** (chosen.input_gain_db / 20)
    _serve(
        CardOptions(chosen.input, chosen.output, chosen.input_channel, gain, chosen.sample_format == "s32"),
        _Reports(out),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="speakerd.audio.child")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--input", default="default")
    parser.add_argument("--output", default="default")
    parser.add_argument("--input-channel", type=int, default=0)
    parser.add_argument("--input-gain-db", type=float, default=0.0)
    parser.add_argument("--sample-format", default="s16")
    return parser


def _serve(options: CardOptions, reports: _Reports) -> None:
    card = Card(options, reports.put)
    running = threading.Thread(target=card.run, name="card", daemon=True)
    running.start()
    unpacker = wire.Unpacker()
    while data := os.read(sys.stdin.fileno(), 65536):
        for message in unpacker.feed(data):
            if isinstance(message, wire.OpenCapture | wire.CloseCapture):
                card.commands.put(message)
            elif isinstance(message, wire.SetPace | wire.SetPlayingPace):
                card.set_pace(message)
            else:
                card.loudspeaker.obey(message)
    # A broken card may never let go of its streams: the end must not depend on it.
    guard = threading.Timer(_LAST_SECONDS, os._exit, (1,))
    guard.daemon = True
    guard.start()
    card.commands.put(None)
    running.join()
    os._exit(0)


class _Reports:
    """The way out, for any thread: the pipe is the queue, so that nobody waits and no thread is woken.

    Frames that find it full are dropped, as the next one tells; all else waits for the next report.
    """

    def __init__(self, out: int) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        with contextlib.suppress(OSError):  # more than an unprivileged user's limit
            fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, _OUT_BYTES)
        os.set_blocking(out, False)

    def put(self, report: wire.Report) -> bool:
        """Send a report; False when the pipe is full."""
        with self._lock:
            if isinstance(report, wire.Pulse) and not self._waiting:
                self._waiting.append(wire.pack(report))  # it can wait for company: the daemon is woken only once
                return True
            self._write_waiting()
            if self._waiting and isinstance(report, wire.MicFrame | wire.Pulse | wire.Clocks):
                return False
            self._waiting.append(wire.pack(report))
            self._write_waiting()
            return True

    def _write_waiting(self) -> None:
        while self._waiting:
            packed = self._waiting[0]
            try:
                written = os.write(self._out, packed)
            except BlockingIOError:
                return
            except BrokenPipeError:
                os._exit(0)
            if written < len(packed):
                self._waiting[0] = packed[written:]
                return
            self._waiting.popleft()


if __name__ == "__main__":
    main()
