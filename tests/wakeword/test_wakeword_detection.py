from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.wakeword.detection import Detected, Detection

FRAME = 1280
THRESHOLD = 0.5


def detections(scores: list[float], patience_frames: int, refractory_frames: int) -> dict[int, Detected]:
    """Detections by the number of the frame, counted from 0."""
    detection = Detection(THRESHOLD, patience_frames, refractory_frames * FRAME)
    fed = {number: detection.feed(score, (number + 1) * FRAME) for number, score in enumerate(scores)}
    return {number: detected for number, detected in fed.items() if detected is not None}


@pytest.mark.parametrize(
    ("scores", "patience_frames", "refractory_frames", "expected"),
    [
        pytest.param([0.1, 0.4999, 0.2], 1, 0, {}, id="below the threshold"),
        pytest.param([0.5], 1, 0, {0: 0.5}, id="reaching the threshold is enough"),
        pytest.param([0.9, 0.1, 0.9], 2, 0, {}, id="two frames that are not in a row"),
        pytest.param([0.6, 0.9, 0.7], 2, 0, {1: 0.9}, id="the second frame in a row"),
        pytest.param([0.9, 0.6, 0.7], 3, 0, {2: 0.9}, id="the peak is that of the stretch, not of the last frame"),
        pytest.param([0.9, 0.9, 0.1, 0.6, 0.7], 2, 0, {1: 0.9, 4: 0.7}, id="an old peak is forgotten"),
        pytest.param([0.9] * 8, 1, 0, {0: 0.9}, id="one utterance is one detection"),
        pytest.param([0.9] * 8, 1, 3, {0: 0.9}, id="one utterance is one, even when it outlasts the refractory"),
        pytest.param([0.9, 0.1, 0.9, 0.1, 0.8], 1, 3, {0: 0.9, 4: 0.8}, id="ignored in the refractory"),
        pytest.param([0.9, 0.1, 0.6, 0.8], 1, 3, {0: 0.9, 3: 0.8}, id="a new stretch may begin in the refractory"),
    ],
)
def test_detects(scores: list[float], patience_frames: int, refractory_frames: int, expected: dict[int, float]) -> None:
    found = detections(scores, patience_frames, refractory_frames)
    assert {number: detected.score for number, detected in found.items()} == expected
    assert all(detected.sample == (number + 1) * FRAME for number, detected in found.items())


def test_reset_forgets_the_refractory_because_positions_begin_anew() -> None:
    detection = Detection(THRESHOLD, 1, 100 * FRAME)
    assert detection.feed(0.9, 5000 * FRAME)
    detection.reset()
    assert detection.feed(0.8, FRAME) == Detected(0.8, FRAME)


def test_reset_forgets_half_a_patience() -> None:
    detection = Detection(THRESHOLD, 2, 0)
    detection.feed(0.9, FRAME)
    detection.reset()
    assert detection.feed(0.8, FRAME) is None
    assert detection.feed(0.7, 2 * FRAME) == Detected(0.8, 2 * FRAME)


SCORES = st.lists(st.sampled_from([0.0, 0.3, 0.49, 0.5, 0.7, 1.0]), max_size=60)


@given(SCORES, st.integers(1, 5), st.integers(0, 12))
def test_laws_of_detection(scores: list[float], patience_frames: int, refractory_frames: int) -> None:
    found = detections(scores, patience_frames, refractory_frames)
    numbers = list(found)
    assert all(b - a >= refractory_frames for a, b in pairwise(numbers))
    for number in numbers:
        first = number + 1 - patience_frames
        assert first >= 0
        assert min(scores[first : number + 1]) >= THRESHOLD
    for a, b in pairwise(numbers):
        assert min(scores[a : b + 1]) < THRESHOLD


@given(SCORES, st.integers(1, 5))
def test_every_stretch_that_is_long_enough_is_found_at_once(scores: list[float], patience_frames: int) -> None:
    lengths = [0]
    for score in scores:
        lengths.append(lengths[-1] + 1 if score >= THRESHOLD else 0)
    completed = [number for number, length in enumerate(lengths[1:]) if length == patience_frames]
    assert list(detections(scores, patience_frames, refractory_frames=0)) == completed
