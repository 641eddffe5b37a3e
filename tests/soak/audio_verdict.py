"""Whether a soak of the audio plane has grown or drifted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.audio_statistics import slope_per_hour

WARM_UP_SECONDS = 300.0
_MOST_GROWTH_MIB = 1.0
_MOST_DRIFT_MS = 1.0
_CONSTANT_MS = {"reference_ms", "echo_delay_ms"}
"""Delays of AudioHealth that stay as they are while all is well."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment."""

    seconds: float
    """Since the start."""
    figures: Mapping[str, float]
    """By name: *_rss_mib, *_files, *_threads, restarts, xruns, and what AudioHealth tells as a number."""


def slopes(samples: Sequence[Sample], warm_up_seconds: float = WARM_UP_SECONDS) -> dict[str, float]:
    """Growth per hour, by a linear fit, of every figure that was always seen after the warm-up."""
    kept = [sample for sample in samples if sample.seconds >= warm_up_seconds]
    names = [name for name in kept[-1].figures if all(name in sample.figures for sample in kept)] if kept else []
    return {name: slope_per_hour([(sample.seconds, sample.figures[name]) for sample in kept]) for name in names}


def growth(samples: Sequence[Sample], warm_up_seconds: float = WARM_UP_SECONDS) -> list[str]:
    """What grew between the warm-up and the end, one sentence each.

    Memory and delays are judged by the fitted line, counts by their last value.
    """
    kept = [sample for sample in samples if sample.seconds >= warm_up_seconds]
    if len(kept) < 3:
        return [f"The run was too short: it needs three samples after the first {warm_up_seconds:.0f} s."]
    hours = (kept[-1].seconds - kept[0].seconds) / 3600
    found = []
    for name, slope in slopes(samples, warm_up_seconds).items():
        first, last = kept[0].figures[name], kept[-1].figures[name]
        if name.endswith("_rss_mib") and slope * hours > _MOST_GROWTH_MIB:
            found.append(f"{name} grew by {slope * hours:.1f} MiB.")
        if name in _CONSTANT_MS and abs(slope * hours) > _MOST_DRIFT_MS:
            found.append(f"{name} drifted by {slope * hours:.1f} ms.")
        if (name.endswith(("_files", "_threads")) or name == "restarts") and last > first:
            found.append(f"{name} grew from {first:.0f} to {last:.0f}.")
    return found
