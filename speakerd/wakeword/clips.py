"""Keeps the sound that woke the speaker, if the owner asked for it: short WAV files, few, and deleted by age.

The audio thread only copies into a fixed ring. Files are a worker's; whatever the disk does, hearing goes on.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ

_log = logging.getLogger(__name__)

CLIP_SAMPLES = 3 * SAMPLE_RATE_HZ
FRAMES_AFTER = 6
"""Frames (0.48 s) that a clip holds after the detection, which may come before the word's end."""
_RING_FRAMES = -(-CLIP_SAMPLES // FRAME_SAMPLES)
_MOST_WAITING = 8
"""Clips that may wait for a slow disk; more are left out."""
_CLOSE_SECONDS = 2.0
_DAY_SECONDS = 86_400.0
_CLIP_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d-[A-Za-z0-9_-]{1,64}-[01]\.\d\d\.wav")
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class _Clip:
    """What a file is made of."""

    word: str
    score: float
    heard_at: float
    """Seconds of the clock at the detection."""
    sound: NDArray[np.int16]


@dataclass(slots=True)
class _Pending:
    """A detection whose end is not in the ring yet."""

    word: str
    score: float
    heard_at: float
    frames_left: int = FRAMES_AFTER


class ClipKeeper:
    """Keeps the newest `most` clips, none older than `days`; `hear` and `keep` are for the audio thread.

    `clock` gives seconds since 1970. The folder is made with mode 0700 if it is missing; files have mode 0600.
    """

    def __init__(self, folder: Path, most: int, days: float, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._most = most
        self._days = days
        self._clock = clock
        self._ring = np.zeros((_RING_FRAMES, FRAME_SAMPLES), np.int16)
        self._heard_frames = 0
        self._pending: list[_Pending] = []
        self._has_failed = False
        self._waiting: queue.Queue[_Clip | None] = queue.Queue(_MOST_WAITING)
        self._worker = threading.Thread(target=self._work, name="clips", daemon=True)
        self._worker.start()

    def hear(self, frame: NDArray[np.int16]) -> None:
        """Take the next frame, int16[1280]."""
        self._ring[self._heard_frames % _RING_FRAMES] = frame
        self._heard_frames += 1
        if self._pending:
            self._count_down()

    def keep(self, word: str, score: float) -> None:
        """Keep what was heard around now, under the word that was detected; returns at once."""
        self._pending.append(_Pending(word, score, self._clock()))

    def close(self) -> None:
        """Write what is waiting, for at most a few seconds, and end the worker; the audio thread has ended before."""
        for pending in self._pending:
            self._hand_over(pending)
        self._pending.clear()
        try:
            self._waiting.put(None, timeout=_CLOSE_SECONDS)
        except queue.Full:
            _log.debug("the disk takes no clips: those that wait are given up")
            return
        self._worker.join(_CLOSE_SECONDS)

    def _count_down(self) -> None:
        for pending in self._pending:
            pending.frames_left -= 1
            if pending.frames_left == 0:
                self._hand_over(pending)
        self._pending = [pending for pending in self._pending if pending.frames_left]

    def _hand_over(self, pending: _Pending) -> None:
        clip = _Clip(pending.word, pending.score, pending.heard_at, self._sound())
        try:
            self._waiting.put_nowait(clip)
        except queue.Full:
            _log.debug("the disk is slow: a clip of %s is left out", clip.word)

    def _sound(self) -> NDArray[np.int16]:
        """A copy of the last 3 s, or of all that was heard."""
        oldest_first = np.roll(self._ring, -self._heard_frames, axis=0).reshape(-1)
        length = min(CLIP_SAMPLES, self._heard_frames * FRAME_SAMPLES)
        return oldest_first[len(oldest_first) - length :]

    def _work(self) -> None:
        self._attempt(self._tidy)
        while (clip := self._waiting.get()) is not None:
            self._attempt(partial(self._write, clip))

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._has_failed = False
        except OSError as error:
            level = logging.DEBUG if self._has_failed else logging.WARNING
            self._has_failed = True
            _log.log(
                level,
                "The clip of a wake word cannot be kept in %s (%s): make room there, or change wake_word.clips_folder.",
                self._folder,
                error.strerror or error,
            )

    def _write(self, clip: _Clip) -> None:
        path = self._folder / clip_name(clip.word, clip.score, clip.heard_at)
        unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
        self._make_folder()
        try:
            _write_wav(unfinished, clip.sound)
            os.utime(unfinished, (clip.heard_at, clip.heard_at))
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        self._tidy()

    def _tidy(self) -> None:
        """Delete what is too old, too many or unfinished; never a file whose name is not ours."""
        self._make_folder()
        ours = []
        for path in self._folder.iterdir():
            if _CLIP_NAME.fullmatch(path.name):
                ours.append((path.stat().st_mtime, path.name, path))
            elif _CLIP_NAME.fullmatch(path.name.removeprefix(".").removesuffix(_UNFINISHED)):
                path.unlink(missing_ok=True)
        oldest = self._clock() - self._days * _DAY_SECONDS
        for rank, (heard_at, _, path) in enumerate(sorted(ours, reverse=True)):
            if rank >= self._most or heard_at < oldest:
                path.unlink(missing_ok=True)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def clip_name(word: str, score: float, heard_at: float) -> str:
    """Such as 2026-11-23T10-51-20.5-hey_jarvis-0.93.wav, in local time; a path as a word gives its file's name."""
    name = Path(word).name.removesuffix(".onnx").removesuffix(".tflite")
    harmless = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "_"
    tenths = int(heard_at * 10)
    moment = datetime.fromtimestamp(tenths // 10).strftime("%Y-%m-%dT%H-%M-%S")
    return f"{moment}.{tenths % 10}-{harmless}-{min(max(score, 0.0), 1.0):.2f}.wav"


def _write_wav(path: Path, sound: NDArray[np.int16]) -> None:
    """Mono, 16 bits, 16 kHz, for the owner's eyes only."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file, wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(SAMPLE_RATE_HZ)
        recording.writeframes(sound.astype("<i2", copy=False).tobytes())
