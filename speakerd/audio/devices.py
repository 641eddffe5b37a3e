"""Which sound device a name means. Cards are found by name every time: their numbers change at a reboot.

PortAudio may crash the process that asks it (reference/audio.md), so the list comes from a short-lived child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from speakerd.errors import AudioDeviceError

Direction = Literal["input", "output"]

_LIST_SECONDS = 15.0
_KINDS: dict[Direction, str] = {"input": "capture", "output": "playout"}


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device as PortAudio describes it."""

    index: int
    """Valid only in the process that listed it."""
    name: str
    input_channels: int
    output_channels: int
    default_rate_hz: int
    is_default_input: bool = False
    is_default_output: bool = False

    def channels(self, direction: Direction) -> int:
        """Most channels that the device has in a direction; 0 means that it has none."""
        return self.input_channels if direction == "input" else self.output_channels


def resolve(devices: Iterable[Device], name: str, direction: Direction) -> Device:
    """The device with this name, or the only one whose name holds it (any case); "default" is the system's choice.

    Raises AudioDeviceError, which names what there is.
    """
    usable = [device for device in devices if device.channels(direction)]
    kind = _KINDS[direction]
    if not usable:
        raise AudioDeviceError(
            f"There is no sound card for {kind}: plug one in, or end the program that holds it (fuser -v /dev/snd/*)."
        )
    found = [device for device in usable if device.name == name]
    if not found and name == "default":
        found = [d for d in usable if (d.is_default_input if direction == "input" else d.is_default_output)]
    if not found:
        found = [device for device in usable if name.casefold() in device.name.casefold()]
    if not found:
        raise AudioDeviceError(
            f'No {kind} device is called "{name}": set audio.{direction} to one of {_names(usable)}, '
            f"or end the program that holds the card."
        )
    if len(found) > 1:
        raise AudioDeviceError(
            f'"{name}" could be any of the {kind} devices {_names(found)}: set audio.{direction} to a longer part.'
        )
    return found[0]


def list_devices(environment: Mapping[str, str] | None = None) -> Sequence[Device]:
    """All sound devices, asked in a child process; `environment` adds to ours. Raises AudioDeviceError."""
    command = [sys.executable, "-m", "speakerd.audio.child", "--list"]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            timeout=_LIST_SECONDS,
            check=True,
        )
        return [Device(**fields) for fields in json.loads(answer.stdout)]
    except subprocess.TimeoutExpired as error:
        raise AudioDeviceError(
            f"The sound cards did not answer within {_LIST_SECONDS:.0f} s: unplug the one that hangs."
        ) from error
    except (subprocess.CalledProcessError, OSError, ValueError, TypeError) as error:
        raise AudioDeviceError(
            "The sound cards cannot be listed: check the ALSA configuration with `aplay -L`."
        ) from error


def _names(devices: Iterable[Device]) -> str:
    return ", ".join(f'"{device.name}"' for device in devices)
