"""Boards: the shipped ones hold what their READMEs say, and every mistake in a board.toml is one exact sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from speakerd.errors import BoardError
from speakerd.gpio.boards import HARDWARE, I2S_PINS, Board, load_board, parse_board

SHIPPED = ["aiy-voice", "breadboard", "breadboard-rgb", "respeaker-2mic", "usb-speakerphone"]

FACTS = {
    "breadboard": Board("breadboard", "Breadboard with one LED", action_pin=17, mute_pin=22, led_pin=27),
    "breadboard-rgb": Board(
        "breadboard-rgb", "Breadboard with an RGB LED", action_pin=17, mute_pin=22, rgb_pins=(5, 6, 13)
    ),
    "respeaker-2mic": Board("respeaker-2mic", "ReSpeaker 2-Mics Pi HAT", "seeed2micvoicec", i2s=True, action_pin=17),
    "aiy-voice": Board("aiy-voice", "Google AIY Voice HAT", "sndrpigooglevoi", i2s=True, action_pin=23, led_pin=25),
    "usb-speakerphone": Board(
        "usb-speakerphone",
        "USB speakerphone",
        known_as=("Jabra SPEAK", "PowerConf", "eMeet"),
        hardware_aec=True,
    ),
    "none": Board("none"),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_shipped_board_is_what_its_readme_says(name: str) -> None:
    assert load_board(name) == FACTS[name]


def test_every_shipped_folder_is_a_board_with_a_readme() -> None:
    assert sorted(folder.name for folder in HARDWARE.iterdir()) == SHIPPED
    for name in SHIPPED:
        readme = (HARDWARE / name / "README.md").read_text(encoding="utf-8")
        assert readme.startswith(f"# {name}: ")
        assert "not tried" in readme, "a README must not let its reader believe that the board was tried"
        board = load_board(name)
        assert board.title
        for pin in (board.action_pin, board.mute_pin, board.led_pin, *(board.rgb_pins or ())):
            assert pin is None or f"GPIO{pin}" in readme or f"| {pin} |" in readme


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"tittle": "x"}, 'unknown key "tittle": did you mean "title"?'),
        ({"sound": "x"}, 'unknown key "sound": known keys are title, card, known_as, hardware_aec, i2s, pins.'),
        ({"pins": {"acton": 17}}, 'unknown key "pins.acton": did you mean "pins.action"?'),
        ({"pins": {"buzzer": 17}}, 'unknown key "pins.buzzer": known keys are action, mute, led, rgb.'),
        ({"title": 5}, '"title" must be a string, not 5.'),
        ({"hardware_aec": "yes"}, "\"hardware_aec\" must be true or false, not 'yes'."),
        ({"known_as": "Jabra"}, "\"known_as\" must be a list of names, not 'Jabra'."),
        ({"known_as": [""]}, "\"known_as\" must be a list of names, not ['']."),
        ({"pins": 17}, '"pins" must be a table, not 17.'),
        ({"pins": {"action": "17"}}, "\"pins.action\" must be a GPIO number from 0 to 27, not '17'."),
        ({"pins": {"action": True}}, '"pins.action" must be a GPIO number from 0 to 27, not True.'),
        ({"pins": {"mute": -1}}, '"pins.mute" must be a GPIO number from 0 to 27, not -1.'),
        ({"pins": {"led": 28}}, '"pins.led" must be a GPIO number from 0 to 27, not 28.'),
        (
            {"pins": {"rgb": [5, 6]}},
            '"pins.rgb" must be a list of three pins (red, green, blue), not [5, 6].',
        ),
        ({"pins": {"rgb": 5}}, '"pins.rgb" must be a list of three pins (red, green, blue), not 5.'),
        ({"pins": {"rgb": [5, 6, 40]}}, '"pins.rgb" must be a GPIO number from 0 to 27, not 40.'),
        (
            {"pins": {"led": 27, "rgb": [5, 6, 13]}},
            '"pins.led" and "pins.rgb" exclude each other: keep the one that is wired.',
        ),
        ({"pins": {"action": 17, "led": 17}}, '"pins.action" and "pins.led" both use GPIO17: give each its own pin.'),
        ({"pins": {"mute": 6, "rgb": [5, 6, 13]}}, '"pins.mute" and "pins.rgb" both use GPIO6: give each its own pin.'),
        ({"pins": {"rgb": [5, 5, 13]}}, '"pins.rgb" and "pins.rgb" both use GPIO5: give each its own pin.'),
    ],
)
def test_a_mistake_is_one_sentence(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(BoardError) as raised:
        parse_board("mine", table)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("pin", I2S_PINS)
@pytest.mark.parametrize("key", ["action", "mute", "led"])
def test_an_audio_hat_keeps_its_pins(pin: int, key: str) -> None:
    with pytest.raises(BoardError) as raised:
        parse_board("mine", {"i2s": True, "pins": {key: pin}})
    assert str(raised.value) == f'"pins.{key}" must not be GPIO{pin}: the sound card uses GPIO18 to 21 (i2s = true).'


def test_pins_beside_those_of_the_hat_are_free_and_without_a_hat_all_are() -> None:
    beside = parse_board("mine", {"i2s": True, "pins": {"action": 17, "led": 22}})
    assert (beside.action_pin, beside.led_pin) == (17, 22)
    assert parse_board("mine", {"pins": {"action": 18, "mute": 0, "led": 27}}).action_pin == 18


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "bredboard",
            f'unknown board "bredboard": did you mean "breadboard"? choose one of {", ".join(SHIPPED)}, none.',
        ),
        ("xyz", f'unknown board "xyz": choose one of {", ".join(SHIPPED)}, none.'),
        ("", f'unknown board "": choose one of {", ".join(SHIPPED)}, none.'),
        ("../hardware", f'unknown board "../hardware": choose one of {", ".join(SHIPPED)}, none.'),
    ],
)
def test_an_unknown_board_is_answered_with_the_known_ones(name: str, sentence: str) -> None:
    with pytest.raises(BoardError) as raised:
        load_board(name)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"title = ", "{file} is not valid TOML: Invalid value (at end of document)."),
        (b"card = 5", '{file}: "card" must be a string, not 5.'),
        (b"\xff", "{file} is not valid TOML: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte."),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: bytes, sentence: str) -> None:
    file = tmp_path / "mine" / "board.toml"
    file.parent.mkdir()
    file.write_bytes(text)
    with pytest.raises(BoardError) as raised:
        load_board("mine", tmp_path)
    assert str(raised.value) == sentence.format(file=file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine" / "board.toml").mkdir(parents=True)
    with pytest.raises(BoardError) as raised:
        load_board("mine", tmp_path)
    file = tmp_path / "mine" / "board.toml"
    assert str(raised.value) == f"{file} cannot be read (Is a directory): check its permissions."
