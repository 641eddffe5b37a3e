"""One engine in a process of its own: it scores the frames that come by stdin, and says what each of them cost.

Nothing is imported but what the engine needs, so that the process's memory is the engine's. Requests are a uint32 (how
many frames) and the frames as int16; answers are in the format of `wake_child`.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

# Before numpy: how many threads there are is decided when it is imported.
_STARTED = time.perf_counter()

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

if TYPE_CHECKING:
    from speakerd.wakeword.streaming_engine import StreamingEngine

FRAME_SAMPLES = 1280
WARM_UP_FRAMES = 40
Score = Callable[[NDArray[np.int16]], Sequence[float] | NDArray[np.float32]]


def main() -> int:
    """Load the engine (first argument) for the words (the others), then answer until stdin ends; 3: not installed."""
    # Libraries may print: what they say goes to stderr, the answers have the pipe for themselves.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    name, words = sys.argv[1], sys.argv[2:]
    try:
        score = _ENGINES[name](words)
    except ImportError as error:
        sys.stderr.write(f"{name} is left out: {error}.\n")
        return 3
    load_s = time.perf_counter() - _STARTED
    noise = np.random.default_rng(3).normal(0, 300, (WARM_UP_FRAMES, FRAME_SAMPLES)).astype(np.int16)
    for frame in noise:
        score(frame)
    answers.write(struct.pack("<2d", load_s, _rss_mib()))
    answers.flush()
    _answer(score, len(words), sys.stdin.buffer, answers)
    return 0


def _answer(score: Score, words: int, requests: BinaryIO, answers: BinaryIO) -> None:
    while header := requests.read(4):
        (count,) = struct.unpack("<I", header)
        sound = np.frombuffer(requests.read(count * FRAME_SAMPLES * 2), np.int16).reshape(count, FRAME_SAMPLES)
        scores = np.zeros((count, words), np.float32)
        cost_s = np.zeros((count, 2))
        for number, frame in enumerate(sound):
            wall, cpu = time.perf_counter(), time.process_time()
            found = score(frame)
            cost_s[number] = time.process_time() - cpu, time.perf_counter() - wall
            scores[number] = found
        answers.write(scores.tobytes() + cost_s.tobytes() + struct.pack("<d", _rss_mib()))
        answers.flush()


def _streaming(words: list[str]) -> Score:
    return _ungated(words).score


def _gated(words: list[str]) -> Score:
    """As the product uses it."""
    from speakerd.wakeword.silence_gate import SilenceGate

    return SilenceGate(_ungated(words)).score


def _ungated(words: list[str]) -> StreamingEngine:
    from speakerd.wakeword import models
    from speakerd.wakeword.engines import head
    from speakerd.wakeword.streaming_engine import StreamingEngine

    paths = models.verified(models.default_folder(), words)
    heads = {word: head(paths[word]) for word in words}
    return StreamingEngine(heads, paths["melspectrogram"], paths["embedding_model"])


def _openwakeword(words: list[str]) -> Score:
    """The package's own model, unmodified."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from openwakeword.model import Model

    from speakerd.wakeword import models

    paths = models.verified(models.default_folder(), words)
    model = Model(
        wakeword_models=[str(paths[word]) for word in words],
        inference_framework="onnx",
        melspec_model_path=str(paths["melspectrogram"]),
        embedding_model_path=str(paths["embedding_model"]),
        ncpu=1,
    )
    names = [paths[word].stem for word in words]

    def score(frame: NDArray[np.int16]) -> list[float]:
        found = model.predict(frame)
        return [found[name] for name in names]

    return score


def _pyopen(words: list[str]) -> Score:
    from pyopen_wakeword import Model, OpenWakeWord, OpenWakeWordFeatures

    front_end = OpenWakeWordFeatures.from_builtin()
    heads = [OpenWakeWord.from_builtin(Model(word)) for word in words]
    last = [0.0] * len(words)

    def score(frame: NDArray[np.int16]) -> list[float]:
        for features in front_end.process_streaming(frame.tobytes()):
            for number, head in enumerate(heads):
                last[number] = max(head.process_streaming(features), default=last[number])
        return last

    return score


def _pymicro(words: list[str]) -> Score:
    """Its probability is a mean over its own window of five inferences, as it means to be used."""
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    front_end = MicroWakeWordFeatures()
    heads = [MicroWakeWord.from_builtin(Model(word)) for word in words]

    def score(frame: NDArray[np.int16]) -> list[float]:
        most = [0.0] * len(words)
        for features in front_end.process_streaming(frame.tobytes()):
            for number, head in enumerate(heads):
                most[number] = max(most[number], head.process_streaming_prob(features) or 0.0)
        return most

    return score


_ENGINES: dict[str, Callable[[list[str]], Any]] = {
    "streaming": _streaming,
    "streaming-gated": _gated,
    "openwakeword": _openwakeword,
    "pyopen-wakeword": _pyopen,
    "pymicro-wakeword": _pymicro,
}


def _rss_mib() -> float:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # pathlib would be in the measured memory
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise AssertionError("Linux always says VmRSS")


if __name__ == "__main__":
    sys.exit(main())
