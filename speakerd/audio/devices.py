"""Which sound device a name means, and why. Cards are found by what stays the same: their numbers change at a reboot.

PortAudio may crash the process that asks it (reference/audio.md), so the list comes from a short-lived child.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from speakerd.audio.alsa_cards import AlsaCard, Kind
from speakerd.audio.device_names import (
    DEFAULT,
    ByCard,
    ByDefault,
    ByNumber,
    ByPart,
    ByPlugin,
    ByUsbId,
    ByUsbPort,
    hw_name,
    hw_numbers,
    meaning,
    preferring,
    without_numbers,
)
from speakerd.errors import AudioDeviceError

if TYPE_CHECKING:  # the card's process needs no settings, and starts sooner without
    from speakerd.settings import AudioSettings

Direction = Literal["input", "output"]

KINDS: dict[Direction, str] = {"input": "capture", "output": "playout"}
_LIST_SECONDS = 15.0
_MIXED = {"default", "sysdefault", "pulse", "pipewire", "jack", "dmix", "dsnoop"}
_Wanted = ByCard | ByUsbPort | ByUsbId | ByPart


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device as PortAudio describes it, and what the kernel knows of its card."""

    index: int
    """Valid only in the process that listed it."""
    name: str
    input_channels: int
    output_channels: int
    default_rate_hz: int
    is_default_input: bool = False
    is_default_output: bool = False
    card_id: str = ""
    """See AlsaCard; empty if it is no card."""
    usb_path: str = ""
    usb_id: str = ""
    kind: Kind = "virtual"
    input_rates_hz: tuple[int, ...] = ()
    """Rates that it takes; empty if the card does not list them."""
    output_rates_hz: tuple[int, ...] = ()

    def channels(self, direction: Direction) -> int:
        """Most channels that the device has in a direction; 0 means that it has none."""
        return self.input_channels if direction == "input" else self.output_channels

    def is_default(self, direction: Direction) -> bool:
        """Whether PortAudio would take it."""
        return self.is_default_input if direction == "input" else self.is_default_output

    @property
    def is_mixed(self) -> bool:
        """Whether several PCMs stand behind its name: two-way streams of PortAudio crash on ALSA's dmix and dsnoop."""
        return self.name in _MIXED

    @property
    def number(self) -> int:
        """Its number on its card."""
        return (hw_numbers(self.name) or (0, 0))[1]


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that is used, and why."""

    device: Device
    reason: str
    """Follows "because": no capital, no full stop."""


def choose(devices: Iterable[Device], name: str, direction: Direction) -> Choice:
    """The device that a name means (see device_names); raises AudioDeviceError, which says what to write instead."""
    devices = list(devices)
    usable = [device for device in devices if device.channels(direction)]
    if not usable:
        raise AudioDeviceError(
            f"There is no sound card for {KINDS[direction]}: plug one in, or end the program that holds it "
            "(fuser -v /dev/snd/*)."
        )
    match meaning(name):
        case ByDefault(board_card=board_card):
            return _default(devices, usable, board_card, direction)
        case ByNumber() | ByPlugin() as refused:
            raise AudioDeviceError(_refusal(devices, usable, refused, name, direction))
        case wanted:
            found, reason = _matching(usable, wanted)
    if not found:
        raise AudioDeviceError(_not_found(devices, usable, wanted, name, direction))
    if len(found) > 1:
        raise AudioDeviceError(
            f'"{name}" could be any of the {KINDS[direction]} devices {_names(found)}: '
            f"set audio.{direction} to {_stable_names(found, devices)}."
        )
    return Choice(found[0], reason)


def resolve(devices: Iterable[Device], name: str, direction: Direction) -> Device:
    """The device that a name means; raises AudioDeviceError."""
    return choose(devices, name, direction).device


def with_board_card(settings: AudioSettings, board_card: str) -> AudioSettings:
    """The settings in which "default" is the board's card wherever that is present; an empty id changes nothing."""
    names = preferring(settings.input, board_card), preferring(settings.output, board_card)
    return replace(settings, input=names[0], output=names[1])


def stable_name(device: Device, devices: Iterable[Device]) -> str:
    """What to write into the settings for a device, good for every boot.

    Cards of the same make get their ids in the order of plugging, so they are told apart by their ports.
    """
    if not device.card_id:
        return device.name
    twins = {other.card_id for other in devices if device.usb_id and other.usb_id == device.usb_id}
    if len(twins) > 1 and device.usb_path:
        return f"usb:{device.usb_path}" + (f",DEV={device.number}" if device.number else "")
    return hw_name(device.card_id, device.number) if device.number else f"CARD={device.card_id}"


def with_cards(devices: Iterable[Device], cards: Iterable[AlsaCard]) -> list[Device]:
    """The devices with what is known of their cards."""
    by_number = {card.number: card for card in cards}
    described = []
    for device in devices:
        numbers = hw_numbers(device.name)
        card = by_number.get(numbers[0]) if numbers else None
        described.append(_described(device, card) if card else device)
    return described


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
        return [_from_json(fields) for fields in json.loads(answer.stdout)]
    except subprocess.TimeoutExpired as error:
        raise AudioDeviceError(
            f"The sound cards did not answer within {_LIST_SECONDS:.0f} s: unplug the one that hangs."
        ) from error
    except (subprocess.CalledProcessError, OSError, ValueError, TypeError) as error:
        raise AudioDeviceError(
            "The sound cards cannot be listed: check the ALSA configuration with `aplay -L`."
        ) from error


