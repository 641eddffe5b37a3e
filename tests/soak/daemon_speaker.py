"""`speakerd run` with pretended pins, for the soak: each line on stdin is a button, which is pressed and let go."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from pathlib import Path

from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.assembly import Surroundings, serve
from speakerd.gpio.boards import load_board
from speakerd.service.journal import set_up_logging
from speakerd.settings import load


class _ForgetfulPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that does not remember each brightness of its LED: over hours that would look like a leak of ours."""

    def _change_state(self, value: float) -> bool:
        is_changed: bool = super()._change_state(value)
        del self.states[:-1]
        return is_changed


def main() -> None:
    """Be the speaker until SIGTERM."""
    parser = argparse.ArgumentParser(prog="soak.daemon_speaker")
    parser.add_argument("--config", type=Path, required=True)
    path = parser.parse_args().config
    settings = load(path, os.environ)
    set_up_logging(settings.control.log_level)
    pins = MockFactory(pin_class=_ForgetfulPin)
    board = load_board(settings.board)
    buttons = {"action": board.action_pin, "mute": board.mute_pin}
    threading.Thread(target=_press, args=(pins, buttons), daemon=True).start()
    asyncio.run(serve(settings, Surroundings(pin_factory=pins), again=lambda: load(path, os.environ)))


def _press(pins: MockFactory, buttons: dict[str, int | None]) -> None:
    for line in sys.stdin:
        pin = pins.pin(buttons[line.strip()])
        pin.drive_low()
        pin.drive_high()


if __name__ == "__main__":
    main()
