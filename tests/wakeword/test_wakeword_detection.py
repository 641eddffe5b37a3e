from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.wakeword.detection import (
    ECHO_SAMPLES,
    OVER_PLAYOUT_SHARE,
    VOICE_SAMPLES,
    Detected,
    Detection,
    Heard,
    WordRule,
)

FRAME = 1280
SECOND = 16_000
RULE = WordRule(0.5, 0.7, patience_frames=1, window_frames=1, refractory_samples=0, adaptive_range=0)
NAN = float("nan")


def rule(patience_frames: int = 1, window_frames: int = 0, refractory_frames: int = 0) -> WordRule:
    """A rule; the window is no longer than the patience unless given."""
    return replace(
        RULE,
        patience_frames=patience_frames,
        window_frames=window_frames or patience_frames,
        refractory_samples=refractory_frames * FRAME,
    )


def fed(detection: Detection, rows: Sequence[Sequence[float]]) -> dict[int, Detected]:
    """Detections by the number of the frame, counted from 0."""
    found = {number: detection.feed(Heard(row, (number + 1) * FRAME)) for number, row in enumerate(rows)}
    return {number: detected for number, detected in found.items() if detected is not None}


def one_word(scores: Sequence[float], of: WordRule = RULE) -> dict[int, float]:
    """Scores of the detections of a single word by the number of the frame."""
    found = fed(Detection({"jarvis": of}), [[score] for score in scores])
    assert all(detected.sample == (number + 1) * FRAME for number, detected in found.items())
    return {number: detected.score for number, detected in found.items()}


@pytest.mark.parametrize(
    ("scores", "of", "expected"),
    [
        pytest.param([0.1, 0.4999, 0.2], rule(1), {}, id="below the threshold"),
        pytest.param([0.5], rule(1), {0: 0.5}, id="reaching the threshold is enough"),
        pytest.param([NAN] * 5, rule(1), {}, id="not a number"),
        pytest.param([NAN, 0.9, NAN, 0.8], rule(2, 3), {3: 0.9}, id="not a number is a frame like any other below"),
        pytest.param([0.9, 0.1, 0.9], rule(2), {}, id="two frames that are not in a row"),
        pytest.param([0.9, 0.1, 0.8], rule(2, 3), {2: 0.9}, id="two frames of three"),
        pytest.param([0.9, 0.1, 0.1, 0.8], rule(2, 3), {}, id="two frames of four are not two of three"),
        pytest.param([0.6, 0.9, 0.7], rule(2), {1: 0.9}, id="the second frame in a row"),
        pytest.param([0.9, 0.6, 0.7], rule(3), {2: 0.9}, id="the peak is that of the stretch, not of the last frame"),
        pytest.param([0.9, 0.9, 0, 0, 0.6, 0.7], rule(2), {1: 0.9, 5: 0.7}, id="an old peak is forgotten"),
        pytest.param([0.9] * 8, rule(1), {0: 0.9}, id="one utterance is one detection"),
        pytest.param([0.9] * 8, rule(1, 1, 3), {0: 0.9}, id="one, even when it outlasts the refractory"),
        pytest.param([0.9, 0.1, 0.9, 0.1, 0.9], rule(1), {0: 0.9}, id="a dip of a frame ends no stretch"),
        pytest.param([0.9, 0, 0, 0.9], rule(1), {0: 0.9, 3: 0.9}, id="two frames below end it"),
        pytest.param([0.9, 0, 0, 0.9], rule(1, 3), {0: 0.9}, id="a whole window must be below"),
        pytest.param([0.9, 0, 0, 0.9, 0, 0, 0.8], rule(1, 1, 5), {0: 0.9, 6: 0.8}, id="ignored in the refractory"),
        pytest.param(
            [0.9, 0, 0, 0.6, 0.8], rule(1, 1, 4), {0: 0.9, 4: 0.8}, id="a stretch that outlasts the refractory"
        ),
    ],
)
def test_detects(scores: list[float], of: WordRule, expected: dict[int, float]) -> None:
    assert one_word(scores, of) == expected


@pytest.mark.parametrize(("patience_frames", "window_frames"), [(0, 1), (3, 2)])
def test_a_rule_that_makes_no_sense_is_refused(patience_frames: int, window_frames: int) -> None:
    with pytest.raises(ValueError, match="can never be reached"):
        replace(RULE, patience_frames=patience_frames, window_frames=window_frames)


def test_every_word_has_a_score() -> None:
    with pytest.raises(ValueError, match="zip"):
        Detection({"jarvis": RULE}).feed(Heard([0.1, 0.2], FRAME))


