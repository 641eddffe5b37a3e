"""The owner of the LEDs: shows one light at a time and moves it as its pattern says.

A light that stands still costs no wake-up. All calls come from the loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from speakerd.core.lights import Light
from speakerd.gpio.patterns import PATTERNS, Pattern, rest_seconds


class Led(Protocol):
    """What gpiozero's PWMLED and RGBLED have in common."""

    value: Any

    def off(self) -> None:
        """Go dark."""

    def close(self) -> None:
        """Free the pins."""


class Leds:
    """`ports.Lights` on one LED."""

    def __init__(self, led: Led, value_at: Callable[[Pattern, float], object]) -> None:
        """`value_at` is `level_at` for a plain LED, `colour_at` for an RGB LED."""
        self._led = led
        self._value_at = value_at
        self._light: Light | None = None
        self._shown_at = 0.0
        self._changed = asyncio.Event()

    def show(self, light: Light) -> None:
        """Show a light from its pattern's beginning; the one that is shown already moves on undisturbed."""
        if light is not self._light:
            self._light = light
            self._shown_at = asyncio.get_running_loop().time()
            self._changed.set()

    async def run(self) -> None:
        """Move the light until cancelled."""
        while True:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._paint()):
                    await self._changed.wait()

    def close(self) -> None:
        """Go dark and free the pins."""
        self._led.off()
        self._led.close()

    def _paint(self) -> float | None:
        if self._light is None:
            return None
        pattern = PATTERNS[self._light]
        t_seconds = asyncio.get_running_loop().time() - self._shown_at
        self._led.value = self._value_at(pattern, t_seconds)
        return rest_seconds(pattern, t_seconds)


class NoLights:
    """`ports.Lights` of a board without LEDs: nothing is shown."""

    def show(self, light: Light) -> None:
        """Show nothing."""

    async def run(self) -> None:
        """Return at once: nothing moves."""
