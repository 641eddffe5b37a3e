"""Detection: a known card or HAT gives its board, a bare Pi the breadboard; otherwise no pin is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from speakerd.gpio.boards import HARDWARE, Board, load_board
from speakerd.gpio.detection import Finding, Machine, detected, this_machine

BOARDS = [load_board(file.parent.name) for file in sorted(HARDWARE.glob("*/board.toml"))]

PI = "Raspberry Pi 4 Model B Rev 1.4"
BUILT_IN = " 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n                      bcm2835 Headphones\n"
SEEED = " 1 [seeed2micvoicec]: seeed-2mic-voic - seeed-2mic-voicecard\n                      seeed-2mic-voicecard\n"
JABRA = " 2 [USB            ]: USB-Audio - Jabra SPEAK 410 USB\n                      GN Netcom at usb-1.3\n"


@pytest.mark.parametrize(
    ("machine", "board", "words"),
    [
        (Machine(), "none", "not a Raspberry Pi"),
        (Machine(model="a laptop", cards=BUILT_IN), "none", "not a Raspberry Pi"),
        (Machine(model=PI, cards=BUILT_IN), "breadboard", PI),
        (Machine(model=PI, cards=BUILT_IN + SEEED), "respeaker-2mic", "seeed2micvoicec"),
        (Machine(model=PI, cards=BUILT_IN + SEEED.replace("seeed2micvoicec", "seeed2micvoic")), "breadboard", PI),
        (Machine(model=PI, cards=BUILT_IN + JABRA), "usb-speakerphone", "Jabra SPEAK"),
        (Machine(model="a laptop", cards=JABRA.upper()), "usb-speakerphone", "Jabra SPEAK"),
        (Machine(model=PI, hat="Display HAT"), "none", "Display HAT"),
        (Machine(model=PI, hat="Display HAT", cards=JABRA), "usb-speakerphone", "Jabra SPEAK"),
    ],
)
def test_the_board_of_a_machine(machine: Machine, board: str, words: str) -> None:
    found = detected(machine, BOARDS)
    assert found.board == board
    assert words in found.why
    assert found.why.endswith(".")


def test_a_hat_is_known_by_its_name() -> None:
    boards = [*BOARDS, Board("other", "Other", known_as=("Voice Bonnet",))]
    assert detected(Machine(model=PI, hat="Fine VOICE Bonnet"), boards) == Finding(
        "other", "Found the HAT Fine VOICE Bonnet: Other."
    )


def test_what_the_kernel_does_not_say_is_empty(tmp_path: Path) -> None:
    assert this_machine(tmp_path) == Machine()


def test_the_device_tree_ends_its_words_with_a_zero(tmp_path: Path) -> None:
    tree = tmp_path / "proc/device-tree"
    (tree / "hat").mkdir(parents=True)
    (tree / "model").write_bytes(PI.encode() + b"\0")
    (tree / "hat/product").write_bytes(b"Display HAT\0")
    (tmp_path / "proc/asound").mkdir()
    (tmp_path / "proc/asound/cards").write_text(BUILT_IN)
    assert this_machine(tmp_path) == Machine(BUILT_IN.strip(), "Display HAT", PI)
