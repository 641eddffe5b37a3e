"""Who holds the lines of the GPIO, as the kernel tells anybody who may open the chip (linux/gpio.h, version 2)."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

Ask = Callable[[int, int, bytearray], object]
"""The system call ioctl: a file, a request, and what is written into."""

_HEADER_LABELS = ("pinctrl-bcm", "pinctrl-rp1")
_CHIP = struct.Struct("32s32sI")
_GET_CHIP = 2 << 30 | _CHIP.size << 16 | 0xB4 << 8 | 0x01
_LINE = struct.Struct("32s32sIIQ176x")
_GET_LINE = 3 << 30 | _LINE.size << 16 | 0xB4 << 8 | 0x05
_USED = 1


def chip(folder: Path = Path("/dev"), ask: Ask = fcntl.ioctl) -> Path | None:
    """The chip of the 40-pin header, else the first one; None where there is none."""
    chips = sorted(folder.glob("gpiochip*"))
    labelled = (path for path in chips if _label(path, ask).startswith(_HEADER_LABELS))
    return next(labelled, chips[0] if chips else None)


def holders(path: Path, pins: Iterable[int], ask: Ask = fcntl.ioctl) -> dict[int, str]:
    """The program that holds each pin that is held, as it calls itself; raises OSError."""
    held = {}
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for pin in pins:
            facts = bytearray(_LINE.pack(b"", b"", pin, 0, 0))
            ask(handle, _GET_LINE, facts)
            _, consumer, _, _, flags = _LINE.unpack(facts)
            if flags & _USED:
                held[pin] = _text(consumer) or "the kernel"
    finally:
        os.close(handle)
    return held


def _label(path: Path, ask: Ask) -> str:
    facts = bytearray(_CHIP.size)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        ask(handle, _GET_CHIP, facts)
    except OSError:
        return ""
    finally:
        os.close(handle)
    return _text(_CHIP.unpack(facts)[1])


def _text(padded: bytes) -> str:
    return padded.partition(b"\0")[0].decode(errors="replace")
