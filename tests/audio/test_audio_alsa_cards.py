"""What the kernel's files tell of a card, from trees as a Raspberry Pi has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sound_cards import add_card, add_usb_card, hold
from speakerd.audio.alsa_cards import ROOT_VARIABLE, AlsaCard, Holder, alsa_cards, alsa_root, holders


def test_every_fact_of_every_card(tmp_path: Path) -> None:
    add_card(tmp_path, 0, "vc4hdmi", "vc4-hdmi")
    add_usb_card(tmp_path, 1, "Device", "USB PnP Sound Device", "1-1.2", "0D8C:0014")
    add_card(tmp_path, 2, "seeed2micvoicec", "seeed-2mic-voicecard")
    assert alsa_cards(tmp_path) == [
        AlsaCard(0, "vc4hdmi", "vc4-hdmi", "hdmi"),
        AlsaCard(1, "Device", "USB PnP Sound Device", "usb", "1-1.2", "0d8c:0014", (16_000, 48_000), (44_100, 48_000)),
        AlsaCard(2, "seeed2micvoicec", "seeed-2mic-voicecard", "built-in"),
    ]


@pytest.mark.parametrize(
    ("listed", "rates_hz"),
    [
        ("48000", (48_000,)),
        ("48000, 16000, 48000", (16_000, 48_000)),
        ("8000 - 24000 (continuous)", (8_000, 11_025, 16_000, 22_050, 24_000)),
    ],
)
def test_rates_as_usb_cards_list_them(tmp_path: Path, listed: str, rates_hz: tuple[int, ...]) -> None:
    add_usb_card(tmp_path, 1, "Device", "USB PnP Sound Device", "1-1.2", "0d8c:0014", listed)
    [card] = alsa_cards(tmp_path)
    assert card.capture_rates_hz == rates_hz
    assert card.playout_rates_hz == (44_100, 48_000)


def test_what_is_missing_is_unknown(tmp_path: Path) -> None:
    assert alsa_cards(tmp_path) == []
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text("--- no soundcards ---\n")
    assert alsa_cards(tmp_path) == []
    (tmp_path / "proc/asound/cards").write_text(" 3 [Odd            ]: nameless\n")
    assert alsa_cards(tmp_path) == [AlsaCard(3, "Odd", "nameless", "built-in")]
    assert holders(alsa_cards(tmp_path)[0], tmp_path) == []


def test_who_holds_a_card(tmp_path: Path) -> None:
    folder = add_usb_card(tmp_path, 1, "Device", "USB PnP Sound Device", "1-1.2", "0d8c:0014")
    hold(tmp_path, folder, 812, "arecord")
    [card] = alsa_cards(tmp_path)
    assert holders(card, tmp_path) == [Holder(812, "arecord")]


def test_the_root_is_the_machine_unless_the_environment_says_so() -> None:
    assert alsa_root({}) == Path("/")
    assert alsa_root({ROOT_VARIABLE: "/elsewhere"}) == Path("/elsewhere")
