from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.wakeword.threshold import HALF_LIFE_SAMPLES, HIGHEST, LOWEST, STEP_SHARE, AdaptiveThreshold

FRAME = 1280
SECOND = 16_000
BASE = 0.5
RANGE = 0.2
STEP = STEP_SHARE * RANGE


def hearing(
    scores: list[float], threshold: AdaptiveThreshold | None = None, start_sample: int = 0
) -> AdaptiveThreshold:
    """A threshold that has heard these scores, a frame each."""
    threshold = threshold or AdaptiveThreshold(RANGE)
    for number, score in enumerate(scores, 1):
        threshold.hear(score, BASE, start_sample + number * FRAME)
    return threshold


def learned(*wanted: bool) -> AdaptiveThreshold:
    """A threshold that was judged so, each time after a near miss two seconds before."""
    threshold = AdaptiveThreshold(RANGE)
    for number, was_wanted in enumerate(wanted):
        start_sample = number * 60 * SECOND
        hearing([0.301, 0, 0], threshold, start_sample)
        threshold.judge(was_wanted, start_sample + 2 * SECOND)
    return threshold


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        pytest.param([], 0, id="nothing learned"),
        pytest.param([False], 1, id="in vain"),
        pytest.param([False] * 3, 3, id="in vain three times"),
        pytest.param([False] * 9, 4, id="no higher than the range"),
        pytest.param([True], -1, id="had to be repeated"),
        pytest.param([True] * 9, -4, id="no lower than the range"),
        pytest.param([False] * 9 + [True], 3, id="the bound is left at the first step back"),
    ],
)
def test_mistakes_move_it_by_steps(wanted: list[bool], steps: int) -> None:
    assert learned(*wanted).of(BASE) == pytest.approx(BASE + steps * STEP, abs=0.002)


@pytest.mark.parametrize(
    ("scores", "missed_to_heard_seconds", "is_repeated"),
    [
        pytest.param([0.4, 0, 0], 2, True, id="a near miss, then heard"),
        pytest.param([0.31, 0, 0], 2, True, id="just within the range"),
        pytest.param([0.29, 0, 0], 2, False, id="even the lowest threshold would not have heard it"),
        pytest.param([0.4, 0, 0.4, 0, 0], 2, True, id="a bump with a dip"),
        pytest.param([0.4, 0.55, 0.4, 0, 0], 2, False, id="it reached the threshold"),
        pytest.param([0.4, 0], 2, False, id="the bump is not over"),
        pytest.param([0.4, 0, 0], 9.9, True, id="repeated late"),
        pytest.param([0.4, 0, 0], 10.1, False, id="too late to be a repetition"),
        pytest.param([0.4, 0, 0], 0.4, False, id="too soon: the same word"),
        pytest.param([0.4, 0, 0], -1, False, id="the near miss came after the detection"),
        pytest.param([float("nan"), 0, 0], 2, False, id="not a number"),
    ],
)
def test_what_had_to_be_repeated(scores: list[float], missed_to_heard_seconds: float, is_repeated: bool) -> None:
    threshold = hearing(scores)
    threshold.judge(was_wanted=True, sample=len(scores) * FRAME + round(missed_to_heard_seconds * SECOND))
    assert threshold.of(BASE) == pytest.approx(BASE - STEP * is_repeated, abs=0.001)


def test_a_near_miss_counts_once() -> None:
    threshold = hearing([0.4, 0, 0])
    threshold.judge(was_wanted=True, sample=3 * SECOND)
    threshold.judge(was_wanted=True, sample=6 * SECOND)
    assert threshold.of(BASE) == pytest.approx(BASE - STEP)


def test_a_near_miss_since_the_detection_may_yet_be_repeated() -> None:
    threshold = hearing([0.4, 0, 0])
    threshold.judge(was_wanted=True, sample=FRAME)
    assert threshold.of(BASE) == BASE
    threshold.judge(was_wanted=True, sample=4 * SECOND)
    assert threshold.of(BASE) == pytest.approx(BASE - STEP)


