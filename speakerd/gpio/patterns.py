"""How each light moves: a pure table from `Light` to `Pattern`, and what a pattern shows at a time.

A plain LED has no colour: the movement alone tells every light from every other, and faults by counting flashes.
Nothing flashes more than three times in any second (WCAG 2.2, criterion 2.3.1): the light must not cause a seizure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from speakerd.core.lights import Light

Colour = tuple[float, float, float]
"""Red, green and blue, each from 0 to 1."""

FRAME_SECONDS = 0.04
"""Between two steps of a moving light: 25 Hz is smooth enough, and cheap."""
LATE_SECONDS = 0.001
"""Whoever wakes for a flip does so just after it: a rounding error before it would cost another wake-up."""


class Kind(Enum):
    """How a light moves."""

    STEADY = "steady"
    BLINK = "blink"
    """`flashes` flashes, then dark until the period ends."""
    PULSE = "pulse"
    """Swells and fades like a breath."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A colour and its movement, for an RGB LED; the movement alone, for a plain one."""

    colour: Colour
    kind: Kind = Kind.STEADY
    period_seconds: float = 0.0
    """After which the movement repeats; 0 for a steady light."""
    flashes: int = 1
    """How many flashes one period of a blink has."""
    flash_seconds: float = 0.0
    """How long each flash of a blink is lit, and how long it is dark before the next."""
    brightness: float = 1.0
    """From 0 to 1, at the brightest moment."""


_WHITE: Colour = (1.0, 1.0, 1.0)
_BLUE: Colour = (0.0, 0.0, 1.0)
_CYAN: Colour = (0.0, 0.8, 1.0)
_GREEN: Colour = (0.0, 1.0, 0.0)
_YELLOW: Colour = (1.0, 0.8, 0.0)
_ORANGE: Colour = (1.0, 0.3, 0.0)
_RED: Colour = (1.0, 0.0, 0.0)
_MAGENTA: Colour = (1.0, 0.0, 1.0)


def _flashes(colour: Colour, count: int) -> Pattern:
    return Pattern(colour, Kind.BLINK, period_seconds=count * 0.4 + 1.2, flashes=count, flash_seconds=0.2)


PATTERNS: dict[Light, Pattern] = {
    Light.STARTING: Pattern(_WHITE, Kind.BLINK, period_seconds=1.0, flash_seconds=0.5),
    Light.IDLE: Pattern(_WHITE, brightness=0.03),
    Light.OPENING: Pattern(_CYAN, Kind.BLINK, period_seconds=0.4, flash_seconds=0.2),
    Light.LISTENING: Pattern(_BLUE),
    Light.THINKING: Pattern(_CYAN, Kind.PULSE, period_seconds=1.0),
    Light.SPEAKING: Pattern(_GREEN, Kind.PULSE, period_seconds=2.5),
    # Almost steady, as a sign of privacy should be; the short gap tells it from listening on a plain LED.
    Light.MUTED: Pattern(_RED, Kind.BLINK, period_seconds=2.0, flash_seconds=1.8),
    Light.RINGING: Pattern(_YELLOW, Kind.BLINK, period_seconds=0.8, flashes=2, flash_seconds=0.15),
    Light.CONFIRM: Pattern(_YELLOW, Kind.BLINK, period_seconds=0.6, flashes=1, flash_seconds=0.45),
    Light.NO_MICROPHONE: _flashes(_MAGENTA, 1),
    Light.NO_SOUND: _flashes(_MAGENTA, 2),
    Light.NO_NETWORK: _flashes(_ORANGE, 3),
    Light.BAD_KEY: _flashes(_RED, 4),
    Light.NO_CREDIT: _flashes(_RED, 5),
    Light.REFUSED: _flashes(_RED, 6),
    Light.SERVER_ERROR: _flashes(_ORANGE, 7),
    Light.NO_ANSWER: _flashes(_ORANGE, 8),
    Light.CLOCK_NOT_SET: _flashes(_ORANGE, 9),
    Light.OVER_BUDGET: _flashes(_RED, 10),
    Light.STOPPING: Pattern(_WHITE, Kind.PULSE, period_seconds=5.0, brightness=0.3),
}
"""One pattern for each light; the same on every board."""


def level_at(pattern: Pattern, t_seconds: float) -> float:
    """The brightness from 0 to 1, `t_seconds` after the light was first shown."""
    if pattern.kind is Kind.STEADY:
        return pattern.brightness
    if pattern.kind is Kind.PULSE:
        return pattern.brightness * (0.5 - 0.5 * math.cos(2 * math.pi * t_seconds / pattern.period_seconds))
    return pattern.brightness if _slot(pattern, t_seconds) % 2 == 0 else 0.0


def colour_at(pattern: Pattern, t_seconds: float) -> Colour:
    """The colour of an RGB LED, `t_seconds` after the light was first shown."""
    level = level_at(pattern, t_seconds)
    red, green, blue = pattern.colour
    return red * level, green * level, blue * level


def rest_seconds(pattern: Pattern, t_seconds: float) -> float | None:
    """How long to sleep at `t_seconds` until the level has changed, at least FRAME_SECONDS; None means for ever."""
    if pattern.kind is Kind.STEADY:
        return None
    if pattern.kind is Kind.PULSE:
        return FRAME_SECONDS
    following = _slot(pattern, t_seconds) + 1
    last = following == 2 * pattern.flashes
    ends_at = pattern.period_seconds if last else following * pattern.flash_seconds
    return max(ends_at - t_seconds % pattern.period_seconds + LATE_SECONDS, FRAME_SECONDS)


def _slot(pattern: Pattern, t_seconds: float) -> int:
    """Where a blink is: the flashes are the even slots of a period, the gaps the odd ones; the last gap fills it up."""
    return min(int(t_seconds % pattern.period_seconds / pattern.flash_seconds), 2 * pattern.flashes - 1)
