"""Two other audio loops to measure beside ours, each a process of its own; a line on stdin lets it speak.

`agents` treats audio as the realtime demo of openai-agents does (examples/realtime/cli/demo.py), rebuilt on PyAudio
since sounddevice is none of our dependencies: 24 kHz mono, playout by a callback of 40 ms out of a queue with the
package's own playback tracker, capture polled every 10 ms by an asyncio task in reads of 40 ms, dropped while an
answer plays. Where the demo sends to its session, sound is dropped, as it is in ours.
`echo` copies the microphone to the loudspeaker.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Mapping

import numpy as np
import pyaudio
from numpy.typing import NDArray

from bench.audio_stage import never_silent

_AGENTS_HZ, _AGENTS_FRAMES = 24_000, 960
_MOST_WAITING_PIECES = 100
_LOOK_SECONDS = 0.01
_PIECE_SAMPLES = 2_400
_SPEECH_SECONDS = 30.0
_ECHO_HZ, _ECHO_FRAMES, _ECHO_CHANNELS = 48_000, 480, 2


class AgentsLoop:
    """The demo's audio: a player fed by a queue, and a task that reads the microphone."""

    def __init__(self) -> None:
        from agents.realtime import RealtimePlaybackTracker  # it takes seconds to import, which the echo need not

        self._tracker = RealtimePlaybackTracker()
        self._pieces: queue.Queue[NDArray[np.int16]] = queue.Queue(_MOST_WAITING_PIECES)
        self._piece: NDArray[np.int16] | None = None
        self._place = 0
        audio = pyaudio.PyAudio()
        form = {"rate": _AGENTS_HZ, "channels": 1, "format": pyaudio.paInt16, "frames_per_buffer": _AGENTS_FRAMES}
        self._output = audio.open(**form, output=True, stream_callback=self._play)
        self._input = audio.open(**form, input=True)

    async def run(self) -> None:
        """Read the microphone for ever."""
        while True:
            if self._input.get_read_available() < _AGENTS_FRAMES:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            captured = self._input.read(_AGENTS_FRAMES, exception_on_overflow=False)
            if self._piece is None and self._pieces.empty():
                await _send(captured)
            await asyncio.sleep(0)

    def speak(self, pieces: list[NDArray[np.int16]]) -> None:
        """Queue an answer."""
        for piece in pieces:
            self._pieces.put(piece)

    def _play(self, _: bytes | None, frames: int, __: Mapping[str, float], ___: int) -> tuple[bytes, int]:
        out = np.zeros(frames, np.int16)
        filled = 0
        while filled < frames:
            if self._piece is None:
                try:
                    self._piece, self._place = self._pieces.get_nowait(), 0
                except queue.Empty:
                    break
            part = self._piece[self._place : self._place + frames - filled]
            out[filled : filled + len(part)] = part
            self._tracker.on_play_bytes(item_id="item", item_content_index=0, bytes=part.tobytes())
            filled += len(part)
            self._place += len(part)
            if self._place >= len(self._piece):
                self._piece = None
        return out.tobytes(), pyaudio.paContinue


async def _send(captured: bytes) -> None:
    """What the demo gives to its session."""


def _agents() -> None:
    loop = AgentsLoop()
    speech = never_silent(_SPEECH_SECONDS, 4)
    pieces = [speech[start : start + _PIECE_SAMPLES] for start in range(0, len(speech), _PIECE_SAMPLES)]
    threading.Thread(target=_obey, args=(lambda: loop.speak(pieces),), daemon=True).start()
    _ready()
    asyncio.run(loop.run())


def _echo() -> None:
    def copy(data: bytes | None, _: int, __: Mapping[str, float], ___: int) -> tuple[bytes | None, int]:
        return data, pyaudio.paContinue

    stream = pyaudio.PyAudio().open(
        **{"rate": _ECHO_HZ, "channels": _ECHO_CHANNELS, "format": pyaudio.paInt16},
        **{"frames_per_buffer": _ECHO_FRAMES, "input": True, "output": True, "stream_callback": copy},
    )
    _ready()
    _obey(stream.is_active)


def _obey(speak: object) -> None:
    for _ in sys.stdin:
        assert callable(speak)
        speak()
    os._exit(0)


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"agents": _agents, "echo": _echo}[sys.argv[1]]()
