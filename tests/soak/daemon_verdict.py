"""Whether a soak of the whole daemon was as it must be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soak.audio_verdict import Sample as Sample
from soak.audio_verdict import slopes

WARM_UP_SECONDS = 900.0
_MOST_GROWTH_MIB = 3.0
"""It goes up and down by as much from day to day."""
_MOST_OF_OTHERS = 1.3
"""The card's and the assistant's process are killed now and then: only their largest size tells something."""
_MOST_MISSED = 0.02
_MOST_PROCESSES = 3


def verdict(samples: Sequence[Sample], counts: Mapping[str, int], warm_up_seconds: float) -> list[str]:
    """What was not as it must be, one sentence each."""
    kept = [sample for sample in samples if sample.seconds >= warm_up_seconds]
    if len(kept) < 3:
        return [f"The run was too short: it needs three samples after the first {warm_up_seconds:.0f} s."]
    first, last = kept[0], kept[-1]
    hours = (last.seconds - first.seconds) / 3600
    found = []
    growth_mib = slopes(samples, warm_up_seconds)["daemon_rss_mib"] * hours
    if growth_mib > _MOST_GROWTH_MIB:
        found.append(f"The daemon's memory grew by {growth_mib:.1f} MiB.")
    for name in ("card_rss_mib", "assistant_rss_mib"):
        values = [sample.figures[name] for sample in kept if name in sample.figures]
        if values and max(values) > _MOST_OF_OTHERS * values[0]:
            found.append(f"{name} was {max(values):.1f} after {values[0]:.1f}.")
    for name in ("daemon_files", "daemon_threads"):
        if last.figures[name] > first.figures[name]:
            found.append(f"{name} grew from {first.figures[name]:.0f} to {last.figures[name]:.0f}.")
    most = max(int(sample.figures["processes"]) for sample in kept)
    if most > _MOST_PROCESSES or any(sample.figures["zombies"] for sample in kept):
        found.append(f"There were {most} processes at night, or some that nobody had fetched.")
    if counts.get("stuck", 0):
        found.append(f"It was stuck {counts['stuck']} times.")
    missed, wakes = counts.get("missed_wakes", 0), counts.get("wakes", 0)
    if missed > max(1.0, _MOST_MISSED * wakes):
        found.append(f"{missed} of {wakes} wake words were missed.")
    return found
