"""Opens what a board has of buttons and LEDs. gpiozero is imported here alone, and only for a board with pins.

The back end is lgpio, the one that works on every Pi: gpiozero's own search would silently end at an experimental one.
lgpio writes a pipe `.lgd-nfy*` into the working directory, which must therefore be writable (joan2937/lg#22).
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

from speakerd.errors import BoardError
from speakerd.gpio.boards import Board
from speakerd.gpio.buttons import BOUNCE_SECONDS, presses, releases
from speakerd.gpio.leds import Leds, NoLights
from speakerd.gpio.patterns import colour_at, level_at
from speakerd.ports import Post


class Panel:
    """The buttons and LEDs of a board, open from the beginning; raises BoardError.

    Presses are posted from gpiozero's thread. `lights` is for the daemon; `run` and `close` are for the panel's owner.
    """

    lights: Leds | NoLights

    def __init__(self, board: Board, post: Post, pin_factory: Any = None) -> None:
        """`pin_factory` is a gpiozero pin factory; None means this machine's GPIO."""
        self.lights = NoLights()
        with ExitStack() as opening:
            if presses(board) or board.led_pin is not None or board.rgb_pins is not None:
                self._open(board, post, pin_factory, opening)
            self._opened = opening.pop_all()

    async def run(self) -> None:
        """Move the lights until cancelled; return at once if there are none."""
        await self.lights.run()

    def close(self) -> None:
        """Go dark, hear no more presses and free all pins."""
        self._opened.close()

    def _open(self, board: Board, post: Post, pin_factory: Any, opening: ExitStack) -> None:
        try:
            import gpiozero
        except ImportError as error:
            raise _board_error(board, "the package gpiozero is missing", "install speakerd[gpio]") from error
        if pin_factory is None:
            pin_factory = _lgpio_factory(board)
            opening.callback(pin_factory.close)
        try:
            for pin, event in presses(board).items():
                button = gpiozero.Button(pin, pull_up=True, bounce_time=BOUNCE_SECONDS, pin_factory=pin_factory)
                opening.callback(button.close)
                button.when_pressed = partial(post, event)
                if pin in releases(board):
                    button.when_released = partial(post, releases(board)[pin])
            if board.led_pin is not None:
                self.lights = Leds(gpiozero.PWMLED(board.led_pin, pin_factory=pin_factory), level_at)
                opening.callback(self.lights.close)
            if board.rgb_pins is not None:
                self.lights = Leds(gpiozero.RGBLED(*board.rgb_pins, pin_factory=pin_factory), colour_at)
                opening.callback(self.lights.close)
        except (gpiozero.GPIOZeroError, OSError, *_lgpio_errors()) as error:
            raise _board_error(board, f"its pins cannot be opened ({error})", "free the pin") from error


def _lgpio_factory(board: Board) -> Any:
    try:
        from gpiozero import GPIOZeroError
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError as error:
        raise _board_error(
            board, "the package lgpio is missing", "install python3-lgpio with apt, or lgpio with pip"
        ) from error
    try:
        return LGPIOFactory()
    except (GPIOZeroError, OSError, *_lgpio_errors()) as error:
        raise _board_error(
            board, f"this machine's GPIO cannot be opened ({error})", "join the group gpio if this is a Raspberry Pi"
        ) from error


def _lgpio_errors() -> tuple[type[Exception], ...]:
    """What lgpio raises for a busy line: an exception of its own, with no base but Exception."""
    lgpio = sys.modules.get("lgpio")
    return () if lgpio is None else (lgpio.error,)


def _board_error(board: Board, reason: str, remedy: str) -> BoardError:
    return BoardError(f'The board "{board.name}" cannot be used: {reason}; {remedy}, or set board = "none".')
