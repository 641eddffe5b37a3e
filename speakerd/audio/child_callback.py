"""One stream of PyAudio and its callback, which runs in a thread of PortAudio's."""

from __future__ import annotations

import ctypes
import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pyaudio

from speakerd.audio.child_streams import Times

Body = Callable[[bytes, int, Times, int], bytes | None]
"""Takes (captured bytes, frames, times, flags); returns the bytes to play."""

_LAST_CALL_SECONDS = 0.1
"""Longest wait for another call before a stream is closed; a dead card makes none."""
_HELD = 0
"""PyGILState_LOCKED."""


class CardStream:
    """Made before it is opened: PyAudio wants a callback before the format is known, which decides what it does.

    A callback's exceptions would surface anywhere in the main thread, so a bug ends the process.
    """

    def __init__(self) -> None:
        self._stream: Any = None
        self._body: Body | None = None
        self._is_thread_kept = self._is_ending = False
        self._has_ended = threading.Event()

    def open(self, audio: pyaudio.PyAudio, *arguments: Any, **options: Any) -> None:
        """As PyAudio.open; it does not begin to run yet."""
        self._stream = audio.open(*arguments, **options, start=False, stream_callback=self._call)

    def start(self, body: Body) -> None:
        """Run, once, and do this in each call."""
        self._body = body
        self._stream.start_stream()

    def close(self) -> None:
        """Stop, and let the card go."""
        self._is_ending = True
        self._has_ended.wait(_LAST_CALL_SECONDS)
        self._stream.stop_stream()
        self._stream.close()

    def _call(self, data: bytes | None, frames: int, times: Times, flags: int) -> tuple[bytes | None, int]:
        if self._is_ending or not self._is_thread_kept:
            self._keep_thread()
        try:
            assert self._body is not None  # noqa: S101 - the stream is started with it
            return self._body(data or b"", frames, times, flags), pyaudio.paContinue
        except BaseException as bug:
            die(bug)
            raise

    def _keep_thread(self) -> None:
        """Keep what Python knows of this thread until the stream ends; else it is made and thrown away in each call.

        That is a fourth of what a bare callback costs: memory is mapped, touched and unmapped.
        """
        if not self._is_thread_kept:
            self._is_thread_kept = True
            ctypes.pythonapi.PyGILState_Ensure()
        elif not self._has_ended.is_set():
            ctypes.pythonapi.PyGILState_Release(_HELD)
            self._has_ended.set()


def die(bug: BaseException | None) -> None:
    """End the process because of a bug."""
    traceback.print_exception(bug)
    os._exit(70)
