from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sound_cards import NUMBERED, as_usb_card
from speakerd.audio.alsa_cards import AlsaCard
from speakerd.audio.devices import (
    Choice,
    Device,
    Direction,
    choose,
    list_devices,
    resolve,
    stable_name,
    with_board_card,
    with_cards,
)
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError
from speakerd.settings import AudioSettings

JABRA = Device(0, "Jabra SPEAK 410 USB: Audio (hw:1,0)", 1, 2, 16_000)
HDMI = Device(1, "vc4-hdmi: MAI PCM (hw:0,0)", 0, 2, 48_000, is_default_output=True)
WEBCAM = Device(2, "USB Webcam: Audio (hw:2,0)", 2, 0, 48_000, is_default_input=True)
DEFAULT = Device(3, "default", 32, 32, 44_100)
ALL = [JABRA, HDMI, WEBCAM, DEFAULT]

LEFT = Device(0, "USB PnP Sound Device: Audio (hw:1,0)", 1, 2, 44_100)
RIGHT = Device(1, "USB PnP Sound Device: Audio (hw:2,0)", 1, 2, 44_100)
SEEED = Device(2, "seeed-2mic-voicecard: bcm2835-i2s-wm8960 (hw:3,0)", 2, 2, 44_100)
SECOND = Device(3, "seeed-2mic-voicecard: second (hw:3,1)", 2, 0, 44_100)
MONITOR = Device(4, "vc4-hdmi: MAI PCM (hw:0,0)", 2, 2, 44_100, is_default_output=True)
CARDS = [
    AlsaCard(0, "vc4hdmi", "vc4-hdmi", "hdmi"),
    AlsaCard(1, "Device", "USB PnP Sound Device", "usb", "1-1.2", "0d8c:0014", (48_000,), (44_100, 48_000)),
    AlsaCard(2, "Device_1", "USB PnP Sound Device", "usb", "1-1.3", "0d8c:0014"),
    AlsaCard(3, "seeed2micvoicec", "seeed-2mic-voicecard", "built-in"),
]
PI = with_cards([MONITOR, LEFT, RIGHT, SEEED, SECOND], CARDS)
MONITOR, LEFT, RIGHT, SEEED, SECOND = PI


@pytest.mark.parametrize(
    ("devices", "name", "direction", "found"),
    [
        (ALL, "default", "input", DEFAULT),
        (ALL, "Jabra SPEAK 410 USB: Audio (hw:1,0)", "input", JABRA),
        (ALL, "Jabra SPEAK 410 USB: Audio (hw:7,0)", "input", JABRA),
        (ALL, "jabra", "output", JABRA),
        (ALL, "webcam", "input", WEBCAM),
        (ALL, "USB", "output", JABRA),
        ([JABRA, HDMI, WEBCAM], "default", "input", WEBCAM),
        ([JABRA, HDMI, WEBCAM], "default", "output", HDMI),
        (PI, "CARD=Device", "input", LEFT),
        (PI, "hw:CARD=device_1,DEV=0", "output", RIGHT),
        (PI, "Device_1", "input", RIGHT),
        (PI, "usb:1-1.3", "input", RIGHT),
        (PI[:2], "usb:0d8c:0014", "input", LEFT),
        (PI, "CARD=seeed2micvoicec", "input", SEEED),
        (PI, "hw:CARD=seeed2micvoicec,DEV=1", "input", SECOND),
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
        (
            ALL,
            "Jabbra",
            "input",
            'No capture device is called "Jabbra": the nearest is "Jabra SPEAK 410 USB: Audio (hw:1,0)", so set '
            'audio.input to "Jabra SPEAK 410 USB: Audio (hw:1,0)", or to "USB Webcam: Audio (hw:2,0)" or "default", ',
        ),
        (PI, "CARD=Devise", "input", 'the nearest is "USB PnP Sound Device: Audio (hw:1,0)", so set audio.input to'),
        (PI, "usb:1-1.4", "input", 'set audio.input to "usb:1-1.'),
        (PI, "seed2mic", "input", 'so set audio.input to "CARD=seeed2micvoicec", or to "CARD=vc4hdmi" (vc4-hdmi: MAI'),
        (
            ALL,
            "webcam",
            "output",
            '"webcam" means "USB Webcam: Audio (hw:2,0)", which has no playout: set audio.output to "Jabra',
        ),
        (ALL, "usb", "input", '"usb" could be any of the capture devices "Jabra SPEAK 410 USB: Audio (hw:1,0)", "USB'),
        (
            PI,
            "usb:0d8c:0014",
            "input",
            'set audio.input to "usb:1-1.2" (USB PnP Sound Device: Audio) or "usb:1-1.3" (USB PnP Sound Device: Audio)',
        ),
        ([JABRA, JABRA], JABRA.name, "input", "could be any of the capture devices"),
        (
            PI,
            "hw:3,0",
            "output",
            '"hw:3,0" is a number that changes when cards are plugged in another order: set audio.output to '
            '"CARD=seeed2micvoicec" (seeed-2mic-voicecard: bcm2835-i2s-wm8960).',
        ),
        (PI, "hw:2,0", "output", 'set audio.output to "usb:1-1.3" (USB PnP Sound Device: Audio).'),
        (PI, "plughw:9", "output", 'set audio.output to "CARD=vc4hdmi" (vc4-hdmi: MAI PCM) or "usb:1-1.2"'),
        (
            PI,
            "plughw:CARD=Device",
            "input",
            '"plughw:CARD=Device" converts rates and formats in ALSA, which speakerd does better itself: '
            'set audio.input to "hw:CARD=Device".',
        ),
    ],
)
def test_a_sentence_says_what_is_wrong(devices: list[Device], name: str, direction: Direction, sentence: str) -> None:
    with pytest.raises(AudioDeviceError, match=re.escape(sentence)) as refusal:
        resolve(devices, name, direction)
    assert str(refusal.value).endswith(".")


