"""Whether a soak of the audio plane has grown or drifted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.audio_statistics import slope_per_hour

WARM_UP_SECONDS = 300.0
_MOST_GROWTH_MIB = 1.0
_MOST_DRIFT_MS = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment."""

    seconds: float
    """Since the start."""
    figures: Mapping[str, float]
    """By name: *_rss_mib, *_files, *_threads, restarts, xruns, and what AudioHealth tells as a number."""


def slopes(samples: Sequence[Sample], warm_up_seconds: float = WARM_UP_SECONDS) -> dict[str, float]:
    """Growth per hour of every figure that was seen in each sample, by a linear fit after the warm-up."""
    names = [name for name in samples[-1].figures if all(name in sample.figures for sample in samples)]
    return {
        name: slope_per_hour(
            [(sample.seconds, sample.figures[name]) for sample in samples], after_seconds=warm_up_seconds
        )
        for name in names
    }


def growth(samples: Sequence[Sample], warm_up_seconds: float = WARM_UP_SECONDS) -> list[str]:
    """What grew between the warm-up and the end, one sentence each.

    Memory and the reference's offset are judged by the fitted line, counts by their last value.
    """
    kept = [sample for sample in samples if sample.seconds >= warm_up_seconds]
    if len(kept) < 3:
        return [f"The run was too short: it needs three samples after the first {warm_up_seconds:.0f} s."]
    hours = (kept[-1].seconds - kept[0].seconds) / 3600
    grown = {name: slope * hours for name, slope in slopes(samples, warm_up_seconds).items()}
    found = [f"{name} grew by {by:.1f} MiB." for name, by in grown.items() if "_rss_" in name and by > _MOST_GROWTH_MIB]
    if abs(by := grown.get("reference_offset_ms", 0.0)) > _MOST_DRIFT_MS:
        found.append(f"The reference drifted by {by:.1f} ms.")
    for name, last in kept[-1].figures.items():
        first = kept[0].figures[name]
        if (name.endswith(("_files", "_threads")) or name == "restarts") and last > first:
            found.append(f"{name} grew from {first:.0f} to {last:.0f}.")
    return found
