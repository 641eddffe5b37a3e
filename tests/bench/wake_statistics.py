"""What follows from scores and times. Pure; times are in frames of 80 ms or in samples at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.wake_audio import Said
from bench.wake_engines import FRAME_SAMPLES
from speakerd.wakeword.engine import SAMPLE_RATE_HZ

Scores = NDArray[np.float32]
"""One word's, one for each frame."""
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
GRACE_FRAMES = 13
"""A word counts as found up to 1.04 s after its end."""
REFRACTORY_FRAMES = 25
"""Two seconds in which what follows a detection is the same detection."""


@dataclass(frozen=True, slots=True)
class Operating:
    """How one engine does at one threshold."""

    threshold: float
    hit_percent: float
    false_accepts_per_hour: float


@dataclass(frozen=True, slots=True)
class Latency:
    """From the end of a word to the end of the first frame that scores 0.5; negative if it was found before."""

    found: int
    said: int
    median_ms: float
    p95_ms: float


def rising_edges(scores: Scores, threshold: float = 0.5) -> list[int]:
    """Frames that reach the threshold after one that did not."""
    above = scores >= threshold
    return [int(frame) for frame in np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))]


def detections(scores: Scores, threshold: float) -> int:
    """How many rising edges there are, those within two seconds of a counted one left out."""
    count, deaf_until = 0, 0
    for frame in rising_edges(scores, threshold):
        if frame >= deaf_until:
            count, deaf_until = count + 1, frame + REFRACTORY_FRAMES
    return count


def peaks(scores: Scores, said: Sequence[Said]) -> Scores:
    """The highest score that each wake word got."""
    return np.array([scores[_span(word)].max(initial=0) for word in said], np.float32)


def latency(scores: Scores, said: Sequence[Said], threshold: float = 0.5) -> Latency:
    """How soon the found ones were found; not a number where none was."""
    delays_ms = []
    for word in said:
        span = _span(word)
        if (reached := np.flatnonzero(scores[span] >= threshold)).size:
            heard = (span.start + int(reached[0]) + 1) * FRAME_SAMPLES
            delays_ms.append((heard - word.end) * 1000 / SAMPLE_RATE_HZ)
    median_ms, p95_ms = np.percentile(delays_ms, [50, 95]) if delays_ms else (np.nan, np.nan)
    return Latency(len(delays_ms), len(said), float(median_ms), float(p95_ms))


def operating_points(
    peaks_of_words: Scores, others: Sequence[Scores], thresholds: Sequence[float] = THRESHOLDS
) -> list[Operating]:
    """Hit rate over words that were said, false accepts in sounds without any, by threshold."""
    hours = sum(len(scores) for scores in others) * FRAME_SAMPLES / SAMPLE_RATE_HZ / 3600
    return [
        Operating(
            threshold,
            100 * float(np.mean(peaks_of_words >= threshold)),
            sum(detections(scores, threshold) for scores in others) / hours,
        )
        for threshold in thresholds
    ]


def ratio(ours_s: NDArray[np.float64], theirs_s: NDArray[np.float64], percentile: float = 50) -> float:
    """One percentile of the costs of frames, divided by the other's."""
    return float(np.percentile(ours_s, percentile) / np.percentile(theirs_s, percentile))


def _span(word: Said) -> slice:
    return slice(word.start // FRAME_SAMPLES, -(-word.end // FRAME_SAMPLES) + GRACE_FRAMES)
