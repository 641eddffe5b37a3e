"""The LEDs' owner in virtual time: what it paints, when, and that it sleeps when nothing moves."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from speakerd.core.lights import Light
from speakerd.gpio.leds import Leds, NoLights
from speakerd.gpio.patterns import colour_at, level_at


class SkippingSelector(selectors.DefaultSelector):
    """Passes the time instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing is scheduled: the story would never end"
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class RecordingLed:
    """Keeps what it was told, with the time."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, Any]] = []
        self.calls: list[str] = []

    @property
    def value(self) -> Any:
        return self.shown[-1][1]

    @value.setter
    def value(self, value: Any) -> None:
        self.shown.append((round(asyncio.get_running_loop().time(), 3), value))

    def off(self) -> None:
        self.calls.append("off")

    def close(self) -> None:
        self.calls.append("close")


def play(seconds: float, *script: tuple[float, Light], value_at: Callable[..., object] = level_at) -> RecordingLed:
    """The LED after lights were shown at their times."""
    led = RecordingLed()

    async def story() -> None:
        leds = Leds(led, value_at)
        for at, light in script:
            asyncio.get_running_loop().call_at(at, leds.show, light)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await leds.run()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(story())
    return led


def test_dark_until_the_first_light() -> None:
    assert play(10.0).shown == []


def test_a_steady_light_is_painted_once() -> None:
    assert play(3600.0, (1.0, Light.LISTENING)).shown == [(1.0, 1.0)]


def test_a_blink_wakes_only_when_it_flips() -> None:
    shown = play(5.9, (0.0, Light.MUTED)).shown
    assert [value for _, value in shown] == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    assert [at for at, _ in shown] == pytest.approx([0.0, 1.8, 2.0, 3.8, 4.0, 5.8], abs=0.003)


def test_a_pulse_moves_at_25_hz_and_no_faster() -> None:
    shown = play(2.51, (0.0, Light.SPEAKING)).shown
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(shown)]
    assert steps == pytest.approx([0.04] * 62)
    assert max(value for _, value in shown) == pytest.approx(1.0, abs=0.01)
    assert shown[-1][1] == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("light", Light)
def test_no_light_is_painted_more_than_25_times_a_second(light: Light) -> None:
    assert len(play(20.0, (0.0, light)).shown) <= 20 * 25 + 1


def test_a_new_light_shows_at_once_and_from_its_beginning() -> None:
    shown = play(3.5, (0.0, Light.IDLE), (1.1, Light.MUTED), (1.5, Light.LISTENING), (2.7, Light.IDLE)).shown
    assert shown == [(0.0, 0.03), (1.1, 1.0), (1.5, 1.0), (2.7, 0.03)]


def test_showing_the_same_light_again_does_not_restart_it() -> None:
    once = play(4.0, (0.0, Light.MUTED)).shown
    assert play(4.0, (0.0, Light.MUTED), (1.0, Light.MUTED), (1.7, Light.MUTED)).shown == once


def test_an_rgb_led_is_told_colours() -> None:
    assert play(9.0, (0.0, Light.LISTENING), value_at=colour_at).shown == [(0.0, (0.0, 0.0, 1.0))]


async def test_closing_goes_dark_before_it_frees_the_pins() -> None:
    led = RecordingLed()
    Leds(led, level_at).close()
    assert led.calls == ["off", "close"]


async def test_a_board_without_leds_shows_nothing_and_moves_nothing() -> None:
    lights = NoLights()
    for light in Light:
        lights.show(light)
    async with asyncio.timeout(5):
        await lights.run()
