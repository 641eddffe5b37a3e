from __future__ import annotations

import pytest

from speakerd.audio.device_names import (
    ByCard,
    ByDefault,
    ByNumber,
    ByPart,
    ByPlugin,
    ByUsbId,
    ByUsbPort,
    Meaning,
    hw_name,
    hw_numbers,
    meaning,
    preferring,
    without_numbers,
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("default", ByDefault()),
        ("board:seeed2micvoicec", ByDefault("seeed2micvoicec")),
        ("CARD=Device", ByCard("Device")),
        ("card=Device", ByCard("Device")),
        ("hw:CARD=Device", ByCard("Device")),
        ("hw:CARD=Device,DEV=0", ByCard("Device", 0)),
        ("hw:Device_1,2", ByCard("Device_1", 2)),
        ("usb:1-1.2", ByUsbPort("1-1.2")),
        ("usb:1-1.2,DEV=1", ByUsbPort("1-1.2", 1)),
        ("usb:0D8C:0014", ByUsbId("0d8c:0014")),
        ("usb:0d8c:0014,DEV=1", ByUsbId("0d8c:0014", 1)),
        ("hw:1,0", ByNumber(1, 0)),
        ("hw:2", ByNumber(2, 0)),
        ("CARD=1", ByNumber(1, 0)),
        ("plughw:1,0", ByNumber(1, 0)),
        ("plughw:CARD=Device,DEV=0", ByPlugin("hw:CARD=Device")),
        ("sysdefault:CARD=Device", ByPlugin("hw:CARD=Device")),
        ("dsnoop:Device,1", ByPlugin("hw:CARD=Device,DEV=1")),
        ("jabra", ByPart("jabra")),
        ("usb", ByPart("usb")),
        ("usb:mouse", ByPart("usb:mouse")),
        ("Jabra SPEAK 410 USB: Audio (hw:1,0)", ByPart("Jabra SPEAK 410 USB: Audio (hw:1,0)")),
    ],
)
def test_what_a_name_means(name: str, meant: Meaning) -> None:
    assert meaning(name) == meant


@pytest.mark.parametrize(
    ("name", "board_card", "preferred"),
    [
        ("default", "seeed2micvoicec", "board:seeed2micvoicec"),
        ("default", "", "default"),
        ("jabra", "seeed2micvoicec", "jabra"),
    ],
)
def test_the_board_has_a_say_where_the_owner_has_none(name: str, board_card: str, preferred: str) -> None:
    assert preferring(name, board_card) == preferred


@pytest.mark.parametrize(
    ("name", "numbers", "plain"),
    [
        ("Jabra SPEAK 410 USB: Audio (hw:1,0)", (1, 0), "Jabra SPEAK 410 USB: Audio"),
        ("hw:12,3", (12, 3), "hw:12,3"),
        ("default", None, "default"),
    ],
)
def test_numbers_in_portaudios_names(name: str, numbers: tuple[int, int] | None, plain: str) -> None:
    assert hw_numbers(name) == numbers
    assert without_numbers(name) == plain


def test_the_first_device_of_a_card_goes_without_saying() -> None:
    assert hw_name("Device") == hw_name("Device", 0) == "hw:CARD=Device"
    assert hw_name("Device", 1) == "hw:CARD=Device,DEV=1"
