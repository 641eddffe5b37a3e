from __future__ import annotations

import pytest

from soak.audio_verdict import Sample, growth, slopes


def run(minutes: int = 60, **per_hour: float) -> list[Sample]:
    """A run in which figures grow steadily from 10, after a warm-up in which memory does anyway."""
    steady = {"daemon_rss_mib": 0.0, "child_files": 0.0, "child_threads": 0.0, "restarts": 0.0} | per_hour
    return [
        Sample(
            60.0 * minute,
            {name: 10 + slope * minute / 60 - (5.0 if minute < 5 else 0.0) for name, slope in steady.items()},
        )
        for minute in range(1, minutes + 1)
    ]


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (run(), []),
        (run(daemon_rss_mib=0.5), []),
        (run(daemon_rss_mib=2.4), ["daemon_rss_mib grew by 2.2 MiB."]),
        (run(child_files=60.0), ["child_files grew from 15 to 70."]),
        (run(child_threads=60.0), ["child_threads grew from 15 to 70."]),
        (run(restarts=60.0), ["restarts grew from 15 to 70."]),
        (run(reference_ms=0.5), []),
        (run(reference_ms=-3.2), ["reference_ms drifted by -2.9 ms."]),
        (run(echo_delay_ms=3.2), ["echo_delay_ms drifted by 2.9 ms."]),
        (run(minutes=6), ["The run was too short: it needs three samples after the first 300 s."]),
    ],
)
def test_only_growth_after_the_warm_up_is_told(samples: list[Sample], found: list[str]) -> None:
    assert growth(samples) == found


def test_slopes_are_of_what_was_always_seen() -> None:
    samples = run(capture_ppm=1.5)
    late = [*samples, Sample(3660.0, {**samples[-1].figures, "new": 1.0})]
    early = [Sample(30.0, {}), *samples]
    assert slopes(samples)["capture_ppm"] == slopes(early)["capture_ppm"] == pytest.approx(1.5)
    assert "new" not in slopes(late)
    assert slopes(early[:1]) == {}
