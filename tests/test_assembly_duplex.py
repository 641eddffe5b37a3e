"""When the microphone stays open over our own sound: what settings, board and the stored verdict come to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from speakerd.assembly import audio_for
from speakerd.audio import echo_verdict
from speakerd.audio.echo_verdict import EchoVerdict
from speakerd.errors import ConfigurationError
from speakerd.gpio.boards import Board
from speakerd.settings import AudioSettings, Settings

PLAIN, SPEAKERPHONE, HAT = Board("none"), Board("usb-speakerphone", hardware_aec=True), Board("hat", card="seeed")
MINE = AudioSettings(input="CARD=Device", output="CARD=Device")
PASSED = EchoVerdict(True, "CARD=Device", "CARD=Device", "software", 93.0, 0.5, 31.0, barge_ins=0, self_wakes=0)
FAILED = replace(PASSED, passed=False)
OTHERS = replace(PASSED, output="usb:1-1.2")
BY_CARD = replace(PASSED, canceller="none")


def came_to(tmp_path: Path, audio: AudioSettings, board: Board, verdict: EchoVerdict | None) -> tuple[str, str]:
    """Duplex and canceller."""
    if verdict is not None:
        echo_verdict.save(tmp_path, verdict)
    found = audio_for(Settings(audio=audio, state_folder=str(tmp_path)), board)
    return found.duplex, found.canceller


@pytest.mark.parametrize(
    ("audio", "board", "verdict", "expected"),
    [
        (MINE, PLAIN, None, ("half", "software")),
        (MINE, PLAIN, PASSED, ("full", "software")),
        (MINE, PLAIN, FAILED, ("half", "software")),
        (MINE, PLAIN, OTHERS, ("half", "software")),
        (MINE, PLAIN, BY_CARD, ("half", "software")),
        (replace(MINE, canceller="none"), PLAIN, PASSED, ("half", "none")),
        (replace(MINE, duplex="full"), PLAIN, PASSED, ("full", "software")),
        (replace(MINE, duplex="half"), PLAIN, PASSED, ("half", "software")),
        (MINE, SPEAKERPHONE, None, ("full", "none")),
        (MINE, SPEAKERPHONE, replace(BY_CARD, passed=False), ("full", "none")),
        (replace(MINE, duplex="full"), SPEAKERPHONE, None, ("full", "none")),
        (replace(MINE, duplex="half"), SPEAKERPHONE, None, ("half", "none")),
        (replace(MINE, canceller="software"), SPEAKERPHONE, None, ("half", "software")),
        (replace(MINE, canceller="software"), SPEAKERPHONE, PASSED, ("full", "software")),
    ],
)
def test_full_duplex_needs_the_board_or_a_passed_test(
    tmp_path: Path, audio: AudioSettings, board: Board, verdict: EchoVerdict | None, expected: tuple[str, str]
) -> None:
    assert came_to(tmp_path, audio, board, verdict) == expected


@pytest.mark.parametrize("verdict", [None, FAILED, OTHERS])
def test_full_duplex_without_a_passed_test_is_refused(tmp_path: Path, verdict: EchoVerdict | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        came_to(tmp_path, replace(MINE, duplex="full"), PLAIN, verdict)
    assert str(refused.value) == (
        '"audio.duplex" must be "half" or "auto" on the board "none" until `speakerd doctor echo` has passed with this '
        "sound card: else the speaker would answer itself."
    )


def test_the_boards_card_is_what_was_tested(tmp_path: Path) -> None:
    audio = audio_for(Settings(state_folder=str(tmp_path)), HAT)
    assert audio.duplex == "half"
    echo_verdict.save(tmp_path, replace(PASSED, input=audio.input, output=audio.output))
    assert audio_for(Settings(state_folder=str(tmp_path)), HAT).duplex == "full"
    assert audio_for(Settings(state_folder=str(tmp_path)), PLAIN).duplex == "half"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"passed": true}', "\xff"])
def test_a_damaged_verdict_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "echo.json").write_text(text, encoding="latin-1")
    assert came_to(tmp_path, MINE, PLAIN, None) == ("half", "software")
