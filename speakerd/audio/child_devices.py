"""What PortAudio knows of the cards, and the formats in which they may be opened; for the card's process only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyaudio

from speakerd.audio.alsa_cards import alsa_cards
from speakerd.audio.child_streams import Format
from speakerd.audio.devices import Device, Direction, with_cards

_RATES_HZ = (48_000, 44_100, 32_000, 24_000, 16_000, 96_000, 192_000, 22_050, 11_025, 8_000)
_FRAME_MS = (10, 20)


def devices_of(audio: pyaudio.PyAudio) -> list[Device]:
    """All devices, with what is known of their cards."""
    defaults = {}
    for direction, ask in (
        ("input", audio.get_default_input_device_info),
        ("output", audio.get_default_output_device_info),
    ):
        try:
            defaults[direction] = ask()["index"]
        except OSError:
            defaults[direction] = None
    infos = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    devices = [
        Device(
            index=info["index"],
            name=info["name"],
            input_channels=info["maxInputChannels"],
            output_channels=info["maxOutputChannels"],
            default_rate_hz=round(info["defaultSampleRate"]),
            is_default_input=info["index"] == defaults["input"],
            is_default_output=info["index"] == defaults["output"],
        )
        for info in infos
    ]
    return with_cards(devices, alsa_cards())


def formats(device: Device, counts: list[int], kind: Format) -> Iterator[Format]:
    """How a stream may be opened, the best first: short blocks, then the card's own rate."""
    # PortAudio calls 44.1 kHz the default of every device that takes it, though cards are made for 48.
    first = (device.default_rate_hz,) if device.default_rate_hz != 44_100 else ()
    for block_ms in _FRAME_MS:
        for rate_hz in dict.fromkeys((*first, *_RATES_HZ)):
            for channels in counts:
                yield replace(kind, rate_hz=rate_hz, block_ms=block_ms, channels=channels)


def refusal(device: Device, directions: tuple[Direction, ...], error: OSError) -> str:
    """Why a card cannot be opened, in one sentence."""
    kind = "capture" if "input" in directions else "playout"
    if error.errno == -9985:
        return (
            f'The sound card "{device.name}" is busy or gone ({kind}): plug it in, or end the program that holds it '
            "(fuser -v /dev/snd/*)."
        )
    return f'The sound card "{device.name}" refuses {kind} in every format ({error.strerror}): choose another device.'
