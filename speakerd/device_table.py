"""`speakerd devices`: which sound devices there are, which are used under these settings, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TextIO

from speakerd.audio.devices import KINDS, Choice, Device, Direction, choose, list_devices, stable_name, with_board_card
from speakerd.errors import AudioDeviceError
from speakerd.gpio.boards import load_board
from speakerd.settings import AudioSettings, Settings

DIRECTIONS: tuple[Direction, ...] = ("input", "output")

_HEADINGS = ("name", "write", "kind", "USB port", "USB id", "capture", "playout", "Hz", "rates")


def run(
    settings: Settings, *, as_json: bool, environment: Mapping[str, str] | None = None, out: TextIO | None = None
) -> int:
    """Print the table; raises AudioDeviceError afterwards if the settings name what is missing."""
    out = out or sys.stdout
    devices = list_devices(environment)
    choices = chosen(devices, with_board_card(settings.audio, load_board(settings.board).card))
    if as_json:
        out.write(json.dumps(_report(devices, choices, settings.audio)) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _lines(devices, choices))
    for choice in choices.values():
        if isinstance(choice, AudioDeviceError):
            raise choice
    return 0


def chosen(devices: Iterable[Device], audio: AudioSettings) -> dict[Direction, Choice | AudioDeviceError]:
    """What the settings choose in each direction, or why they cannot."""
    devices = list(devices)
    found: dict[Direction, Choice | AudioDeviceError] = {}
    for direction, name in zip(DIRECTIONS, (audio.input, audio.output), strict=True):
        try:
            found[direction] = choose(devices, name, direction)
        except AudioDeviceError as error:
            found[direction] = error
    return found


def told(choice: Choice | AudioDeviceError) -> str:
    """A choice in words."""
    return str(choice) if isinstance(choice, AudioDeviceError) else f'"{choice.device.name}", because {choice.reason}'


def _lines(devices: Sequence[Device], choices: Mapping[Direction, Choice | AudioDeviceError]) -> list[str]:
    rows = [_HEADINGS, *(_row(device, devices) for device in devices)] if devices else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    used = [
        f"{KINDS[direction]:<8} {told(choice)}" for direction, choice in choices.items() if isinstance(choice, Choice)
    ]
    return [*lines, "", *used] if used else lines


def _row(device: Device, devices: Sequence[Device]) -> tuple[str, ...]:
    rates = sorted({*device.input_rates_hz, *device.output_rates_hz})
    return (
        device.name,
        stable_name(device, devices),
        device.kind,
        device.usb_path or "-",
        device.usb_id or "-",
        str(device.input_channels),
        str(device.output_channels),
        str(device.default_rate_hz),
        ",".join(map(str, rates)) or "-",
    )


def _report(
    devices: Sequence[Device], choices: Mapping[Direction, Choice | AudioDeviceError], audio: AudioSettings
) -> dict[str, object]:
    rows = [{"write": stable_name(device, devices), **asdict(device)} for device in devices]
    used: dict[str, object] = {
        direction: {"setting": getattr(audio, direction), **_choice_report(choice)}
        for direction, choice in choices.items()
    }
    return {"devices": rows, **used}


def _choice_report(choice: Choice | AudioDeviceError) -> dict[str, str]:
    if isinstance(choice, AudioDeviceError):
        return {"failure": str(choice)}
    return {"device": choice.device.name, "reason": choice.reason}
