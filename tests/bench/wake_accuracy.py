"""How well the engines hear: hits on the corpus's wake words, false accepts on its hours without any."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import wake_audio
from bench.wake_child import BLOCK_FRAMES, Child, children
from bench.wake_child import Engine as Started
from bench.wake_engines import FRAME_SAMPLES
from bench.wake_statistics import THRESHOLDS, Latency, Operating, Scores, latency, operating_points, peaks
from speakerd.wakeword.engine import SAMPLE_RATE_HZ

_CREWS = (("streaming", "openwakeword", "pymicro-wakeword"), ("pyopen-wakeword",))
"""Two processes at a time: the slowest engine costs as much as the others together."""
CURVE_THRESHOLDS = tuple(sorted({*THRESHOLDS, *(round(0.05 * n, 2) for n in range(1, 20)), 0.97, 0.99, 0.995}))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What the engines found, by name."""

    hours: float
    """Of sound without a wake word."""
    words: int
    points: Mapping[str, Sequence[Operating]]
    """At CURVE_THRESHOLDS."""
    fooled: Mapping[str, Sequence[Operating]]
    """Of clips that sound like the word, at THRESHOLDS: the share that fires is in the place of the hits."""
    latencies: Mapping[str, Latency]
    max_score_difference: float
    """Between streaming and openwakeword over all of it; not a number without both."""


def accuracy(corpus: Path, hours: float, deadline: float) -> Accuracy:
    """Let all engines hear the same; those beyond the deadline (time.monotonic) decide how much that is."""
    said, alike = wake_audio.clips(corpus, "positive", "hey_jarvis"), wake_audio.clips(corpus, "hard_negative")
    sounds = [said.sound, alike.sound, *wake_audio.negatives(corpus, hours * 3600)]
    with ThreadPoolExecutor(len(_CREWS)) as pool:
        crews = list(pool.map(lambda names: _scored(names, sounds, deadline), _CREWS))
    everyone = {name: scores for crew in crews for name, scores in crew.items()}
    heard = min(len(scores) for scores in everyone.values())
    common = {name: scores[:heard] for name, scores in everyone.items()}
    return Accuracy(
        hours=sum(len(sound) for sound in sounds[2:heard]) / SAMPLE_RATE_HZ / 3600,
        words=len(said.said),
        points={
            name: operating_points(peaks(scores[0], said.said), scores[2:], CURVE_THRESHOLDS)
            for name, scores in common.items()
        },
        fooled={name: operating_points(peaks(scores[1], alike.said), scores[2:]) for name, scores in common.items()},
        latencies={name: latency(scores[0], said.said) for name, scores in common.items()},
        max_score_difference=_difference(common),
    )


def _scored(names: Sequence[str], sounds: Sequence[wake_audio.Sound], deadline: float) -> dict[str, list[Scores]]:
    """Scores of each sound, sound by sound, so that a deadline leaves the crew with the same ones."""
    heard: dict[str, list[Scores]] = {name: [] for name in names}
    with children({name: Started(name, ("hey_jarvis",)) for name in names}) as crew:
        for number, sound in enumerate(sounds):
            if number > 2 and time.monotonic() > deadline:
                break
            for name, child in crew.items():
                heard[name].append(_scores(child, sound))
    return {name: heard[name] for name in crew}


def _scores(child: Child, sound: wake_audio.Sound) -> Scores:
    block = BLOCK_FRAMES * FRAME_SAMPLES
    parts = [child.hear(sound[start : start + block]).scores for start in range(0, len(sound), block)]
    return np.concatenate(parts)[:, 0]


def _difference(scores: Mapping[str, Sequence[Scores]]) -> float:
    if not {"streaming", "openwakeword"} <= scores.keys():
        return float("nan")
    pairs = zip(scores["streaming"], scores["openwakeword"], strict=True)
    # The processes have heard 40 frames of noise before: they know the same.
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