def _from_json(fields: Mapping[str, object]) -> Device:
    return Device(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})  # type: ignore[arg-type]


def _described(device: Device, card: AlsaCard) -> Device:
    return replace(
        device,
        card_id=card.card_id,
        usb_path=card.usb_path,
        usb_id=card.usb_id,
        kind=card.kind,
        input_rates_hz=card.capture_rates_hz if device.input_channels else (),
        output_rates_hz=card.playout_rates_hz if device.output_channels else (),
    )


def _default(devices: list[Device], usable: list[Device], board_card: str, direction: Direction) -> Choice:
    ours, _ = _matching(usable, ByCard(board_card)) if board_card else ([], "")
    if ours:
        return Choice(ours[0], f'it is the card of the board ("{board_card}")')
    missing = f'the board\'s card "{board_card}" has no {KINDS[direction]} here, and ' if board_card else ""
    for device in sorted(usable, key=lambda device: device.name != DEFAULT):
        if device.is_default(direction) or device.name == DEFAULT:
            return Choice(device, f"{missing}it is the system's default device")
    real = [device for device in usable if hw_numbers(device.name)]
    # A monitor's HDMI comes last: nobody means it who has another card.
    first = min(real or usable, key=lambda device: (device.kind == "hdmi", usable.index(device)))
    default = next((device.name for device in devices if device.is_default("input") or device.is_default("output")), "")
    why = f'the default device "{default}" has none' if default else "the system has no default device"
    return Choice(first, f"{missing}it is the first {'card' if real else 'device'} with {KINDS[direction]} ({why})")


def _matching(usable: list[Device], wanted: _Wanted) -> tuple[list[Device], str]:
    """The devices that are meant, and why; of each card the first device, unless another is named."""
    match wanted:
        case ByCard(card_id=card_id, device=number):
            found = [device for device in usable if device.card_id.casefold() == card_id.casefold()]
            return _first_of_each_card(found, number), f'its ALSA card id is "{card_id}"'
        case ByUsbPort(usb_path=usb_path, device=number):
            found = [device for device in usable if device.usb_path == usb_path]
            return _first_of_each_card(found, number), f"it is plugged into the USB port {usb_path}"
        case ByUsbId(usb_id=usb_id, device=number):
            found = [device for device in usable if device.usb_id == usb_id]
            return _first_of_each_card(found, number), f"its USB id is {usb_id}"
        case ByPart(text=text):
            return _named(usable, text)


def _named(usable: list[Device], text: str) -> tuple[list[Device], str]:
    exact = [device for device in usable if device.name == text]
    if not exact and hw_numbers(text):
        exact = [device for device in usable if without_numbers(device.name) == without_numbers(text)]
    if exact:
        return exact, "it has that name"
    of_card = [device for device in usable if device.card_id and device.card_id.casefold() == text.casefold()]
    if of_card:
        return _first_of_each_card(of_card, None), f'its ALSA card id is "{text}"'
    return [device for device in usable if text.casefold() in device.name.casefold()], f'its name holds "{text}"'


def _first_of_each_card(found: list[Device], number: int | None) -> list[Device]:
    if number is not None:
        return [device for device in found if device.number == number]
    first: dict[str, Device] = {}
    for device in sorted(found, key=lambda device: device.number):
        first.setdefault(device.card_id, device)
    return list(first.values())


def _refusal(
    devices: list[Device], usable: list[Device], refused: ByNumber | ByPlugin, name: str, direction: Direction
) -> str:
    if isinstance(refused, ByPlugin):
        return (
            f'"{name}" converts rates and formats in ALSA, which speakerd does better itself: '
            f'set audio.{direction} to "{refused.hw_name}".'
        )
    named = [device for device in usable if hw_numbers(device.name) == (refused.card, refused.device)]
    return (
        f'"{name}" is a number that changes when cards are plugged in another order: '
        f"set audio.{direction} to {_stable_names(named or usable, devices)}."
    )


def _not_found(devices: list[Device], usable: list[Device], wanted: _Wanted, name: str, direction: Direction) -> str:
    kind = KINDS[direction]
    mute, _ = _matching([device for device in devices if device not in usable], wanted)
    if mute:
        instead = _stable_names(usable, devices)
        return f'"{name}" means {_names(mute)}, which has no {kind}: set audio.{direction} to {instead}.'
    nearest = max(usable, key=lambda device: _likeness(name, device))
    others = [device for device in usable if device is not nearest]
    rest = f", or to {_stable_names(others, devices)}" if others else ""
    return (
        f'No {kind} device is called "{name}": the nearest is {_names([nearest])}, so set audio.{direction} to '
        f'"{stable_name(nearest, devices)}"{rest}, or end the program that holds the card.'
    )


def _likeness(name: str, device: Device) -> float:
    title = without_numbers(device.name)
    known = (title, device.card_id, device.usb_path, device.usb_id, hw_name(device.card_id), *title.split())
    plain = name.casefold().removeprefix("usb:")
    return max(difflib.SequenceMatcher(None, plain, word.casefold()).ratio() for word in known if word)


def _names(devices: Iterable[Device]) -> str:
    return ", ".join(f'"{device.name}"' for device in devices)


def _stable_names(devices: Iterable[Device], every: Iterable[Device]) -> str:
    every = list(every)
    return " or ".join(
        f'"{stable_name(device, every)}"' + (f" ({without_numbers(device.name)})" if device.card_id else "")
        for device in devices
    )