TWO = {"talk": RULE, "stop": RULE}
QUIET = [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("rows", "rules", "expected"),
    [
        pytest.param([(0.6, 0.8)], TWO, {0: "stop"}, id="the higher one wins"),
        pytest.param([(0.8, 0.6)], TWO, {0: "talk"}, id="in either order"),
        pytest.param([(0.6, 0.8), (0.9, 0.8)], TWO, {0: "stop"}, id="and the other is not reported later"),
        pytest.param([(0.8, 0), (0, 0.9)], TWO, {0: "talk"}, id="another word so soon is the same utterance"),
        pytest.param([(0.8, 0), *[(0, 0.9)] * 12], TWO, {0: "talk"}, id="nor later in its stretch"),
        pytest.param([(0.8, 0), *QUIET * 5, (0, 0.9)], TWO, {0: "talk"}, id="up to half a second"),
        pytest.param([(0.8, 0), *QUIET * 6, (0, 0.9)], TWO, {0: "talk", 7: "stop"}, id="stop after the activation"),
        pytest.param(
            [(0.8, 0.6), *QUIET * 8, (0, 0.9), *QUIET * 10, (0, 0.9)],
            {name: rule(1, 1, 12) for name in TWO},
            {0: "talk", 20: "stop"},
            id="the refractory of both begins",
        ),
        pytest.param(
            [(0.8, 0), *QUIET * 8, (0.9, 0.8)],
            {name: rule(1, 1, 12) for name in TWO},
            {0: "talk", 9: "stop"},
            id="the refractory is of one word",
        ),
    ],
)
def test_several_words(
    rows: list[tuple[float, float]], rules: Mapping[str, WordRule], expected: dict[int, str]
) -> None:
    assert {number: detected.word for number, detected in fed(Detection(rules), rows).items()} == expected


@pytest.mark.parametrize(("frames_since_voice", "detections"), [(0, 1), (7, 1), (8, 0), (20, 0)], ids=str)
def test_a_detection_needs_a_voice_shortly_before(frames_since_voice: int, detections: int) -> None:
    detection = Detection({"jarvis": RULE})
    voice_frame = 30
    found = []
    for number in range(voice_frame + frames_since_voice + 1):
        score = 0.9 if number == voice_frame + frames_since_voice else 0
        found.append(detection.feed(Heard([score], number * FRAME, is_voice=number == voice_frame)))
    assert len([detected for detected in found if detected]) == detections
    assert VOICE_SAMPLES == 8 * FRAME


def test_without_any_voice_nothing_is_detected_and_the_stretch_waits_for_it() -> None:
    detection = Detection({"jarvis": RULE})
    assert not any(detection.feed(Heard([0.9], number * FRAME, is_voice=False)) for number in range(1, 20))
    assert detection.feed(Heard([0.8], 20 * FRAME)) == Detected("jarvis", 0.9, 20 * FRAME)


@pytest.mark.parametrize(
    ("far_score", "lag_frames", "is_night", "suppressed"),
    [
        pytest.param(0.9, 0, False, 1, id="our own player said it"),
        pytest.param(0.9, 15, False, 1, id="1.2 s before"),
        pytest.param(0.9, 16, False, 0, id="long before"),
        pytest.param(0.25, 3, False, 1, id="half of the threshold"),
        pytest.param(0.249, 3, False, 0, id="it said something else"),
        pytest.param(0.34, 3, True, 0, id="by night it is half of the night's threshold"),
        pytest.param(0.35, 3, True, 1, id="by night"),
        pytest.param(NAN, 3, False, 0, id="not a number"),
    ],
)
def test_our_own_loudspeaker_wakes_nobody(far_score: float, lag_frames: int, is_night: bool, suppressed: int) -> None:
    detection = Detection({"jarvis": RULE})
    found = []
    for number in range(lag_frames + 1):
        far_scores = [far_score if number == 0 else 0.0]
        score = 0.8 if number == lag_frames else 0.0
        found.append(detection.feed(Heard([score], (number + 1) * FRAME, is_night, far_scores=far_scores)))
    assert detection.suppressed == suppressed
    assert len([detected for detected in found if detected]) == 1 - suppressed
    assert ECHO_SAMPLES == 15 * FRAME


def test_an_echo_is_counted_once_and_the_user_may_speak_after_it() -> None:
    detection = Detection({"jarvis": replace(RULE, refractory_samples=10 * SECOND)})
    for number in range(1, 31):
        assert detection.feed(Heard([0.9], number * FRAME, far_scores=[0.9 if number == 1 else 0])) is None
    for number in range(31, 34):
        assert detection.feed(Heard([0.0], number * FRAME)) is None
    assert detection.feed(Heard([0.7], 34 * FRAME)) == Detected("jarvis", 0.7, 34 * FRAME)
    assert detection.suppressed == 1


def test_our_own_word_does_not_hide_another_one() -> None:
    detection = Detection(TWO)
    assert detection.feed(Heard([0.9, 0.6], FRAME, far_scores=[0.9, 0])) == Detected("stop", 0.6, FRAME)
    assert detection.suppressed == 1


