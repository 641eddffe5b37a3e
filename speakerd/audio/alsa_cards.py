"""The sound cards as the kernel shows them: facts that stay the same when a card's number changes.

Read from /proc/asound and /sys/class/sound below a root folder; what is missing there is unknown, never an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["usb", "hdmi", "built-in", "virtual"]
"""virtual is no card: a name of the ALSA configuration, such as default or pulse."""

ROOT_VARIABLE = "SPEAKERD_ALSA_ROOT"
"""Names a folder that stands in the place of / (for tests of whole processes)."""

_CARD = re.compile(r"^ *(\d+) \[(\S+) *\]: *(?:.*? - )?(.+)$", re.MULTILINE)
_USB_INTERFACE = re.compile(r"(\d+-[\d.]+):\d+\.\d+")
_DIRECTION_OR_RATES = re.compile(r"^(?:(Playback|Capture):|\s+Rates: (.+))$", re.MULTILINE)
_COMMON_RATES_HZ = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
_OWNER = re.compile(r"^owner_pid\s*: (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AlsaCard:
    """One sound card."""

    number: int
    """Changes at a reboot or when cards are plugged in another order."""
    card_id: str
    """ALSA's short name, such as Device; a second card of the same make gets Device_1, in the order of plugging."""
    name: str
    kind: Kind
    usb_path: str = ""
    """The port that it is plugged into, such as 1-1.2; empty if it is no USB card."""
    usb_id: str = ""
    """Vendor and product, such as 0d8c:0014."""
    capture_rates_hz: tuple[int, ...] = ()
    """Rates that it takes; empty if the card does not list them."""
    playout_rates_hz: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that holds a card open."""

    pid: int
    program: str


def alsa_root(environment: Mapping[str, str] | None = None) -> Path:
    """The folder below which the kernel shows its cards."""
    return Path((os.environ if environment is None else environment).get(ROOT_VARIABLE, "/"))


def alsa_cards(root: Path | None = None) -> list[AlsaCard]:
    """All sound cards, by number."""
    root = root or alsa_root()
    listing = _text(root / "proc/asound/cards")
    return [_card(root, int(number), card_id, name) for number, card_id, name in _CARD.findall(listing)]


def holders(card: AlsaCard, root: Path | None = None) -> list[Holder]:
    """Who holds the card open now."""
    root = root or alsa_root()
    found = {}
    for status in sorted((root / f"proc/asound/card{card.number}").glob("pcm*/sub*/status")):
        if owner := _OWNER.search(_text(status)):
            program = _text(root / "proc" / owner[1] / "comm").strip()
            found[int(owner[1])] = Holder(int(owner[1]), program or "a program")
    return list(found.values())


def _card(root: Path, number: int, listed_id: str, name: str) -> AlsaCard:
    folder = root / f"proc/asound/card{number}"
    card_id = _text(folder / "id").strip() or listed_id
    usb_path = _usb_path(root / f"sys/class/sound/card{number}/device")
    usb_id = _text(folder / "usbid").strip().lower()
    rates = [_rates_hz(_text(path)) for path in sorted(folder.glob("stream*"))]
    capture, playout = ({rate for pair in rates for rate in pair[which]} for which in (0, 1))
    return AlsaCard(
        number=number,
        card_id=card_id,
        name=name.strip(),
        kind="usb" if usb_path or usb_id else "hdmi" if "hdmi" in f"{card_id} {name}".casefold() else "built-in",
        usb_path=usb_path,
        usb_id=usb_id,
        capture_rates_hz=tuple(sorted(capture)),
        playout_rates_hz=tuple(sorted(playout)),
    )


def _usb_path(device: Path) -> str:
    """The port in the name of the USB interface that a card's device links to, such as …/1-1.2/1-1.2:1.0."""
    try:
        target = device.readlink()
    except OSError:
        return ""
    interface = _USB_INTERFACE.fullmatch(target.name)
    return interface[1] if interface else ""


def _rates_hz(stream: str) -> tuple[set[int], set[int]]:
    """Rates for capture and playout in the kernel's description of a USB stream."""
    rates: dict[str, set[int]] = {"Capture": set(), "Playback": set()}
    direction = "Capture"
    for heading, listed in _DIRECTION_OR_RATES.findall(stream):
        direction = heading or direction
        numbers = [int(number) for number in re.findall(r"\d+", listed)]
        if "continuous" in listed and len(numbers) == 2:
            low, high = numbers
            numbers = [rate for rate in _COMMON_RATES_HZ if low <= rate <= high]
        rates[direction] |= set(numbers)
    return rates["Capture"], rates["Playback"]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
