"""Patterns: every light has one, no two look alike with or without colour, and none can cause a seizure."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.lights import Light
from speakerd.gpio.patterns import (
    FRAME_SECONDS,
    LATE_SECONDS,
    PATTERNS,
    Kind,
    Pattern,
    colour_at,
    level_at,
    rest_seconds,
)

FOUR_FLASHES = PATTERNS[Light.BAD_KEY]
BREATH = Pattern((1.0, 0.5, 0.0), Kind.PULSE, period_seconds=2.0, brightness=0.5)

patterns = st.sampled_from(list(PATTERNS.values()))
times = st.floats(0.0, 1000.0)


def test_every_light_has_a_pattern() -> None:
    assert set(PATTERNS) == set(Light)


@pytest.mark.parametrize("pair", list(combinations(Light, 2)), ids=lambda pair: f"{pair[0].value}/{pair[1].value}")
def test_no_two_lights_look_alike_even_without_colour(pair: tuple[Light, Light]) -> None:
    one, other = (replace(PATTERNS[light], colour=(1.0, 1.0, 1.0)) for light in pair)
    moments = [n * 0.05 for n in range(120)]
    differing = sum(abs(level_at(one, t) - level_at(other, t)) > 0.25 for t in moments)
    assert differing >= 6, "they must differ visibly for at least 0.3 of 6 seconds"


@pytest.mark.parametrize("light", Light)
def test_a_light_flashes_at_most_three_times_in_any_second(light: Light) -> None:
    lit = [level_at(PATTERNS[light], n / 200) > 0.1 for n in range(200 * 12)]
    begins = [n for n in range(1, len(lit)) if lit[n] and not lit[n - 1]]
    assert all(sum(start <= n < start + 200 for n in begins) <= 3 for start in begins)


@pytest.mark.parametrize(
    ("pattern", "t_seconds", "level"),
    [
        (PATTERNS[Light.LISTENING], 0.0, 1.0),
        (PATTERNS[Light.LISTENING], 99.0, 1.0),
        (PATTERNS[Light.IDLE], 5.0, 0.03),
        (BREATH, 0.0, 0.0),
        (BREATH, 0.5, 0.25),
        (BREATH, 1.0, 0.5),
        (BREATH, 2.0, 0.0),
        (PATTERNS[Light.MUTED], 1.75, 1.0),
        (PATTERNS[Light.MUTED], 1.85, 0.0),
        (PATTERNS[Light.MUTED], 2.05, 1.0),
        (FOUR_FLASHES, 0.1, 1.0),
        (FOUR_FLASHES, 0.3, 0.0),
        (FOUR_FLASHES, 1.3, 1.0),
        (FOUR_FLASHES, 1.5, 0.0),
        (FOUR_FLASHES, 1.7, 0.0),
        (FOUR_FLASHES, 2.7, 0.0),
        (FOUR_FLASHES, 2.9, 1.0),
    ],
)
def test_the_level_at_a_time(pattern: Pattern, t_seconds: float, level: float) -> None:
    assert level_at(pattern, t_seconds) == pytest.approx(level)


@pytest.mark.parametrize(
    ("light", "count"),
    [
        (Light.NO_MICROPHONE, 1),
        (Light.NO_SOUND, 2),
        (Light.NO_NETWORK, 3),
        (Light.BAD_KEY, 4),
        (Light.NO_CREDIT, 5),
        (Light.REFUSED, 6),
        (Light.SERVER_ERROR, 7),
        (Light.NO_ANSWER, 8),
        (Light.CLOCK_NOT_SET, 9),
        (Light.OVER_BUDGET, 10),
    ],
)
def test_a_fault_is_told_by_counting_flashes(light: Light, count: int) -> None:
    pattern = PATTERNS[light]
    lit = [level_at(pattern, n / 100) > 0 for n in range(round(pattern.period_seconds * 100))]
    assert lit[0]
    assert 1 + sum(lit[n] and not lit[n - 1] for n in range(1, len(lit))) == count
    assert not any(lit[-100:]), "a second of darkness ends the counting"


def test_an_rgb_led_shows_the_colour_at_the_level() -> None:
    assert colour_at(BREATH, 1.0) == pytest.approx((0.5, 0.25, 0.0))
    assert colour_at(PATTERNS[Light.LISTENING], 3.0) == (0.0, 0.0, 1.0)


@given(patterns, times)
def test_levels_and_colours_are_what_gpiozero_accepts(pattern: Pattern, t_seconds: float) -> None:
    assert 0.0 <= level_at(pattern, t_seconds) <= 1.0
    assert all(0.0 <= part <= 1.0 for part in colour_at(pattern, t_seconds))


@given(patterns, times, st.floats(0.0, 0.999))
def test_nothing_changes_during_a_rest(pattern: Pattern, t_seconds: float, part: float) -> None:
    rest = rest_seconds(pattern, t_seconds)
    if rest is None:
        assert level_at(pattern, t_seconds) == level_at(pattern, t_seconds + 1000.0 * part)
    elif rest > FRAME_SECONDS:
        assert level_at(pattern, t_seconds) == level_at(pattern, t_seconds + (rest - LATE_SECONDS) * part)
    else:
        assert rest == FRAME_SECONDS


@given(patterns.filter(lambda pattern: pattern.kind is Kind.BLINK), times)
def test_a_blink_rests_only_until_it_flips(pattern: Pattern, t_seconds: float) -> None:
    rest = rest_seconds(pattern, t_seconds)
    assert rest is not None
    if rest > FRAME_SECONDS:
        assert level_at(pattern, t_seconds) != level_at(pattern, t_seconds + rest)
