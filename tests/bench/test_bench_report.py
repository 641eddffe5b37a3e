from __future__ import annotations

from typing import Any

import pytest

from bench.wake_report import number, table, text

REPORT: dict[str, Any] = {
    "cpu_ratio_one_word": 0.2,
    "cpu_ratio_three_words": 0.21,
    "cpu_ratio_p99": 0.19,
    "cpu_ratio_quiet_room": 0.005,
    "wall_ratio_one_word": 0.2,
    "wall_ratio_three_words": 0.21,
    "wall_ratio_p99": 0.3,
    "quiet_room_s": 120.0,
    "quiet_room_percent_of_a_core": 0.008,
    "gate_opening_ms": None,
    "max_score_difference": 7.2e-6,
    "decisions_equal_at_0_5": True,
    "detections_compared": 54,
    "frames": 2250,
    "not_installed": ["pymicro-wakeword"],
    "engines": {
        "streaming": {
            "median_ms": 0.264,
            "p99_ms": 0.373,
            "wall_median_ms": 0.265,
            "percent_of_a_core": 0.34,
            "rss_mib": 42.6,
            "load_s": 0.19,
            "frames": 2250,
        }
    },
    "latency_ms": {"streaming": {"median": 128.0, "p95": float("nan"), "found": 22, "said": 23}},
    "machine": {
        "processor": "a machine",
        "cores": 2,
        "load_average": 0.5,
        "python": "3.11.7",
        "versions": {"numpy": "2.4.6"},
    },
    "method": {"clock": "CPU time", "threads": 1, "block_frames": 200, "rounds": 12},
    "seconds_in_all": 27.3,
}


@pytest.mark.parametrize(
    "words", ["0.264", "7.2e-06", "the same (54)", "22 of 23", "12 rounds", "numpy 2.4.6", "left out: pymicro", "27 s"]
)
def test_the_report_says(words: str) -> None:
    assert words in text(REPORT)


def test_different_detections_catch_the_eye() -> None:
    assert "DIFFERENT" in text(REPORT | {"decisions_equal_at_0_5": False})


def test_a_full_run_shows_every_threshold() -> None:
    points = [{"threshold": t, "hit_percent": 98.5, "false_accepts_per_hour": 0.25} for t in (0.3, 0.5)]
    shown = text(
        REPORT
        | {
            "accuracy": {
                "hours": 3.0,
                "words": 120,
                "engines": {"streaming": points},
                "hard_negatives": {"streaming": {"0.3": 12.5, "0.5": 7.5}},
            }
        }
    )
    assert "120 wake words, 3.00 h without any." in shown
    assert shown.count("98.50") == shown.count("0.25") == 2
    assert "12.50" in shown


def test_columns_stand_below_each_other() -> None:
    assert table(["name", "ms"], [["a", "1.00"], ["longer name", "10.00"]]).split("\n") == [
        "name            ms",
        "------------------",
        "a             1.00",
        "longer name  10.00",
    ]


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (float("nan"), "-"), (0.0, "0.00"), (1.236, "1.24")])
def test_what_is_not_known_is_a_dash(value: float | None, shown: str) -> None:
    assert number(value) == shown