DEAF = replace(MONITOR, input_channels=0)
NOT_MARKED = replace(MONITOR, is_default_output=False)


@pytest.mark.parametrize(
    ("devices", "name", "direction", "found", "reason"),
    [
        (ALL, "default", "input", DEFAULT, "it is the system's default device"),
        (
            [DEAF, *PI[1:]],
            "default",
            "input",
            LEFT,
            'it is the first card with capture (the default device "vc4-hdmi: MAI PCM (hw:0,0)" has none)',
        ),
        ([NOT_MARKED, *PI[1:]], "default", "output", LEFT, "it is the first card with playout (the system has no"),
        ([NOT_MARKED], "default", "output", NOT_MARKED, "it is the first card with playout"),
        ([replace(DEFAULT, name="pulse")], "default", "input", None, "it is the first device with capture"),
        (PI, "board:seeed2micvoicec", "input", SEEED, 'it is the card of the board ("seeed2micvoicec")'),
        (
            ALL,
            "board:seeed2micvoicec",
            "input",
            DEFAULT,
            "the board's card \"seeed2micvoicec\" has no capture here, and it is the system's default device",
        ),
        (PI, "usb:1-1.2", "input", LEFT, "it is plugged into the USB port 1-1.2"),
        (PI[:2], "usb:0d8c:0014", "input", LEFT, "its USB id is 0d8c:0014"),
        (PI, "CARD=Device", "input", LEFT, 'its ALSA card id is "Device"'),
        (ALL, "jabra", "input", JABRA, 'its name holds "jabra"'),
        (ALL, JABRA.name, "input", JABRA, "it has that name"),
    ],
)
def test_a_choice_has_a_reason(
    devices: list[Device], name: str, direction: Direction, found: Device | None, reason: str
) -> None:
    choice = choose(devices, name, direction)
    assert choice.device is (found or devices[0])
    assert choice.reason.startswith(reason)


def test_the_board_prefers_its_card_in_both_directions_unless_the_owner_chose() -> None:
    settings = AudioSettings(output="jabra")
    preferred = with_board_card(settings, "seeed2micvoicec")
    assert preferred == replace(settings, input="board:seeed2micvoicec")
    assert with_board_card(settings, "") == settings


