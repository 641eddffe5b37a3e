from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.wake_audio import Said
from bench.wake_statistics import THRESHOLDS, detections, latency, operating_points, peaks, ratio, rising_edges

FRAME = 1280


@pytest.mark.parametrize(
    ("scores", "edges"),
    [
        ([], []),
        ([0.1, 0.4], []),
        ([0.5, 0.6, 0.2], [0]),
        ([0.1, 0.5, 0.9, 0.4, 0.7], [1, 4]),
    ],
)
def test_an_edge_is_where_the_threshold_is_reached(scores: list[float], edges: list[int]) -> None:
    assert rising_edges(np.array(scores, np.float32)) == edges


@pytest.mark.parametrize(("apart_frames", "counted"), [(2, 1), (24, 1), (25, 2), (100, 2)])
def test_two_seconds_are_one_detection(apart_frames: int, counted: int) -> None:
    scores = np.zeros(200, np.float32)
    scores[[10, 10 + apart_frames]] = 0.9
    assert detections(scores, 0.5) == counted


@pytest.mark.parametrize(
    ("scored_frame", "delay_ms"),
    [
        (9, 80.0),  # the frame after the word's last
        (7, -80.0),
        (21, 1040.0),
        (22, None),  # beyond the grace
        (1, None),  # before the word
    ],
)
def test_latency_runs_from_the_words_end_to_the_end_of_the_frame(scored_frame: int, delay_ms: float | None) -> None:
    scores = np.zeros(60, np.float32)
    scores[scored_frame] = 0.8
    found = latency(scores, [Said(3 * FRAME, 9 * FRAME)])
    assert (found.found, found.said) == (int(delay_ms is not None), 1)
    if delay_ms is None:
        assert math.isnan(found.median_ms)
        return
    assert found.median_ms == found.p95_ms == pytest.approx(delay_ms)


def test_the_median_and_the_95th_percentile_are_of_the_found_words() -> None:
    scores = np.zeros(400, np.float32)
    words = [Said(n * 40 * FRAME, (n * 40 + 5) * FRAME) for n in range(5)]
    for n, delay_frames in enumerate([1, 2, 3, 10]):
        scores[n * 40 + 5 + delay_frames - 1] = 1
    found = latency(scores, words)
    assert (found.found, found.said, found.median_ms) == (4, 5, 200.0)
    assert found.p95_ms == pytest.approx(80 * (3 + 0.85 * 7))


def test_hits_and_false_accepts_at_each_threshold() -> None:
    said = [Said(n * 100 * FRAME, (n * 100 + 10) * FRAME) for n in range(4)]
    words = np.zeros(400, np.float32)
    words[[5, 110, 215]] = [0.95, 0.65, 0.35]
    words[60] = 1.0  # belongs to no word
    hour = np.zeros(45_000, np.float32)
    hour[[100, 200, 300]] = [0.32, 0.55, 0.85]
    points = operating_points(peaks(words, said), [hour[:150], hour[150:]])
    assert [point.threshold for point in points] == list(THRESHOLDS)
    assert [point.hit_percent for point in points] == [75, 50, 50, 50, 25, 25, 25]
    assert [point.false_accepts_per_hour for point in points] == pytest.approx([3, 2, 2, 1, 1, 1, 0])


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200),
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=9),
)
def test_a_higher_threshold_never_finds_more_words(scores: list[float], found: list[float]) -> None:
    points = operating_points(np.array(found, np.float32), [np.array(scores, np.float32)])
    hits = [point.hit_percent for point in points]
    assert hits == sorted(hits, reverse=True)
    assert all(point.false_accepts_per_hour >= 0 for point in points)


@pytest.mark.parametrize(("percentile", "expected"), [(50, 0.5), (99, 0.25)])
def test_a_ratio_is_of_the_same_percentile_of_both(percentile: float, expected: float) -> None:
    theirs = np.array([2.0] * 90 + [8.0] * 10)
    ours = np.array([1.0] * 90 + [2.0] * 10)
    assert ratio(ours, theirs, percentile) == expected
