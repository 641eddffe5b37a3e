"""Figures out of what was measured in the audio bench and the soak. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure spreads; NaN where nothing was measured."""

    count: int
    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Talk:
    """Someone in the room speaks, from one second to another of any common clock."""

    start: float
    end: float
    ratio_db: float = 0.0
    """How much louder than the echo of our own sound."""


@dataclass(frozen=True, slots=True)
class Found:
    """How the claims of a detector fit what was said."""

    talks: int
    hits: int
    latencies_ms: tuple[float, ...]
    """From the start of each talk that was found to the first claim."""
    false_at: tuple[float, ...]
    """Claims that no talk explains."""

    @property
    def hit_rate(self) -> float:
        """Share of the talks that were found; NaN without any."""
        return self.hits / self.talks if self.talks else float("nan")


def spread(values: Sequence[float] | NDArray[np.floating]) -> Spread:
    """Median, 95th percentile and the largest of some values."""
    if not len(values):
        return Spread(0, float("nan"), float("nan"), float("nan"))
    median, high, most = (float(value) for value in np.percentile(values, (50, 95, 100)))
    return Spread(len(values), median, high, most)


def found(talks: Sequence[Talk], claims: Sequence[float], *, within_seconds: float, quiet_seconds: float) -> Found:
    """Join claims to talks.

    A talk is found by the first claim from its start up to `within_seconds` later. A claim is false where nobody has
    spoken for `quiet_seconds`; a late one is neither false nor a hit.
    """
    latencies = []
    for talk in talks:
        inside = [claim - talk.start for claim in claims if 0 <= claim - talk.start <= within_seconds]
        if inside:
            latencies.append(1000 * min(inside))
    false = [claim for claim in claims if not any(t.start <= claim <= t.end + quiet_seconds for t in talks)]
    return Found(len(talks), len(latencies), tuple(latencies), tuple(sorted(false)))


def joined(parts: Sequence[Found]) -> Found:
    """Several rooms as one."""
    return Found(
        sum(part.talks for part in parts),
        sum(part.hits for part in parts),
        tuple(latency for part in parts for latency in part.latencies_ms),
        tuple(claim for part in parts for claim in part.false_at),
    )


def loud_span(sound: NDArray[np.int16], level: int) -> tuple[int, int] | None:
    """(first, after the last) of the samples above a level; None without any."""
    (loud,) = np.nonzero(np.abs(sound.astype(np.int32)) > level)
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else None


def loud_starts(sound: NDArray[np.int16], level: int, quiet_samples: int) -> list[int]:
    """Where sound above a level begins after at least so many samples of quiet, or at the very beginning."""
    (loud,) = np.nonzero(np.abs(sound.astype(np.int32)) > level)
    before = np.diff(loud, prepend=-quiet_samples - 1)
    return [int(place) for place in loud[before > quiet_samples]]


def lag(heard: NDArray[np.int16], original: NDArray[np.int16]) -> int:
    """The place in the original at which the first sample heard lies, where they are most alike."""
    size = 1 << (len(heard) + len(original) - 1).bit_length()
    likeness = np.fft.irfft(
        np.fft.rfft(original.astype(np.float64), size) * np.conj(np.fft.rfft(heard.astype(np.float64), size)), size
    )
    place = int(np.argmax(likeness))
    return place if place < len(original) else place - size


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """Growth by a linear fit through (seconds, value); NaN with less than three."""
    if len(points) < 3:
        return float("nan")
    seconds, values = zip(*points, strict=True)
    return 3600 * float(np.polyfit(seconds, values, 1)[0])
