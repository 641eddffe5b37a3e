"""What the owner is told after saying the wake word some times."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speakerd.wakeword.advice import LOWEST_THRESHOLD, Samples, Trial, advice

ALARMS = (
    "a low threshold brings false alarms (hey_jarvis, in an hour of other people's speech: 2.24 at 0.3, 0.24 at 0.5)"
)
GOOD = (0.99, 0.98, 0.97, 0.62)


@pytest.mark.parametrize(
    ("trial", "threshold", "sentences"),
    [
        (
            Trial(0.5, GOOD, 0.04, -20),
            0.5,
            ["Heard 4 of 4 at 0.5; the lowest was 0.62, the room alone never exceeded 0.04: 0.5 is right."],
        ),
        (
            Trial(0.5, (*GOOD, 0.41), 0.04, -20),
            0.35,
            [
                "Heard 4 of 5 at 0.5; the lowest was 0.41, the room alone never exceeded 0.04: "
                f"lower the threshold to 0.35; mind that {ALARMS}."
            ],
        ),
        (
            Trial(0.5, (*GOOD, 0.01, 0.02), 0.04, -20),
            0.5,
            [
                "Heard 4 of 6 at 0.5; the lowest was 0.62, the room alone never exceeded 0.04: 0.5 is right.",
                "2 of the 6 were not heard at all: speak closer, or choose another word.",
            ],
        ),
        (
            Trial(0.5, (0.9, 0.2), 0.04, -20),
            0.3,
            [
                "Heard 1 of 2 at 0.5; the lowest was 0.20, the room alone never exceeded 0.04: "
                f"lower the threshold to 0.3; the weakest is missed even then; mind that {ALARMS}."
            ],
        ),
        (
            Trial(0.25, (0.9, 0.2), 0.04, -20),
            0.25,
            [
                "Heard 1 of 2 at 0.25; the lowest was 0.20, the room alone never exceeded 0.04: "
                f"do not go lower, {ALARMS}; speak closer, or choose another word."
            ],
        ),
        (
            Trial(0.25, (0.9, 0.4), 0.04, -20),
            0.25,
            [
                "Heard 2 of 2 at 0.25; the lowest was 0.40, the room alone never exceeded 0.04: "
                f"0.25 is right, but {ALARMS}."
            ],
        ),
        (
            Trial(0.3, (0.9, 0.8), 0.04, -20),
            0.5,
            [
                "Heard 2 of 2 at 0.3; the lowest was 0.80, the room alone never exceeded 0.04: "
                "raise the threshold to 0.5."
            ],
        ),
        (
            Trial(0.5, (0.9, 0.95), 0.6, -20),
            0.75,
            [
                "Heard 2 of 2 at 0.5; the lowest was 0.90, the room alone never exceeded 0.60: "
                "raise the threshold to 0.75."
            ],
        ),
        (
            Trial(0.5, (0.52, 0.95), 0.45, -20),
            0.5,
            [
                "Heard 2 of 2 at 0.5; the lowest was 0.52, the room alone never exceeded 0.45: "
                "0.5 is as good as it gets."
            ],
        ),
        (
            Trial(0.5, (0.42, 0.95), 0.41, -20),
            0.5,
            [
                "Heard 1 of 2 at 0.5; the lowest was 0.42, the room alone never exceeded 0.41: "
                "a lower threshold would take the room for the word, so leave it at 0.5."
            ],
        ),
        (
            Trial(0.5, (0.6, 0.9), 0.7, -20),
            0.5,
            [
                "Heard 2 of 2 at 0.5; the lowest was 0.60, the room alone never exceeded 0.70: "
                "no threshold tells it from the room; make the room quieter, or choose another word."
            ],
        ),
        (
            Trial(0.5, (0.02,), 0.0, -62),
            0.5,
            [
                "The microphone is too quiet: -62 dBFS peak; raise its level with alsamixer, or speak closer, "
                "and test again.",
                "Heard 0 of 1 at 0.5: no threshold helps.",
                "1 of the 1 was not heard at all: speak closer, or choose another word.",
            ],
        ),
        (Trial(0.5, (), 0.0, -30), 0.5, ["The wake word was not said: nothing was heard."]),
    ],
)
def test_what_is_told(trial: Trial, threshold: float, sentences: list[str]) -> None:
    told = advice(trial)
    assert (told.threshold, list(told.sentences)) == (threshold, sentences)


def test_a_quiet_microphone_that_hears_every_sample_is_left_alone_and_an_overdriven_one_is_not() -> None:
    assert "microphone" not in advice(Trial(0.5, GOOD, 0.0, -60)).sentences[0]
    assert advice(Trial(0.5, GOOD, 0.0, 0.0)).sentences[0] == (
        "The microphone is overdriven: lower its level with alsamixer, and test again."
    )


SCORES = st.floats(0, 1)


@example(Trial(0.5, (0.640625,), 0.625, 0.0))
@given(st.builds(Trial, st.floats(0.01, 1), st.lists(SCORES, max_size=12).map(tuple), SCORES, st.floats(-100, 0)))
def test_advice_never_loses_a_sample_and_never_goes_low_without_a_warning(trial: Trial) -> None:
    told = advice(trial)
    text = " ".join(told.sentences)
    assert all(sentence.endswith(".") for sentence in told.sentences)
    assert {s for s in trial.sample_scores if s >= trial.threshold} <= {
        s for s in trial.sample_scores if s >= told.threshold
    }
    if told.threshold != trial.threshold:
        assert trial.pause_score < told.threshold <= 1
        assert f"the threshold to {told.threshold:.2f}".removesuffix("0") in text
        assert told.threshold >= LOWEST_THRESHOLD or "false alarms" in text
    if told.threshold < trial.threshold:
        assert told.threshold >= LOWEST_THRESHOLD
        assert "false alarms" in text


def _fed(samples: Samples, *stretches: tuple[int, float, float]) -> list[float]:
    """The samples in stretches of (frames, score, dBFS)."""
    ended = [samples.feed(score, level) for frames, score, level in stretches for _ in range(frames)]
    return [best for best in ended if best is not None]


QUIET = (25, 0.02, -60.0)


@pytest.mark.parametrize(
    ("stretches", "samples", "pause_score"),
    [
        ([QUIET, (8, 0.9, -20), QUIET, (8, 0.05, -20), QUIET], [0.9, 0.05], 0.02),
        ([QUIET, (4, 0.1, -20), (5, 0.1, -60), (2, 0.8, -60), QUIET], [0.8], 0.02),  # the score comes after the word
        ([QUIET, (1, 0.0, -10), QUIET], [], 0.02),  # a knock
        ([QUIET, (60, 0.2, -20), QUIET], [], 0.2),  # a talk
        ([QUIET, (30, 0.1, -20), (3, 0.7, -20), (30, 0.1, -20), QUIET], [0.7], 0.02),  # the word amid a talk
        ([QUIET, (2, 0.9, -60), QUIET], [0.9], 0.02),  # very quiet, and yet heard
        ([(400, 0.03, -100.0), (9, 0.9, -40), QUIET], [0.9], 0.03),
    ],
)
def test_a_sample_is_a_short_loud_stretch_or_one_that_scores(
    stretches: list[tuple[int, float, float]], samples: list[float], pause_score: float
) -> None:
    finder = Samples()
    assert _fed(finder, *stretches) == samples
    assert finder.pause_score == pause_score


def test_a_fan_becomes_silence_and_words_are_found_above_it() -> None:
    finder = Samples()
    assert _fed(finder, QUIET, (700, 0.04, -35.0), (8, 0.9, -12.0), (12, 0.02, -35.0)) == [0.9]
    assert finder.pause_score == 0.04


def test_what_goes_on_at_the_end_counts() -> None:
    finder = Samples()
    assert _fed(finder, QUIET, (8, 0.9, -20)) == []
    assert finder.end() == 0.9
    assert finder.end() is None
