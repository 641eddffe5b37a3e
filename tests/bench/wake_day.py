"""A day of sound in fast time: whether the engine grows, and whether its scores drift from a fresh engine's."""

from __future__ import annotations

import argparse
import ctypes
import gc
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword import models
from speakerd.wakeword.engine import FRAME_SAMPLES
from speakerd.wakeword.numpy_head import NumpyHead
from speakerd.wakeword.streaming_engine import StreamingEngine

WORDS = ("hey_jarvis", "alexa", "hey_mycroft")
FRAMES_PER_HOUR = 3600 * 16_000 // FRAME_SAMPLES


def main() -> int:
    """Print one line for each hour, and a verdict; 1 if anything grew or drifted."""
    parser = argparse.ArgumentParser(prog="scripts/bench wake-day", description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    hours = parser.parse_args().hours
    old = _engine()
    worst = 0.0
    after_first_kib = 0
    for hour in range(1, hours + 1):
        started = time.process_time()
        for frame in _hour(hour):
            old.score(frame)
        cpu_seconds = time.process_time() - started
        worst = max(worst, _difference(old, _engine(), hour))
        grown_kib = _resident_kib() - after_first_kib
        if hour == 1:
            after_first_kib = _resident_kib()
            grown_kib = 0
        sys.stdout.write(
            f"hour {hour:2}  cpu {cpu_seconds:5.1f} s  grown since the first {grown_kib:5} KiB  drift {worst:.1e}\n"
        )
        sys.stdout.flush()
    page_faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    sys.stdout.write(f"{hours * FRAMES_PER_HOUR} frames, {page_faults} page faults in all\n")
    return int(worst > 0 or grown_kib > 2048)


def _hour(seed: int) -> Iterator[NDArray[np.int16]]:
    """Noise whose level wanders over 60 dB, with tones, clicks, stretches of digital silence and of full scale."""
    rng = np.random.default_rng(seed)
    frame_number = 0
    while frame_number < FRAMES_PER_HOUR:
        length = min(int(rng.integers(5, 60)), FRAMES_PER_HOUR - frame_number)
        level = 10 ** rng.uniform(0, 4)
        kind = rng.integers(0, 6)
        noise = rng.standard_normal((length, FRAME_SAMPLES)) * level
        if kind == 0:
            noise[:] = 0
        elif kind == 1:
            noise += level * np.sin(np.arange(noise.size).reshape(noise.shape) * rng.uniform(0.02, 1.5))
        elif kind == 2:
            noise[:, :: int(rng.integers(100, 1280))] += 20_000
        yield from np.clip(noise, -32768, 32767).astype(np.int16)
        frame_number += length


def _difference(old: StreamingEngine, fresh: StreamingEngine, hour: int) -> float:
    """Greatest difference of scores after both heard the same sound for as long as a score remembers."""
    worst = 0.0
    for number, frame in enumerate(_hour(1000 + hour)):
        one, other = old.score(frame).copy(), fresh.score(frame)
        if number >= old.memory_frames:
            worst = max(worst, float(np.abs(one - other).max()))
        if number > 500:
            return worst
    return worst


def _engine() -> StreamingEngine:
    paths = models.verified(models.default_folder(), WORDS)
    heads = {word: NumpyHead(paths[word]) for word in WORDS}
    return StreamingEngine(heads, paths["melspectrogram"], paths["embedding_model"])


def _resident_kib() -> int:
    """Resident memory once the allocator has given back what only the making of sound has used."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    sys.exit(main())
