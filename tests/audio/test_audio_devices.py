from __future__ import annotations

import re
from pathlib import Path

import pytest

from speakerd.audio.devices import Device, Direction, list_devices, resolve
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError

JABRA = Device(0, "Jabra SPEAK 410 USB: Audio (hw:1,0)", 1, 2, 16_000)
HDMI = Device(1, "vc4-hdmi: MAI PCM (hw:0,0)", 0, 2, 48_000, is_default_output=True)
WEBCAM = Device(2, "USB Webcam: Audio (hw:2,0)", 2, 0, 48_000, is_default_input=True)
DEFAULT = Device(3, "default", 32, 32, 44_100)
ALL = [JABRA, HDMI, WEBCAM, DEFAULT]


@pytest.mark.parametrize(
    ("devices", "name", "direction", "found"),
    [
        (ALL, "default", "input", DEFAULT),
        (ALL, "Jabra SPEAK 410 USB: Audio (hw:1,0)", "input", JABRA),
        (ALL, "jabra", "output", JABRA),
        (ALL, "webcam", "input", WEBCAM),
        (ALL, "USB", "output", JABRA),
        ([JABRA, HDMI, WEBCAM], "default", "input", WEBCAM),
        ([JABRA, HDMI, WEBCAM], "default", "output", HDMI),
    ],
)
def test_a_name_finds_its_device(devices: list[Device], name: str, direction: Direction, found: Device) -> None:
    assert resolve(devices, name, direction) is found


@pytest.mark.parametrize(
    ("devices", "name", "direction", "sentence"),
    [
        ([], "default", "input", "There is no sound card for capture: plug one in"),
        ([HDMI], "default", "input", "There is no sound card for capture"),
        ([WEBCAM], "default", "output", "There is no sound card for playout"),
        (ALL, "Focusrite", "input", 'No capture device is called "Focusrite": set audio.input to one of "Jabra'),
        (ALL, "webcam", "output", 'No playout device is called "webcam": set audio.output to one of "Jabra'),
        (ALL, "usb", "input", '"usb" could be any of the capture devices "Jabra SPEAK 410 USB: Audio (hw:1,0)", "USB'),
        ([JABRA, JABRA], JABRA.name, "input", "set audio.input to a longer part."),
    ],
)
def test_a_sentence_says_what_is_wrong(devices: list[Device], name: str, direction: Direction, sentence: str) -> None:
    with pytest.raises(AudioDeviceError, match=re.escape(sentence)) as refusal:
        resolve(devices, name, direction)
    assert str(refusal.value).endswith(".")


def test_portaudio_lists_what_there_is(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card", rate_hz=48_000)
    names = {device.name: device for device in list_devices(card.environment)}
    assert set(names) == {"fakecard", "default"}
    assert names["fakecard"].default_rate_hz == 48_000
    assert (names["fakecard"].input_channels, names["fakecard"].output_channels) == (2, 2)
    card.unplug()
    assert list(list_devices(card.environment)) == []


def test_a_portaudio_that_dies_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioDeviceError, match="cannot be listed: check the ALSA configuration"):
        list_devices({"PYTHONHOME": str(tmp_path / "nowhere")})
