"""What is wired to which pin: one folder in `hardware/` for each board, read from its `board.toml`.

Pins are Broadcom GPIO numbers, never positions on the header. Every mistake is one sentence that names the key.
"""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from speakerd.errors import BoardError

T = TypeVar("T")

NO_BOARD = "none"
"""The name of the board without buttons, LEDs and facts."""

_PACKAGE = Path(__file__).resolve().parents[1]
HARDWARE = _PACKAGE / "hardware" if (_PACKAGE / "hardware").is_dir() else _PACKAGE.parent / "hardware"
"""The boards' folders: inside the package when installed from the wheel, beside it in a checkout."""

I2S_PINS = range(18, 22)
"""Bit clock, frame clock, data in and data out of every audio HAT."""
HEADER_PINS = range(28)
"""The GPIOs of the 40-pin header."""


@dataclass(frozen=True, slots=True)
class Board:
    """The facts of one hardware profile; a pin that is None is not wired."""

    name: str
    title: str = ""
    """What a person calls it."""
    card: str = ""
    """ALSA id of its sound card, as in /proc/asound/cards; empty if any card may be used."""
    known_as: tuple[str, ...] = ()
    """Words by which it is found when the speaker is installed, in the name of its sound card or its HAT."""
    hardware_aec: bool = False
    """The sound card cancels its own echo, so full duplex may be allowed."""
    i2s: bool = False
    """The sound card uses GPIO18 to 21."""
    action_pin: int | None = None
    """The action button, to ground."""
    mute_pin: int | None = None
    """The mute button, to ground."""
    led_pin: int | None = None
    """A plain LED, lit while the pin is high."""
    rgb_pins: tuple[int, int, int] | None = None
    """Red, green and blue of an RGB LED with a common cathode."""


def load_board(name: str, hardware: Path = HARDWARE) -> Board:
    """The board of that name in a folder of boards; raises BoardError. "none" is the board without anything."""
    if name == NO_BOARD:
        return Board(name)
    known = sorted(file.parent.name for file in hardware.glob("*/board.toml"))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ""
        raise BoardError(f'unknown board "{name}": {hint}choose one of {", ".join([*known, NO_BOARD])}.')
    file = hardware / name / "board.toml"
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BoardError(f"{file} cannot be read ({error.strerror}): check its permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"{file} is not valid TOML: {error}.") from error
    try:
        return parse_board(name, table)
    except BoardError as error:
        raise BoardError(f"{file}: {error}") from error


def parse_board(name: str, table: dict[str, object]) -> Board:
    """The board of a parsed `board.toml`; raises BoardError with one sentence that names the key."""
    _refuse_unknown(table, ("title", "card", "known_as", "hardware_aec", "i2s", "pins"), "")
    pins = _value(table, "pins", dict, {})
    _refuse_unknown(pins, ("action", "mute", "led", "rgb"), "pins.")
    board = Board(
        name=name,
        title=_value(table, "title", str, ""),
        card=_value(table, "card", str, ""),
        known_as=_names(table, "known_as"),
        hardware_aec=_value(table, "hardware_aec", bool, False),
        i2s=_value(table, "i2s", bool, False),
        action_pin=_pin(pins, "action"),
        mute_pin=_pin(pins, "mute"),
        led_pin=_pin(pins, "led"),
        rgb_pins=_rgb_pins(pins),
    )
    _check_pins(board)
    return board


def _refuse_unknown(table: dict[str, object], known: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean "{prefix}{near[0]}"?' if near else f"known keys are {', '.join(known)}."
            raise BoardError(f'unknown key "{prefix}{key}": {hint}')


def _value(table: dict[str, object], key: str, kind: type[T], default: T) -> T:
    value = table.get(key, default)
    if not isinstance(value, kind):
        word = {str: "a string", bool: "true or false", dict: "a table"}[kind]
        raise BoardError(f'"{key}" must be {word}, not {value!r}.')
    return value


def _names(table: dict[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise BoardError(f'"{key}" must be a list of names, not {value!r}.')
    return tuple(value)


def _pin(pins: dict[str, object], key: str) -> int | None:
    return None if key not in pins else _checked_pin(pins[key], f"pins.{key}")


def _rgb_pins(pins: dict[str, object]) -> tuple[int, int, int] | None:
    if "rgb" not in pins:
        return None
    value = pins["rgb"]
    if not isinstance(value, list) or len(value) != 3:
        raise BoardError(f'"pins.rgb" must be a list of three pins (red, green, blue), not {value!r}.')
    red, green, blue = (_checked_pin(pin, "pins.rgb") for pin in value)
    return red, green, blue


def _checked_pin(value: object, key: str) -> int:
    if type(value) is not int or value not in HEADER_PINS:
        raise BoardError(f'"{key}" must be a GPIO number from {HEADER_PINS[0]} to {HEADER_PINS[-1]}, not {value!r}.')
    return value


def _check_pins(board: Board) -> None:
    if board.led_pin is not None and board.rgb_pins is not None:
        raise BoardError('"pins.led" and "pins.rgb" exclude each other: keep the one that is wired.')
    wired = {
        "pins.action": [board.action_pin],
        "pins.mute": [board.mute_pin],
        "pins.led": [board.led_pin],
        "pins.rgb": board.rgb_pins or [],
    }
    uses = [(pin, key) for key, pins in wired.items() for pin in pins if pin is not None]
    for pin, key in uses:
        if board.i2s and pin in I2S_PINS:
            raise BoardError(
                f'"{key}" must not be GPIO{pin}: the sound card uses GPIO{I2S_PINS[0]} to {I2S_PINS[-1]} (i2s = true).'
            )
    for pin, count in Counter(pin for pin, _ in uses).items():
        if count > 1:
            keys = " and ".join(f'"{key}"' for other, key in uses if other == pin)
            raise BoardError(f"{keys} both use GPIO{pin}: give each its own pin.")
