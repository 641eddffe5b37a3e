"""The line of `wake-test`, and what it counts."""

from __future__ import annotations

import numpy as np
import pytest

from speakerd.wakeword.advice import Trial
from speakerd.wakeword.meter import Meter
from speakerd.wakeword.observation import SILENCE_DBFS, Observation, frame_level_dbfs, observation_of

QUIET = (0.02, -60.0)
WORD = (0.9, -20.0)


def seen(score: float, level_dbfs: float, detected: str | None = None) -> Observation:
    return Observation({"hey_jarvis": score, "stop": 0.0}, {"hey_jarvis": 0.6, "stop": 0.5}, 1280, level_dbfs, detected)


def fed(*stretches: tuple[int, tuple[float, float]], wanted: int = 2) -> Meter:
    meter = Meter(wanted, 0.5)
    for frames, (score, level_dbfs) in stretches:
        for _ in range(frames):
            meter.take(seen(score, level_dbfs))
    return meter


def test_the_line_shows_score_threshold_highest_level_and_counts() -> None:
    meter = fed((20, QUIET), (5, WORD), (11, QUIET))
    meter.take(seen(0.2, -41.3, "hey_jarvis"))
    assert meter.line() == "hey_jarvis 0.20  [######............|........>...]   -41 dBFS  said 1/2  heard 1"
    assert meter.detections == {"hey_jarvis": 1}


def test_the_highest_score_is_held_for_a_moment() -> None:
    assert fed((20, QUIET), (1, WORD), (18, QUIET)).line().count(">") == 1
    assert "|........>" in fed((20, QUIET), (1, WORD), (18, QUIET)).line()
    assert "[#>" in fed((20, QUIET), (1, WORD), (20, (0.03, -60.0))).line().replace("[>", "[#>")


@pytest.mark.parametrize(
    ("stretches", "warning"),
    [
        ([(20, QUIET)], ""),
        ([(37, (0.0, SILENCE_DBFS))], ""),
        ([(38, (0.0, SILENCE_DBFS))], "MICROPHONE SILENT"),
        ([(90, (0.0, SILENCE_DBFS)), (1, QUIET)], ""),
        ([(1, (0.0, 0.0)), (18, QUIET)], "CLIPPING"),
        ([(1, (0.0, 0.0)), (19, QUIET)], ""),
    ],
)
def test_a_dead_or_overdriven_microphone_is_named(
    stretches: list[tuple[int, tuple[float, float]]], warning: str
) -> None:
    meter = fed(*stretches)
    assert meter.warning() == warning
    assert meter.line().endswith(warning or "heard 0")


def test_it_is_complete_when_the_word_was_said_often_enough() -> None:
    once = [(20, QUIET), (5, WORD), (11, QUIET)]
    assert not fed(*once).is_complete
    twice = fed(*once, *once)
    assert twice.is_complete
    assert twice.end() == Trial(0.6, (0.9, 0.9), 0.02, -20.0)


def test_a_word_at_the_very_end_counts_and_no_sound_is_no_trial() -> None:
    assert fed((20, QUIET), (5, WORD)).end().sample_scores == (0.9,)
    silent = Meter(3, 0.5)
    assert silent.line() == "no sound yet"
    assert silent.end() == Trial(0.5, (), 0.0, SILENCE_DBFS)


def test_levels_of_frames() -> None:
    assert frame_level_dbfs(np.zeros(1280, np.int16)) == SILENCE_DBFS
    assert frame_level_dbfs(np.full(1280, -32768, np.int16)) == 0.0
    assert SILENCE_DBFS < frame_level_dbfs(np.eye(1, 1280, dtype=np.int16)[0]) < -90


MESSAGE: dict[str, object] = {
    "scores": {"w": 0.5},
    "thresholds": {"w": 1},
    "end_sample": 1280,
    "level_dbfs": -3,
    "detected": None,
}


def test_an_observation_comes_back_from_its_message() -> None:
    assert observation_of(MESSAGE | {"new": 1}) == Observation({"w": 0.5}, {"w": 1}, 1280, -3.0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scores": {}, "thresholds": {}},
        {"scores": {"v": 0.5}},
        {"scores": {"w": "0.5"}},
        {"thresholds": None},
        {"end_sample": "1"},
        {"level_dbfs": None},
        {"detected": 1},
    ],
)
def test_what_is_no_observation_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no observation"):
        observation_of(MESSAGE | wrong)
