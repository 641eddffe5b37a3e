"""The panel on gpiozero's pretended pins: presses become events, lights become levels, faults become sentences."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.core.events import ActionPressed, ActionReleased, Event, MutePressed
from speakerd.core.lights import Light
from speakerd.errors import BoardError
from speakerd.gpio.boards import load_board
from speakerd.gpio.panel import Panel


@pytest.fixture
def factory() -> Iterator[Any]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.close()


def press(factory: Any, pin: int) -> None:
    factory.pin(pin).drive_low()


def release(factory: Any, pin: int) -> None:
    factory.pin(pin).drive_high()


@pytest.mark.parametrize(
    ("board", "pin", "event"),
    [
        ("breadboard", 17, ActionPressed()),
        ("breadboard", 22, MutePressed()),
        ("breadboard-rgb", 17, ActionPressed()),
        ("breadboard-rgb", 22, MutePressed()),
        ("respeaker-2mic", 17, ActionPressed()),
        ("aiy-voice", 23, ActionPressed()),
    ],
)
def test_a_press_is_one_event_and_only_the_action_button_tells_when_it_is_let_go(
    factory: Any, board: str, pin: int, event: Event
) -> None:
    posted: list[Event] = []
    panel = Panel(load_board(board), posted.append, factory)
    assert posted == []
    press(factory, pin)
    assert posted == [event]
    release(factory, pin)
    let_go = [ActionReleased()] if event == ActionPressed() else []
    assert posted == [event, *let_go]
    press(factory, pin)
    assert posted == [event, *let_go, event]
    panel.close()


def test_nothing_is_posted_after_closing_and_the_pins_are_free_again(factory: Any) -> None:
    posted: list[Event] = []
    Panel(load_board("breadboard"), posted.append, factory).close()
    press(factory, 17)
    assert posted == []
    Panel(load_board("breadboard"), posted.append, factory).close()


@pytest.mark.parametrize(
    ("board", "light", "levels"),
    [
        ("breadboard", Light.LISTENING, {27: 1.0}),
        ("breadboard", Light.IDLE, {27: 0.03}),
        ("aiy-voice", Light.LISTENING, {25: 1.0}),
        ("breadboard-rgb", Light.LISTENING, {5: 0.0, 6: 0.0, 13: 1.0}),
        ("breadboard-rgb", Light.MUTED, {5: 1.0, 6: 0.0, 13: 0.0}),
    ],
)
async def test_a_light_reaches_the_pins_and_closing_darkens_them(
    factory: Any, board: str, light: Light, levels: dict[int, float]
) -> None:
    panel = Panel(load_board(board), lambda event: None, factory)
    panel.lights.show(light)
    with suppress(TimeoutError):
        async with asyncio.timeout(0):  # long enough for the first step
            await panel.run()
    assert {pin: factory.pin(pin).state for pin in levels} == pytest.approx(levels)
    panel.close()
    assert not any(factory.pin(pin).state for pin in levels)


@pytest.mark.parametrize("board", ["usb-speakerphone", "none"])
def test_a_board_without_pins_needs_no_gpio_library(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    Panel(load_board(board), lambda event: None).close()


def refusal(board: str, factory: Any = None) -> str:
    with pytest.raises(BoardError) as raised:
        Panel(load_board(board), lambda event: None, factory)
    return str(raised.value)


def test_without_gpiozero_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    assert refusal("breadboard") == (
        'The board "breadboard" cannot be used: the package gpiozero is missing; '
        'install speakerd[gpio], or set board = "none".'
    )


def test_without_lgpio_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setitem(sys.modules, "lgpio", None)
    assert refusal("breadboard") == (
        'The board "breadboard" cannot be used: the package lgpio is missing; '
        'install python3-lgpio with apt, or lgpio with pip, or set board = "none".'
    )


def test_a_machine_without_gpio_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ModuleType("gpiozero.pins.lgpio")

    def open_chip() -> None:
        raise gpiozero.PinUnknownPi("unable to locate Pi revision")

    backend.LGPIOFactory = open_chip  # type: ignore[attr-defined]  # a module of our own making
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", backend)
    assert refusal("breadboard") == (
        'The board "breadboard" cannot be used: this machine\'s GPIO cannot be opened (unable to locate Pi revision); '
        'join the group gpio if this is a Raspberry Pi, or set board = "none".'
    )


def test_a_pin_in_use_is_told_and_nothing_stays_open(factory: Any) -> None:
    with gpiozero.LED(27, pin_factory=factory):
        sentence = refusal("breadboard", factory)
    assert sentence.startswith('The board "breadboard" cannot be used: its pins cannot be opened (')
    assert "GPIO27" in sentence
    assert sentence.endswith('); free the pin, or set board = "none".')
    Panel(load_board("breadboard"), lambda event: None, factory).close()


def test_a_line_that_another_program_holds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class LgpioError(Exception):
        """As lgpio's own: no OSError."""

    class BusyFactory(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
        def pin(self, name: int) -> Any:
            raise LgpioError("'GPIO busy'")

    lgpio = ModuleType("lgpio")
    lgpio.error = LgpioError  # type: ignore[attr-defined]  # a module of our own making
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    assert refusal("aiy-voice", BusyFactory(pin_class=MockPWMPin)) == (
        "The board \"aiy-voice\" cannot be used: its pins cannot be opened ('GPIO busy'); "
        'free the pin, or set board = "none".'
    )