@pytest.mark.parametrize(
    ("night_threshold", "is_night", "expected"), [(0.7, False, 0.5), (0.7, True, 0.7), (0.0, True, 0.5)]
)
def test_the_night_has_a_threshold_of_its_own(night_threshold: float, is_night: bool, expected: float) -> None:
    detection = Detection({"jarvis": replace(RULE, night_threshold=night_threshold)})
    assert detection.thresholds(is_night) == {"jarvis": expected}
    assert detection.feed(Heard([expected - 0.01], FRAME, is_night)) is None
    assert detection.feed(Heard([expected], 2 * FRAME, is_night)) is not None


@pytest.mark.parametrize(
    ("is_night", "expected"), [(False, 0.5 * OVER_PLAYOUT_SHARE), (True, 0.7 * OVER_PLAYOUT_SHARE)]
)
def test_over_our_own_sound_a_share_of_the_threshold_is_enough(is_night: bool, expected: float) -> None:
    detection = Detection({"jarvis": RULE})
    assert detection.feed(Heard([expected - 0.01], FRAME, is_night, is_over_playout=True)) is None
    assert detection.feed(Heard([expected], 2 * FRAME, is_night)) is None
    assert detection.feed(Heard([expected], 3 * FRAME, is_night, is_over_playout=True)) is not None


def test_a_word_that_our_own_sound_says_over_itself_wakes_nobody() -> None:
    detection = Detection({"jarvis": RULE})
    heard = Heard([0.4], FRAME, is_over_playout=True, far_scores=[0.3])
    assert detection.feed(heard) is None
    assert detection.suppressed == 1


ADAPTIVE = replace(RULE, adaptive_range=0.2)


def test_activations_in_vain_raise_the_threshold_of_their_word_by_day_and_night() -> None:
    detection = Detection({"talk": ADAPTIVE, "stop": ADAPTIVE})
    detection.judge("talk", was_wanted=False, sample=FRAME)
    detection.judge("gone", was_wanted=False, sample=FRAME)
    assert detection.thresholds(is_night=False) == pytest.approx({"talk": 0.55, "stop": 0.5})
    assert detection.thresholds(is_night=True) == pytest.approx({"talk": 0.75, "stop": 0.7})
    assert detection.feed(Heard([0.54, 0], FRAME)) is None
    assert detection.feed(Heard([0.56, 0], 2 * FRAME)) is not None


def test_a_word_that_had_to_be_repeated_is_heard_more_easily() -> None:
    detection = Detection({"jarvis": ADAPTIVE})
    rows = [[0.0]] * 5 + [[0.45]] * 3 + [[0.0]] * 20 + [[0.9]]
    ((number, detected),) = fed(detection, rows).items()
    detection.judge("jarvis", was_wanted=True, sample=detected.sample)
    assert number == 28
    assert detection.thresholds(is_night=False)["jarvis"] == pytest.approx(0.45)


def test_peaks_in_the_refractory_are_no_near_misses() -> None:
    detection = Detection({"jarvis": replace(ADAPTIVE, refractory_samples=SECOND)})
    rows = [[0.9], [0.0], [0.0], [0.45], [0.0], [0.0], *[[0.0]] * 20, [0.9]]
    last = fed(detection, rows)[26]
    detection.judge("jarvis", was_wanted=True, sample=last.sample)
    assert detection.thresholds(is_night=False) == {"jarvis": 0.5}


def test_reset_forgets_all_but_what_was_learned() -> None:
    detection = Detection({"jarvis": replace(ADAPTIVE, patience_frames=2, window_frames=2, refractory_samples=SECOND)})
    late = 5000 * FRAME
    detection.feed(Heard([0.9], late, far_scores=[0.9]))
    detection.reset()
    assert detection.feed(Heard([0.8], FRAME)) is None  # half a patience is forgotten, and so is what we played
    assert detection.feed(Heard([0.7], 2 * FRAME)) == Detected("jarvis", 0.8, 2 * FRAME)
    detection.judge("jarvis", was_wanted=False, sample=2 * FRAME)
    detection.reset()
    assert detection.thresholds(is_night=False)["jarvis"] == pytest.approx(0.55)
    detection.feed(Heard([0.8], FRAME))
    assert detection.feed(Heard([0.7], 2 * FRAME)) == Detected("jarvis", 0.8, 2 * FRAME)
    detection.reset()
    assert detection.feed(Heard([0.9], FRAME, is_voice=False)) is None
    assert detection.feed(Heard([0.9], 2 * FRAME, is_voice=False)) is None


