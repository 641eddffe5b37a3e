"""Which board this machine has, for an installation's first settings: known by its sound card's name or its HAT's.

The kernel's own lists are read, so a HAT is found once its driver is there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from speakerd.gpio.boards import HARDWARE, NO_BOARD, Board, load_board

BREADBOARD = "breadboard"
"""What a Raspberry Pi with nothing known on it may be: its pins are free, and an unused button does nothing."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel says of this machine; empty where it says nothing."""

    cards: str = ""
    """/proc/asound/cards."""
    hat: str = ""
    """The product's name in the memory of the HAT."""
    model: str = ""
    """Which computer this is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A board, and in one sentence why."""

    board: str
    why: str


def detected(machine: Machine, boards: Iterable[Board]) -> Finding:
    """The board that fits best: by card, by HAT, else the breadboard on a Raspberry Pi without a HAT."""
    for board in boards:
        if sign := _sign(machine, board):
            return Finding(board.name, f"Found {sign}: {board.title}.")
    if machine.hat:
        return Finding(NO_BOARD, f"The HAT {machine.hat} is not known: no pin is touched.")
    if "Raspberry Pi" in machine.model:
        return Finding(BREADBOARD, f"Found a {machine.model} without a known HAT or speakerphone.")
    return Finding(NO_BOARD, "This is not a Raspberry Pi and has no known speakerphone: no pin is touched.")


def this_machine(root: Path = Path("/")) -> Machine:
    """What the kernel says now."""
    return Machine(
        cards=_text(root / "proc/asound/cards"),
        hat=_text(root / "proc/device-tree/hat/product"),
        model=_text(root / "proc/device-tree/model"),
    )


def main() -> int:
    """Print the board's name and, in a second line, why."""
    names = sorted(file.parent.name for file in HARDWARE.glob("*/board.toml"))
    finding = detected(this_machine(), [load_board(name) for name in names])
    sys.stdout.write(f"{finding.board}\n{finding.why}\n")
    return 0


def _sign(machine: Machine, board: Board) -> str:
    """What the board is known by here, or nothing."""
    if board.card and re.search(rf"\[{re.escape(board.card)} *\]", machine.cards):
        return f"the sound card {board.card}"
    for name in board.known_as:
        if name.lower() in machine.cards.lower():
            return f"the sound card {name}"
        if name.lower() in machine.hat.lower():
            return f"the HAT {machine.hat}"
    return ""


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
