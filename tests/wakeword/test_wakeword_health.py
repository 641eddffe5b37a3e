"""What a broken microphone sends is complained of, in time and once; what a good one sends never is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ
from speakerd.wakeword.health import Complaint, HearingHealth, Kind

FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE_HZ
HOUR = 3600.0

Sound = Callable[[int], NDArray[np.int16]]
"""The frame of a number."""
Told = list[tuple[float, Kind]]
"""(Seconds, kind) of each complaint."""


def constant(value: int) -> Sound:
    frame = np.full(FRAME_SAMPLES, value, np.int16)
    return lambda _: frame


def noise(level: float, centre: float = 0.0) -> Sound:
    """Gaussian noise with a standard deviation and a mean in steps of int16; clipped."""
    generator = np.random.default_rng(4)
    frames = [
        np.clip(np.rint(generator.normal(centre, level, FRAME_SAMPLES)), -32768, 32767).astype(np.int16)
        for _ in range(16)
    ]
    return lambda number: frames[number % len(frames)]


def sine(peak: float, hz: float = 300.0) -> Sound:
    """A tone; clipped where it is higher than full scale."""
    times = np.arange(FRAME_SAMPLES) / SAMPLE_RATE_HZ
    frame = np.clip(np.rint(peak * np.sin(2 * np.pi * hz * times)), -32767, 32767).astype(np.int16)
    return lambda _: frame


def one_sample_moves(number: int) -> NDArray[np.int16]:
    frame = np.zeros(FRAME_SAMPLES, np.int16)
    frame[number % FRAME_SAMPLES] = 1
    return frame


def impulses(each: int) -> Sound:
    """Every so many samples one at full scale, in quiet noise."""
    quiet = noise(20)

    def frame(number: int) -> NDArray[np.int16]:
        samples = quiet(number).copy()
        samples[::each] = -32768
        return samples

    return frame


def steady(seconds: float, frames_hz: float = 12.5, since: float = 0.0) -> Iterator[float]:
    """When frames arrive."""
    return (since + number / frames_hz for number in range(round(seconds * frames_hz)))


def told(sound: Sound, times: Iterator[float], health: HearingHealth | None = None) -> Told:
    health = health or HearingHealth()
    complaints = ((now, health.feed(sound(number), now)) for number, now in enumerate(times))
    return [(now, complaint.kind) for now, complaint in complaints if complaint]


@pytest.mark.parametrize(
    ("sound", "kind", "earliest", "latest"),
    [
        (constant(0), Kind.DEAD, 4.9, 5.1),
        (constant(-1), Kind.DEAD, 4.9, 5.1),
        (constant(12_000), Kind.DEAD, 4.9, 5.1),
        (constant(32_767), Kind.DEAD, 4.9, 5.1),
        (constant(-32_768), Kind.DEAD, 4.9, 5.1),
        (noise(30_000), Kind.CLIPPING, 9.9, 10.1),
        (sine(36_000), Kind.CLIPPING, 9.9, 10.1),
        (impulses(95), Kind.CLIPPING, 9.9, 10.1),
        (noise(300, centre=4000), Kind.DC_OFFSET, 9.9, 10.1),
        (noise(3, centre=-3400), Kind.DC_OFFSET, 9.9, 10.1),
    ],
)
def test_a_fault_is_told_once_within_the_hour(sound: Sound, kind: Kind, earliest: float, latest: float) -> None:
    [(now, complained)] = told(sound, steady(600))
    assert complained is kind
    assert earliest <= now <= latest


@pytest.mark.parametrize(
    "sound",
    [
        noise(3.3),
        noise(0.6),
        one_sample_moves,
        noise(300),
        noise(6000),
        sine(32_700),
        impulses(110),
        noise(300, centre=3100),
        noise(300, centre=-3100),
    ],
    ids=[
        "a quiet room: -80 dBFS",
        "a quiet room on a good card: one step up or down",
        "a room so quiet that one bit moves",
        "a room",
        "loud speech",
        "a tone just under full scale",
        "now and then a sample at full scale",
        "off centre, but little",
        "off centre the other way",
    ],
)
def test_a_microphone_that_works_is_not_complained_of(sound: Sound) -> None:
    assert told(sound, steady(120)) == []


def test_a_microphone_comes_back_and_dies_again() -> None:
    health = HearingHealth()
    assert told(noise(300), steady(20), health) == []
    assert [kind for _, kind in told(constant(0), steady(60, since=20), health)] == [Kind.DEAD]
    assert told(noise(300), steady(4, since=80), health) == [(80, Kind.BACK)]
    assert told(constant(0), steady(4.8, since=84), health) == [], "a noise gate may close for a moment"
    assert told(noise(300), steady(4, since=89), health) == []
    assert [kind for _, kind in told(constant(7), steady(11, since=93), health)] == [Kind.DEAD]


def test_a_microphone_that_always_comes_back_is_given_more_time_for_an_hour() -> None:
    """A speakerphone that sends zeros while nobody speaks: 12 s of zeros, 2 s of sound, again and again."""
    health = HearingHealth()
    now, story = 0.0, list[tuple[float, Kind]]()
    for _ in range(4):
        story += told(constant(0), steady(12, since=now), health)
        story += told(noise(300), steady(2, since=now + 12), health)
        now += 14
    assert [kind for _, kind in story] == [Kind.DEAD, Kind.BACK, Kind.DEAD, Kind.BACK], "5 s, 10 s, and then 20 s"
    told(noise(300), steady(1, since=now + HOUR), health)
    assert [kind for _, kind in told(constant(0), steady(6, since=now + HOUR + 1), health)] == [Kind.DEAD]


def test_what_lasts_is_told_again_after_an_hour() -> None:
    times = [now for now, kind in told(noise(30_000), steady(2.1 * HOUR)) if kind is Kind.CLIPPING]
    assert len(times) == 3
    assert all(HOUR <= later - sooner < HOUR + 1 for sooner, later in pairwise(times))


def test_two_faults_at_once_are_both_told() -> None:
    assert {kind for _, kind in told(noise(20_000, centre=20_000), steady(60))} == {Kind.CLIPPING, Kind.DC_OFFSET}


@pytest.mark.parametrize("frames_hz", [37.5, 34.5, 14.0, 11.0, 6.25, 4.2])
def test_a_wrong_rate_is_told_once(frames_hz: float) -> None:
    [(now, kind)] = told(noise(300), steady(300, frames_hz))
    assert kind is Kind.WRONG_RATE
    assert 10 <= now <= max(13, 130 / frames_hz), "five stretches of 25 frames and at least 10 s"


def burst(seconds: float) -> Iterator[float]:
    """So much sound at once, and then as it should be."""
    yield from (0.0 for _ in range(round(seconds * 12.5)))
    yield from steady(60)


def stalls(seconds: float, each: float, *, made_up: bool) -> Iterator[float]:
    """Now and then nothing for a while, after which what was held back comes at once, or is lost."""
    for now in steady(120):
        stalled = now % each < seconds
        if made_up:
            yield now - now % each + seconds if stalled else now
        elif not stalled:
            yield now


def in_blocks(seconds: float) -> Iterator[float]:
    """A card that delivers large blocks."""
    return (now - now % seconds for now in steady(120))


@pytest.mark.parametrize(
    "times",
    [
        steady(120),
        steady(120, 12.5 * 1.088),
        steady(120, 12.5 / 1.088),
        burst(1),
        burst(3),
        stalls(1, 60, made_up=True),
        stalls(1, 60, made_up=False),
        stalls(8, 60, made_up=True),
        in_blocks(0.5),
    ],
    ids=[
        "as it should be",
        "44.1 kHz taken for 48",
        "48 kHz taken for 44.1",
        "a burst at the start",
        "a long burst at the start",
        "a stall",
        "a stall that loses samples",
        "a long stall",
        "large blocks",
    ],
)
def test_a_rate_that_is_right_on_the_whole_is_not_complained_of(times: Iterator[float]) -> None:
    assert told(noise(300), times) == []


def test_after_a_gap_a_dead_microphone_is_told_of_anew() -> None:
    """Whoever was told of the death may have forgotten it, or not: the answer after the gap serves both."""
    health = HearingHealth()
    told(constant(0), steady(6), health)
    health.rearm()
    assert [kind for _, kind in told(constant(0), steady(6, since=50), health)] == [Kind.DEAD]
    health.rearm()
    assert told(noise(300), steady(6, since=90), health) == [(90, Kind.BACK)]
    health.rearm()
    assert told(noise(300), steady(6, since=120), health) == []


def test_a_gap_is_no_wrong_rate_and_begins_the_windows_anew() -> None:
    health = HearingHealth()
    for since in range(0, 300, 30):
        assert told(constant(0), steady(4.9, since=since), health) == []
        assert told(noise(30_000), steady(9.8, since=since + 5), health) == []
        health.rearm()


@pytest.mark.parametrize(
    ("sound", "frames_hz", "words"),
    [
        (constant(0), 12.5, ["nothing but zeros for 5 s", "mute switch"]),
        (constant(-42), 12.5, ["nothing but the value -42", "audio.input"]),
        (noise(30_000), 12.5, ["full scale", "alsamixer"]),
        (noise(30, centre=8000), 12.5, ["-12 dBFS", "wiring"]),
        (noise(300), 37.5, ["48000 samples a second", "audio.input"]),
        (noise(300), 6.25, ["8000 samples a second", "overloaded"]),
    ],
)
def test_the_sentence_names_what_to_do(sound: Sound, frames_hz: float, words: list[str]) -> None:
    health = HearingHealth()
    fed = [health.feed(sound(number), now) for number, now in enumerate(steady(30, frames_hz))]
    [complaint] = [complaint for complaint in fed if complaint]
    assert isinstance(complaint, Complaint)
    assert all(word in complaint.sentence for word in words), complaint.sentence
    assert complaint.sentence.endswith(".")


@given(st.lists(st.tuples(st.sampled_from(["dead", "alive", "gap"]), st.integers(1, 80)), max_size=12))
def test_death_and_return_alternate_between_gaps(stretches: list[tuple[str, int]]) -> None:
    """Between two returns there is a death; between two deaths a return, or a gap."""
    health, alive, dead = HearingHealth(), noise(300), constant(0)
    number, is_dead = 0, False
    for what, frames in stretches:
        if what == "gap":
            health.rearm()
            continue
        for _ in range(frames):
            number += 1
            sound = dead if what == "dead" else alive
            complaint = health.feed(sound(number), number * FRAME_SECONDS)
            if complaint and complaint.kind is Kind.BACK:
                assert is_dead
                assert what == "alive"
                is_dead = False
            elif complaint:
                assert complaint.kind is Kind.DEAD
                assert what == "dead"
                is_dead = True
        assert not (is_dead and what == "alive"), "it lives, and nobody was told"