@pytest.mark.parametrize("was_wanted", [True, False])
def test_half_is_forgotten_in_the_half_life(was_wanted: bool) -> None:
    threshold = learned(was_wanted)
    before = threshold.of(BASE) - BASE
    threshold.hear(0, BASE, 3 * FRAME + HALF_LIFE_SAMPLES)
    assert abs(before) == pytest.approx(STEP)
    assert threshold.of(BASE) - BASE == pytest.approx(before / 2)


def test_reset_keeps_what_was_learned_and_begins_time_anew() -> None:
    threshold = learned(False, False)
    before = threshold.of(BASE)
    threshold.hear(0, BASE, 50 * HALF_LIFE_SAMPLES // 1000)
    kept = threshold.of(BASE)
    assert BASE < kept < before
    threshold.reset()
    hearing([0.0] * 10, threshold)
    assert threshold.of(BASE) == pytest.approx(kept, abs=1e-4)


def test_reset_forgets_near_misses_because_their_positions_mean_nothing_now() -> None:
    threshold = hearing([0.4, 0, 0, 0.4])
    threshold.reset()
    hearing([0, 0], threshold)
    threshold.judge(was_wanted=True, sample=3 * SECOND)
    assert threshold.of(BASE) == BASE


@pytest.mark.parametrize(("new_range", "expected"), [(0.05, 0.55), (0.4, 0.7), (0.0, 0.5)])
def test_another_range_bounds_what_was_learned(new_range: float, expected: float) -> None:
    threshold = learned(*[False] * 9)
    threshold.change(new_range)
    assert threshold.of(BASE) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("base", [0.01, 0.5, 1.0])
def test_a_range_of_zero_is_fixed_even_beyond_the_bounds(base: float) -> None:
    threshold = AdaptiveThreshold(0)
    for sample in range(FRAME, 10 * FRAME, FRAME):
        threshold.hear(0.4, base, sample)
        threshold.judge(was_wanted=False, sample=sample)
    assert threshold.of(base) == base


BASES = st.floats(0.01, 1.0)
RANGES = st.floats(0.001, 0.5)
HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.floats(0, 1), st.integers(1, 10 * SECOND)),
        st.tuples(st.just("hear"), st.just(0.0), st.integers(1, HALF_LIFE_SAMPLES)),
        st.tuples(st.sampled_from(["wanted", "in vain", "reset"]), st.just(0.0), st.integers(0, 12 * SECOND)),
    ),
    max_size=60,
)


def lived(happenings: list[tuple[str, float, int]], base: float, adaptive_range: float) -> list[AdaptiveThreshold]:
    """A threshold after what happened, in a list of one; each step's bounds are checked on the way."""
    threshold = AdaptiveThreshold(adaptive_range)
    sample = 0
    for what, score, samples in happenings:
        sample = 0 if what == "reset" else sample + samples
        if what == "reset":
            threshold.reset()
        elif what == "hear":
            threshold.hear(score, base, sample)
        else:
            before = threshold.of(base)
            threshold.judge(what == "wanted", sample)
            moved = threshold.of(base) - before
            assert moved <= 0 if what == "wanted" else moved >= 0
        now = threshold.of(base)
        assert LOWEST <= now <= HIGHEST
        if LOWEST <= base <= HIGHEST:
            assert base - adaptive_range <= now <= base + adaptive_range
    return [threshold]


@given(HAPPENINGS, BASES, RANGES)
def test_it_never_leaves_its_bounds_and_moves_the_right_way(
    happenings: list[tuple[str, float, int]], base: float, adaptive_range: float
) -> None:
    lived(happenings, base, adaptive_range)


@given(HAPPENINGS, st.floats(0.05, 0.99), RANGES)
def test_everything_is_forgotten_at_last_and_never_overshot(
    happenings: list[tuple[str, float, int]], base: float, adaptive_range: float
) -> None:
    (threshold,) = lived(happenings, base, adaptive_range)
    threshold.reset()
    distance = threshold.of(base) - base
    for number in range(20):
        threshold.hear(0, base, number * HALF_LIFE_SAMPLES)
        now = threshold.of(base) - base
        assert abs(now) <= abs(distance)
        assert now * distance >= 0
        distance = now
    assert abs(distance) < 1e-5
