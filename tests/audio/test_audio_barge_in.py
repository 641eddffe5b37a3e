"""Who speaks over our own sound, on made frames of 10 ms: what is told, and after how many."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.barge_in import BargeIn, Talker

ECHO_DBFS = -25.0
LEFT_DBFS = -60.0
"""What the canceller leaves of the echo."""


class Frame(NamedTuple):
    """What is known of 10 ms."""

    near_dbfs: float
    clean_dbfs: float
    is_voice: bool


FRAMES = {
    ".": Frame(ECHO_DBFS, LEFT_DBFS, False),  # the echo, and what is left of it
    "V": Frame(ECHO_DBFS, -32.0, True),  # a talker
    "n": Frame(ECHO_DBFS, -32.0, False),  # as loud, but no voice: something fell down
    "v": Frame(ECHO_DBFS, LEFT_DBFS, True),  # the detector takes the rest of the echo for a voice
    "s": Frame(ECHO_DBFS, -52.0, True),  # a voice more than 26 dB below the echo
}
HINTED, HEARD, NONE = Talker.HINTED, Talker.HEARD, Talker.NONE


def feed(barge_in: BargeIn, frame: Frame) -> Talker | None:
    return barge_in.feed(frame.near_dbfs, frame.clean_dbfs, lambda: frame.is_voice)


def told(barge_in: BargeIn, frames: str) -> dict[int, Talker]:
    """What was learnt, by the number of the frame from 1 on."""
    found = {number: feed(barge_in, FRAMES[frame]) for number, frame in enumerate(frames, 1)}
    return {number: talker for number, talker in found.items() if talker is not None}


@pytest.mark.parametrize(("letter", "asked"), [(".", 0), ("v", 0), ("s", 0), ("V", 20), ("n", 20)])
def test_the_voice_detector_is_asked_only_of_frames_that_may_hold_a_talker(letter: str, asked: int) -> None:
    barge_in, questions, frame = BargeIn(), list[Frame](), FRAMES[letter]

    def is_voice() -> bool:
        questions.append(frame)
        return frame.is_voice

    for _ in range(20):
        barge_in.feed(frame.near_dbfs, frame.clean_dbfs, is_voice)
    assert len(questions) == asked


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param("." * 60, {}, id="only our echo"),
        pytest.param("v" * 60, {}, id="a rest of the echo that sounds like a voice"),
        pytest.param("s" * 60, {}, id="far below the echo"),
        pytest.param("V" + "." * 60, {}, id="a single loud frame"),
        pytest.param("VV" + "." * 60, {}, id="two"),
        pytest.param(("V" + "." * 6) * 12, {}, id="single loud frames again and again"),
        pytest.param("VVV" + "." * 60, {3: HINTED, 43: NONE}, id="30 ms are a hint, and it is over after 400 ms"),
        pytest.param("V.V..V" + "." * 50, {6: HINTED, 46: NONE}, id="three of six frames are a hint"),
        pytest.param("V..V..V" + "." * 50, {}, id="three of seven are not"),
        pytest.param("V" * 20, {3: HINTED, 5: HEARD}, id="50 ms are heard"),
        pytest.param("VV.VV.V", {4: HINTED, 7: HEARD}, id="five of eight frames"),
        pytest.param("VV..VV..V" + "." * 60, {5: HINTED, 49: NONE}, id="five of nine are not"),
        pytest.param("n" * 60, {3: HINTED}, id="a noise is no more than a hint, but goes on"),
        pytest.param("nnnn" + "." * 60, {3: HINTED, 44: NONE}, id="a noise that ends"),
        pytest.param("nnnV" + "." * 60, {3: HINTED, 44: NONE}, id="one voiced frame may be a mistake"),
        pytest.param("nnnnV" + "." * 60, {3: HINTED, 45: NONE}, id="also in a longer noise"),
        pytest.param("nnnVV", {3: HINTED, 5: HEARD}, id="two are a voice"),
        pytest.param("VVVVV" + "." * 39 + "V" + "." * 41, {3: HINTED, 5: HEARD, 85: NONE}, id="a breath is no end"),
        pytest.param("VVVVV" + "." * 45 + "VVVVV", {3: HINTED, 5: HEARD, 45: NONE, 53: HINTED, 55: HEARD}, id="twice"),
    ],
)
def test_a_talker(frames: str, expected: dict[int, Talker]) -> None:
    barge_in = BargeIn()
    assert told(barge_in, frames) == expected
    assert barge_in.talker is (list(expected.values()) or [NONE])[-1]


@pytest.mark.parametrize(
    ("frames", "is_loud"),
    [("", False), ("VV", False), ("VVV", True), ("VVV...", True), ("VVV....", False), ("V" * 9, True), ("nnn", True)],
)
def test_loudness_is_known_at_once_and_soon_forgotten(frames: str, is_loud: bool) -> None:
    barge_in = BargeIn()
    told(barge_in, frames)
    assert barge_in.is_loud is is_loud


@pytest.mark.parametrize(
    ("frames", "may_begin"),
    [("", False), (".v", False), ("V", True), ("n.....", True), ("V......", False), ("VVV......", True)],
)
def test_a_talker_may_begin_with_one_loud_frame(frames: str, may_begin: bool) -> None:
    barge_in = BargeIn()
    told(barge_in, frames)
    assert barge_in.may_begin is may_begin


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param("V" * 29, {}, id="for 300 ms nothing is believed"),
        pytest.param("V" * 40, {33: HINTED, 35: HEARD}, id="who still speaks then is heard"),
        pytest.param("." * 30 + "VVVVV", {33: HINTED, 35: HEARD}, id="after it all is as before"),
    ],
)
def test_after_lost_samples_it_is_deaf_for_a_while(frames: str, expected: dict[int, Talker]) -> None:
    barge_in = BargeIn()
    barge_in.samples_lost()
    assert told(barge_in, frames) == expected


def test_lost_samples_again_and_again_begin_the_wait_anew() -> None:
    barge_in = BargeIn()
    for _ in range(5):
        barge_in.samples_lost()
        assert told(barge_in, "V" * 25) == {}
    assert told(barge_in, "V" * 9) == {8: HINTED}


def test_a_talker_who_was_heard_stays_heard_over_lost_samples() -> None:
    barge_in = BargeIn()
    told(barge_in, "VVVVV")
    barge_in.samples_lost()
    assert told(barge_in, "V" * 60) == {}
    assert barge_in.talker is HEARD


@pytest.mark.parametrize(
    ("frames", "ended"), [("." * 20, None), ("VV", None), ("VVV", NONE), ("V" * 9, NONE), ("VVV" + "." * 50, None)]
)
def test_when_our_own_sound_ends_a_talker_is_gone(frames: str, ended: Talker | None) -> None:
    barge_in = BargeIn()
    told(barge_in, frames)
    assert barge_in.end() is ended
    assert (barge_in.talker, barge_in.is_loud, barge_in.end()) == (NONE, False, None)
    assert told(barge_in, "VVVVV") == {3: HINTED, 5: HEARD}, "nothing of before counts"


@pytest.mark.parametrize(
    ("echo_dbfs", "clean_dbfs", "is_heard"),
    [
        (-25, -40, True),
        (-25, -42, False),
        (-15, -30, True),
        (-15, -32, False),  # a louder echo leaves more
        (-60, -54, True),
        (-60, -56, False),  # nobody speaks so softly
    ],
)
def test_how_loud_a_talker_must_be_follows_the_echo(echo_dbfs: float, clean_dbfs: float, is_heard: bool) -> None:
    barge_in = BargeIn()
    for _ in range(20):
        feed(barge_in, Frame(echo_dbfs, -75.0, False))
    for _ in range(10):
        feed(barge_in, Frame(echo_dbfs, clean_dbfs, True))
    assert (barge_in.talker is HEARD) is is_heard


def test_a_loud_echo_is_remembered_through_a_pause_and_then_forgotten() -> None:
    """What is left of its reverberation comes later than itself."""
    barge_in = BargeIn()
    for _ in range(10):
        feed(barge_in, Frame(ECHO_DBFS, -75.0, False))
    soft = Frame(-60.0, -53.0, True)  # 28 dB below the echo that was
    assert [feed(barge_in, soft) for _ in range(30)] == [None] * 30
    for _ in range(100):
        feed(barge_in, Frame(-60.0, -75.0, False))
    assert [talker for talker in (feed(barge_in, soft) for _ in range(8)) if talker] == [HINTED, HEARD]


def test_a_fan_that_the_canceller_cannot_know_becomes_the_floor() -> None:
    """A hint at most, while it is new."""
    barge_in = BargeIn()
    fan = Frame(-30.0, -42.0, False)
    for _ in range(1500):
        feed(barge_in, fan)
    assert barge_in.talker is NONE
    assert [feed(barge_in, Frame(-30.0, -35.0, True)) for _ in range(8)] == [None] * 8, "within 12 dB of the floor"
    assert HEARD in [feed(barge_in, Frame(-22.0, -25.0, True)) for _ in range(8)]


LETTERS = st.text(alphabet=sorted(FRAMES), max_size=150)


@given(frames=LETTERS, losses=st.sets(st.integers(0, 150), max_size=3))
def test_changes_are_told_once_and_heard_is_never_taken_back_to_a_hint(frames: str, losses: set[int]) -> None:
    barge_in = BargeIn()
    known = NONE
    for number, letter in enumerate(frames):
        if number in losses:
            barge_in.samples_lost()
        before, changed = known, feed(barge_in, FRAMES[letter])
        assert changed is not before
        known = changed or before
        assert barge_in.talker is known
        assert (before, known) != (HEARD, HINTED)


@given(frames=LETTERS)
def test_without_three_loud_frames_within_six_nothing_is_told(frames: str) -> None:
    sparse = "".join(letter if number % 3 == 0 else "." for number, letter in enumerate(frames))
    assert told(BargeIn(), sparse) == {}


@given(frames=LETTERS)
def test_a_voice_is_heard_only_where_frames_are_voiced(frames: str) -> None:
    assert HEARD not in told(BargeIn(), frames.replace("V", "n")).values()