@st.composite
def machines(draw: st.DrawFn) -> list[AlsaCard]:
    """Cards of a few makes in different ports, with the ids that ALSA gives them."""
    makes = draw(st.lists(st.sampled_from(["Device", "USB", "Webcam"]), min_size=1, max_size=6))
    cards = []
    for number, make in enumerate(makes):
        twins = makes[:number].count(make)
        card_id = f"{make}_{twins}" if twins else make
        cards.append(AlsaCard(number, card_id, make, "usb", f"1-{number + 1}", f"0d8c:{len(make):04}"))
    return cards


def devices_of(cards: list[AlsaCard]) -> list[Device]:
    listed = [
        Device(index, f"{card.name}: Audio (hw:{card.number},{number})", 2, 2, 48_000)
        for index, (card, number) in enumerate((card, number) for card in cards for number in (0, 1))
    ]
    return with_cards(listed, cards)


@given(machines())
def test_a_stable_name_means_its_device(cards: list[AlsaCard]) -> None:
    devices = devices_of(cards)
    for device in devices:
        assert resolve(devices, stable_name(device, devices), "input") is device


@given(machines(), st.randoms(use_true_random=False))
def test_a_stable_name_means_the_same_card_after_a_boot_in_another_order(
    cards: list[AlsaCard], order: random.Random
) -> None:
    before = devices_of(cards)
    shuffled = order.sample(cards, len(cards))
    seen: dict[str, int] = {}
    booted = []
    for number, card in enumerate(shuffled):
        twins = seen.get(card.name, 0)
        seen[card.name] = twins + 1
        booted.append(replace(card, number=number, card_id=f"{card.name}_{twins}" if twins else card.name))
    after = devices_of(booted)
    for device in before:
        found = resolve(after, stable_name(device, before), "input")
        assert (found.usb_path, found.number) == (device.usb_path, device.number)


NAMES = st.one_of(
    st.text(),
    st.from_regex(r"\A(usb:|hw:|plughw:|CARD=|board:|default|hw:CARD=)[\w:,.=-]{0,12}\Z"),
    st.sampled_from([f"hw:{number},0" for number in range(5)]),
)


@given(NAMES, st.sampled_from([ALL, PI]), st.sampled_from(["input", "output"]))
def test_any_name_means_a_usable_device_or_is_refused_in_a_sentence(
    name: str, devices: list[Device], direction: Direction
) -> None:
    answer: Choice | str
    try:
        answer = choose(devices, name, direction)
    except AudioDeviceError as refusal:
        answer = str(refusal)
    if isinstance(answer, str):
        assert answer.endswith(".")
        assert f"set audio.{direction} to " in answer
    else:
        assert answer.device.channels(direction)
        assert answer.reason


def test_portaudio_lists_what_there_is(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card", rate_hz=48_000)
    names = {device.name: device for device in list_devices(card.environment)}
    assert set(names) == {"fakecard", "default"}
    assert names["fakecard"].default_rate_hz == 48_000
    assert (names["fakecard"].input_channels, names["fakecard"].output_channels) == (2, 2)
    assert choose(names.values(), "default", "input").reason == "it is the system's default device"
    with pytest.raises(AudioDeviceError, match='called "fakecart": the nearest is "fakecard"'):
        resolve(names.values(), "fakecart", "input")
    card.unplug()
    assert list(list_devices(card.environment)) == []


def test_portaudios_devices_get_what_the_kernel_knows(tmp_path: Path) -> None:
    devices = list_devices(as_usb_card(FakeCard(tmp_path / "card"), tmp_path / "root"))
    found = resolve(devices, "usb:1-1.2", "input")
    assert (found.name, found.card_id, found.kind) == (NUMBERED, "Device", "usb")
    assert (found.input_rates_hz, found.output_rates_hz) == ((16_000, 48_000), (44_100, 48_000))
    assert resolve(devices, "CARD=Device", "output") == found


def test_a_portaudio_that_dies_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioDeviceError, match="cannot be listed: check the ALSA configuration"):
        list_devices({"PYTHONHOME": str(tmp_path / "nowhere")})
