"""What the owner's name for a sound device means; pure.

default                      the system's choice
CARD=Device, hw:CARD=Device,DEV=0   an ALSA card id
usb:1-1.2                    whatever is plugged into that port
usb:0d8c:0014                a vendor and product
jabra                        a part of the name
board:seeed2micvoicec        the board's card if it is there, else the system's choice; never written by the owner
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT = "default"
_BOARD = "board:"

_ALSA_NAME = re.compile(
    r"(?:(hw|plughw|plug|dmix|dsnoop|sysdefault|front|default):(?:CARD=)?|CARD=)([\w-]+)(?:,(?:DEV=)?(\d+))?",
    re.IGNORECASE,
)
_USB_ID = re.compile(r"usb:([0-9a-f]{4}:[0-9a-f]{4})(?:,DEV=(\d+))?", re.IGNORECASE)
_USB_PORT = re.compile(r"usb:(\d+-[\d.]+)(?:,DEV=(\d+))?", re.IGNORECASE)
_NUMBERS = re.compile(r"\(?\bhw:(\d+),(\d+)\)?$")


@dataclass(frozen=True, slots=True)
class ByDefault:
    """Whatever the system prefers."""

    board_card: str = ""
    """Goes before it, if it is there."""


@dataclass(frozen=True, slots=True)
class ByNumber:
    """A card's number, which no one should write: it changes."""

    card: int
    device: int


@dataclass(frozen=True, slots=True)
class ByPlugin:
    """A card through one of ALSA's plugins, which nobody should use: `hw_name` is the card itself."""

    hw_name: str


@dataclass(frozen=True, slots=True)
class ByCard:
    """An ALSA card id."""

    card_id: str
    device: int | None = None


@dataclass(frozen=True, slots=True)
class ByUsbPort:
    """A USB port."""

    usb_path: str
    device: int | None = None


@dataclass(frozen=True, slots=True)
class ByUsbId:
    """A vendor and product."""

    usb_id: str
    device: int | None = None


@dataclass(frozen=True, slots=True)
class ByPart:
    """A whole name, or a part of it."""

    text: str


Meaning = ByDefault | ByNumber | ByPlugin | ByCard | ByUsbPort | ByUsbId | ByPart


def meaning(name: str) -> Meaning:
    """What a name means."""
    if name == DEFAULT:
        return ByDefault()
    if name.startswith(_BOARD):
        return ByDefault(name.removeprefix(_BOARD))
    if usb := _USB_ID.fullmatch(name):
        return ByUsbId(usb[1].lower(), _number(usb[2]))
    if usb := _USB_PORT.fullmatch(name):
        return ByUsbPort(usb[1], _number(usb[2]))
    if alsa := _ALSA_NAME.fullmatch(name):
        plugin, card, device = alsa.groups()
        if card.isdecimal():
            return ByNumber(int(card), int(device or 0))
        if plugin and plugin.lower() != "hw":
            return ByPlugin(hw_name(card, _number(device)))
        return ByCard(card, _number(device))
    return ByPart(name)


def preferring(name: str, board_card: str) -> str:
    """The name with the board's card in mind, which goes before the system's choice where it is present."""
    return _BOARD + board_card if name == DEFAULT and board_card else name


def hw_name(card_id: str, device: int | None = None) -> str:
    """The name of a card by its id, or of one device on it."""
    return f"hw:CARD={card_id}" + (f",DEV={device}" if device else "")


def hw_numbers(name: str) -> tuple[int, int] | None:
    """The numbers of card and device at the end of PortAudio's name; None if it is no hardware."""
    found = _NUMBERS.search(name)
    return (int(found[1]), int(found[2])) if found else None


def without_numbers(name: str) -> str:
    """PortAudio's name up to the numbers, which change."""
    return _NUMBERS.sub("", name).strip() or name


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)