def test_changed_rules_hold_from_the_next_frame_and_known_words_go_on() -> None:
    detection = Detection({"talk": replace(ADAPTIVE, refractory_samples=5 * SECOND), "gone": ADAPTIVE})
    assert detection.feed(Heard([0.9, 0], FRAME)) == Detected("talk", 0.9, FRAME)
    detection.judge("talk", was_wanted=False, sample=FRAME)
    detection.change({"new": replace(RULE, threshold=0.3), "talk": replace(ADAPTIVE, threshold=0.6)})
    assert detection.thresholds(is_night=False) == pytest.approx({"new": 0.3, "talk": 0.65})
    rows: dict[int, list[float]] = {2: [0, 0.9], 10: [0, 0], 11: [0, 0], 12: [0, 0.9], 13: [0.3, 0], 80: [0, 0.9]}
    found = {number: detection.feed(Heard(row, number * FRAME)) for number, row in rows.items()}
    assert {number: detected.word for number, detected in found.items() if detected} == {13: "new", 80: "talk"}


SCORE = st.sampled_from([0.0, 0.3, 0.49, 0.5, 0.7, 1.0, NAN])
SCORES = st.lists(SCORE, max_size=60)
ROWS = st.lists(st.tuples(SCORE, SCORE), max_size=60)
RULES = st.builds(
    lambda patience, more, refractory: rule(patience, patience + more, refractory),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 12),
)


def stretches(scores: Sequence[float], threshold: float, window_frames: int) -> list[tuple[int, int]]:
    """First and last hit of each stretch."""
    hits = [number for number, score in enumerate(scores) if score >= threshold]
    breaks = [0, *(at for at, (a, b) in enumerate(pairwise(hits), 1) if b - a > max(2, window_frames)), len(hits)]
    return [(hits[first], hits[after - 1]) for first, after in pairwise(breaks) if after > first]


@given(SCORES, RULES)
def test_laws_of_one_word(scores: list[float], of: WordRule) -> None:
    numbers = list(one_word(scores, of))
    assert all((b - a) * FRAME >= of.refractory_samples for a, b in pairwise(numbers))
    for number in numbers:
        window = scores[max(0, number + 1 - of.window_frames) : number + 1]
        assert sum(score >= of.threshold for score in window) >= of.patience_frames
    ends = [last + of.window_frames for _, last in stretches(scores, of.threshold, of.window_frames)]
    of_stretch = [next(at for at, end in enumerate(ends) if number < end) for number in numbers]
    assert len(set(of_stretch)) == len(numbers)


@given(SCORES, st.integers(1, 4), st.integers(0, 3))
def test_without_refractory_every_stretch_that_is_ready_is_found_at_once(
    scores: list[float], patience_frames: int, more_frames: int
) -> None:
    of = rule(patience_frames, patience_frames + more_frames)
    expected = []
    for first, last in stretches(scores, of.threshold, of.window_frames):
        for number in range(first, last + 1):
            window = scores[max(0, number + 1 - of.window_frames) : number + 1]
            if sum(score >= of.threshold for score in window) >= patience_frames:
                expected.append(number)
                break
    assert list(one_word(scores, of)) == expected


@given(SCORES, st.sampled_from([0.3, 0.49, 0.5]), st.sampled_from([0.5, 0.7, 1.0]))
def test_a_higher_threshold_detects_in_no_more_stretches(scores: list[float], low: float, high: float) -> None:
    """It may split one stretch in two, but hears nothing where the lower one hears nothing."""
    lower = stretches(scores, low, 1)
    at_low, at_high = (one_word(scores, replace(RULE, threshold=threshold)) for threshold in (low, high))
    assert list(at_low) == [first for first, _ in lower]
    assert all(any(first <= number <= last for first, last in lower) for number in at_high)


@given(ROWS, RULES, RULES)
def test_laws_of_two_words(rows: list[tuple[float, float]], talk: WordRule, stop: WordRule) -> None:
    rules = {"talk": talk, "stop": stop}
    found = fed(Detection(rules), rows)
    for (a, first), (b, second) in pairwise(found.items()):
        assert first.word == second.word or (b - a) * FRAME >= SECOND // 2
    for column, (word, of) in enumerate(rules.items()):
        numbers = [number for number, detected in found.items() if detected.word == word]
        assert all((b - a) * FRAME >= of.refractory_samples for a, b in pairwise(numbers))
        alone = one_word([row[column] for row in rows], of)
        assert len(numbers) <= len(stretches([row[column] for row in rows], of.threshold, of.window_frames))
        assert not numbers or min(numbers) >= min(alone)


@given(ROWS, ROWS, RULES, RULES)
def test_after_reset_all_is_as_at_first(
    before: list[tuple[float, float]], after: list[tuple[float, float]], talk: WordRule, stop: WordRule
) -> None:
    detection = Detection({"talk": talk, "stop": stop})
    fed(detection, before)
    detection.reset()
    assert fed(detection, after) == fed(Detection({"talk": talk, "stop": stop}), after)
