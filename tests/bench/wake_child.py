"""The parent's end of `wake_engines`: a process for each engine, and frames that they score in turns."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.machine import service_environment
from bench.wake_engines import FRAME_SAMPLES

BLOCK_FRAMES = 200
NOT_INSTALLED = 3
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Engine:
    """What is to be started: an engine of `wake_engines` and its words."""

    name: str
    words: tuple[str, ...]
    share: float = 1.0
    """How much of the sound it hears, from the beginning: a slow engine may hear less."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine made of the frames it was given."""

    scores: NDArray[np.float32]
    """Shape (frames, words)."""
    cpu_s: NDArray[np.float64]
    """CPU time of each frame, all threads of the process."""
    wall_s: NDArray[np.float64]


class Child:
    """An engine's process, loaded and warmed up."""

    def __init__(self, process: subprocess.Popen[bytes], words: int) -> None:
        self._process = process
        self._words = words
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._answers = process.stdin, process.stdout
        self.load_s, self.rss_mib = struct.unpack("<2d", self._read(16))
        """Imports and loading without the interpreter's start; memory of the whole process after 40 frames."""
        self.last_rss_mib = self.rss_mib
        """The same after the last block."""

    def hear(self, sound: NDArray[np.int16]) -> Heard:
        """Let it score whole frames."""
        count = len(sound) // FRAME_SAMPLES
        self._requests.write(struct.pack("<I", count) + sound[: count * FRAME_SAMPLES].tobytes())
        self._requests.flush()
        scores = np.frombuffer(self._read(count * self._words * 4), np.float32).reshape(count, self._words)
        cost_s = np.frombuffer(self._read(count * 16)).reshape(count, 2)
        (self.last_rss_mib,) = struct.unpack("<d", self._read(8))
        return Heard(scores, cost_s[:, 0], cost_s[:, 1])

    def _read(self, size: int) -> bytes:
        content = self._answers.read(size)
        if len(content) == size:
            return content
        code = self._process.wait()
        if code == NOT_INSTALLED:
            raise ModuleNotFoundError(" ".join(map(str, self._process.args)))  # type: ignore[arg-type]
        raise ChildProcessError(f"an engine's process ended with {code}: see its words above")


@contextmanager
def children(engines: Mapping[str, Engine]) -> Iterator[dict[str, Child]]:
    """A process for each engine, started one after the other; those that are not installed are left out."""
    with ExitStack() as processes:
        yield {label: child for label, engine in engines.items() if (child := _started(engine, processes)) is not None}


def in_turns(
    crew: Mapping[str, Child], shares: Mapping[str, float], sound: NDArray[np.int16], deadline: float = float("inf")
) -> dict[str, Heard]:
    """Let all hear the same blocks, one process at a time, so that a disturbance meets all.

    The order rotates with each round. No round begins after the deadline (time.monotonic).
    """
    block = BLOCK_FRAMES * FRAME_SAMPLES
    heard: dict[str, list[Heard]] = {label: [] for label in crew}
    labels = list(crew)
    for number, start in enumerate(range(0, len(sound), block)):
        if number and time.monotonic() > deadline:
            break
        first = number % len(labels)
        for label in labels[first:] + labels[:first]:
            if start < shares[label] * len(sound):
                heard[label].append(crew[label].hear(sound[start : start + block]))
    return {label: joined(parts) for label, parts in heard.items()}


def joined(parts: Sequence[Heard]) -> Heard:
    """The parts of one stream as a whole."""
    return Heard(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.cpu_s for part in parts]),
        np.concatenate([part.wall_s for part in parts]),
    )


def _started(engine: Engine, processes: ExitStack) -> Child | None:
    command = [sys.executable, "-m", "bench.wake_engines", engine.name, *engine.words]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=service_environment() | _ONE_THREAD | {"PYTHONWARNINGS": "ignore"},
    )
    processes.enter_context(process)  # at the end its stdin is closed, and it ends
    try:
        return Child(process, len(engine.words))
    except ModuleNotFoundError:
        return None
