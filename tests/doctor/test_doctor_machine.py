"""The machine under the speaker: for each thing that may be wrong, the sentence that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speakerd.doctor.finding import Finding
from speakerd.doctor.machine import board_findings, chip_permissions, clock, control_socket, disk, groups, machine
from speakerd.doctor.patient import Patient, with_secrets
from speakerd.gpio.boards import Board
from speakerd.settings import ControlSettings, Settings

BUTTONS = Board("kitchen", action_pin=17, rgb_pins=(5, 6, 13))
NOON = 1_795_694_400.0


def patient(folder: Path, board: str = "none") -> Patient:
    control = ControlSettings(socket=str(folder / "control.sock"))
    return Patient(Settings(board=board, state_folder=str(folder / "state"), control=control), {}, {})


@pytest.mark.parametrize(
    ("now_seconds", "is_synchronised", "state", "words"),
    [
        (NOON, True, "ok", "2026-11-26 12:00 UTC, set from the network"),
        (NOON, False, "ok", "not set from the network yet"),
        (NOON, None, "ok", "as far as known"),
        (0.0, False, "failed", "This machine believes that it is 1970-01-01 00:00 UTC: wait until it is set"),
    ],
)
def test_the_clock(now_seconds: float, is_synchronised: bool | None, state: str, words: str) -> None:
    finding = clock(now_seconds, is_synchronised)
    assert finding.state == state
    assert words in finding.text


def test_the_disk(tmp_path: Path) -> None:
    assert disk(patient(tmp_path)).state == "ok"
    assert list((tmp_path / "state").iterdir()) == [], "nothing is left behind"
    full = disk(patient(tmp_path), least_free_bytes=2**62)
    assert full.state == "failed"
    assert full.text.startswith("Only ")
    (tmp_path / "file").touch()
    wrong = disk(Patient(Settings(state_folder=str(tmp_path / "file/state")), {}, {}))
    assert wrong.state == "failed"
    assert 'set "state_folder" to one that can' in wrong.text


@pytest.mark.parametrize(
    ("known", "state", "words"),
    [
        (set(), "skipped", "scripts/install"),
        ({"speakerd", "audio", "gpio", "spi"}, "failed", "There is no group i2c, in which the service is to be"),
        ({"speakerd", "audio", "gpio", "spi", "i2c", "x"}, "ok", "audio, gpio, spi, i2c"),
    ],
)
def test_the_groups_of_the_service(known: set[str], state: str, words: str) -> None:
    finding = groups(known)
    assert finding.state == state
    assert words in finding.text


def test_the_groups_are_those_of_the_unit() -> None:
    unit = (Path(__file__).parents[2] / "systemd/speakerd.service").read_text()
    (line,) = (line for line in unit.splitlines() if line.startswith("SupplementaryGroups="))
    assert line.partition("=")[2].split() == ["audio", "gpio", "spi", "i2c"]


def test_a_control_socket_for_everybody_is_none_for_us(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    assert control_socket(path, is_running=False).state == "skipped"
    path.touch(0o660)
    assert control_socket(path, is_running=True).state == "ok"
    path.chmod(0o666)
    assert control_socket(path, is_running=True).state == "failed"


def test_a_board_without_pins_needs_no_chip(tmp_path: Path) -> None:
    (finding,) = board_findings(Board("none"), tmp_path, is_running=False)
    assert finding == Finding("GPIO", "skipped", 'the board "none" has no pins')


def test_a_board_with_pins_on_a_machine_without(tmp_path: Path) -> None:
    (finding,) = board_findings(BUTTONS, tmp_path, is_running=False)
    assert finding.state == "failed"
    assert f'There is no GPIO chip in {tmp_path}: set board = "none"' in finding.text


def test_pins_that_the_speaker_holds_are_not_opened_again(tmp_path: Path) -> None:
    (tmp_path / "gpiochip0").touch()
    *_, finding = board_findings(BUTTONS, tmp_path, is_running=True)
    assert finding == Finding("GPIO", "ok", "the running speaker holds the board's pins")
    *_, finding = board_findings(BUTTONS, tmp_path, is_running=False)
    assert finding.state == "failed", "it is a file"
    assert 'set board = "none"' in finding.text


def test_a_chip_of_another_group(tmp_path: Path) -> None:
    chip = tmp_path / "gpiochip0"
    chip.touch(0o600)
    finding = chip_permissions(chip)
    assert finding.state == "failed"
    assert "run scripts/install again, which adds a udev rule" in finding.text


async def test_all_of_them(tmp_path: Path) -> None:
    found = [finding.part async for finding in machine(patient(tmp_path))]
    assert found == ["time", "disk", "groups", "control socket", "GPIO"]
    *_, board = [finding async for finding in machine(patient(tmp_path, "bredboard"))]
    assert board.state == "failed"
    assert 'did you mean "breadboard"' in board.text


def test_keys_are_found_where_the_unit_takes_them_from(tmp_path: Path) -> None:
    assert with_secrets({}, tmp_path) == {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert with_secrets({"CREDENTIALS_DIRECTORY": "/run/x"}, tmp_path)["CREDENTIALS_DIRECTORY"] == "/run/x"
    assert with_secrets({}, tmp_path / "none") == {}
    assert os.environ.get("CREDENTIALS_DIRECTORY", "") == ""
