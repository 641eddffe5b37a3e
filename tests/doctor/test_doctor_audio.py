"""`speakerd doctor audio`: on a healthy fake card, and for each thing that may be wrong."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sound_cards import NUMBERED, as_usb_card, hold
from speakerd.audio.alsa_cards import ROOT_VARIABLE
from speakerd.audio.echo_verdict import EchoVerdict
from speakerd.audio.plane import AudioHealth
from speakerd.demo.card import FakeCard
from speakerd.doctor.audio import echo, health_findings, permissions, run_audio
from speakerd.doctor.finding import Finding
from speakerd.gpio.boards import Board
from speakerd.settings import AudioSettings, ControlSettings, Settings

PARTS = [
    *("cards", "permissions", "capture", "playout", "other programs"),
    *("opening", "microphone", "xruns", "clock", "echo"),
]


def settings(tmp_path: Path, name: str = "CARD=Device") -> Settings:
    control = ControlSettings(socket=str(tmp_path / "control.sock"))
    audio = AudioSettings(input=name, output=name)
    return Settings(board="none", state_folder=str(tmp_path / "state"), audio=audio, control=control)


def examined(settings: Settings, environment: Mapping[str, str]) -> tuple[int, dict[str, Finding]]:
    out = io.StringIO()
    code = run_audio(settings, as_json=True, environment=environment, out=out)
    findings = [Finding(**fields) for fields in json.loads(out.getvalue())["findings"]]
    return code, {finding.part: finding for finding in findings}


def room(tmp_path: Path) -> tuple[FakeCard, Mapping[str, str]]:
    card = FakeCard(tmp_path / "card")
    card.fill_room_noise(30, -55.0, seed=2)
    return card, as_usb_card(card, tmp_path / "root")


def test_a_healthy_card(tmp_path: Path) -> None:
    card, environment = room(tmp_path)
    devices = tmp_path / "root/dev/snd"
    devices.mkdir(parents=True)
    (devices / "pcmC1D0c").touch()
    code, findings = examined(settings(tmp_path), environment)
    assert list(findings) == PARTS
    assert findings["cards"].text == "Device (USB PnP Sound Device)"
    assert findings["capture"].text == f'"{NUMBERED}", because its ALSA card id is "Device"'
    [level, _] = [int(word) for word in re.findall(r"-?\d+", findings["microphone"].text)]
    assert -64 < level < -50
    if not card.faults():
        assert code == 0
        assert [finding.part for finding in findings.values() if finding.state != "ok"] == ["echo"]


def test_the_findings_in_words_as_they_come(tmp_path: Path) -> None:
    card, environment = room(tmp_path)
    card.make_busy()
    out = io.StringIO()
    assert run_audio(settings(tmp_path), as_json=False, environment=environment, out=out) == 69
    lines = out.getvalue().splitlines()
    assert lines[0] == "cards            ok: Device (USB PnP Sound Device)"
    assert lines[1].startswith("permissions      skipped: there is no sound device in ")
    assert lines[
        2
    ] == "capture          There is no sound card for capture: plug one in, or end the program that holds it " + (
        "(fuser -v /dev/snd/*)."
    )


def test_a_program_that_holds_the_card_is_named(tmp_path: Path) -> None:
    _, environment = room(tmp_path)
    root = tmp_path / "root"
    hold(root, root / "proc/asound/card1", 812, "arecord")
    code, findings = examined(settings(tmp_path), environment)
    assert code == 69
    assert findings["other programs"] == Finding(
        "other programs", "failed", 'arecord (process 812) holds the card "Device": end it.'
    )


def test_the_running_speaker_may_hold_it_and_is_not_disturbed(tmp_path: Path) -> None:
    _, environment = room(tmp_path)
    root = tmp_path / "root"
    hold(root, root / "proc/asound/card1", 812, "python3")
    with socket.socket(socket.AF_UNIX) as speaker:
        speaker.bind(str(tmp_path / "control.sock"))
        speaker.listen()
        code, findings = examined(settings(tmp_path), environment)
    assert code == 0
    assert findings["other programs"].text == "the running speaker holds the card"
    assert findings["opening"].state == "skipped"
    assert "microphone" not in findings


def test_a_wrong_name_and_a_dead_microphone(tmp_path: Path) -> None:
    environment = as_usb_card(FakeCard(tmp_path / "card"), tmp_path / "root")
    code, findings = examined(settings(tmp_path, "CARD=Devise"), environment)
    assert code == 69
    assert findings["capture"].state == findings["playout"].state == "failed"
    assert f'the nearest is "{NUMBERED}"' in findings["capture"].text
    assert "opening" not in findings
    code, findings = examined(settings(tmp_path), environment)
    assert code == 69
    assert findings["microphone"].text.startswith("The microphone sends one constant value")


class Grabbing(io.StringIO):
    """Another program takes the card just after the look at who holds it."""

    def __init__(self, card: FakeCard) -> None:
        super().__init__()
        self._card = card

    def write(self, text: str) -> int:
        if text.startswith("other programs"):
            self._card.make_busy()
        return super().write(text)


def test_a_card_that_cannot_be_opened(tmp_path: Path) -> None:
    card, environment = room(tmp_path)
    out = Grabbing(card)
    assert run_audio(settings(tmp_path), as_json=False, environment=environment, out=out) == 69
    lines = {line.split("  ")[0]: line for line in out.getvalue().splitlines()}
    assert lines["opening"].split(maxsplit=1)[1].startswith("There is no sound card for ")
    assert "microphone" not in lines
    assert list(lines)[-1] == "echo"


def test_devices_without_a_card_are_no_failure(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.fill_room_noise(30, -55.0, seed=2)
    _, findings = examined(settings(tmp_path, "fakecard"), card.environment | {ROOT_VARIABLE: str(tmp_path)})
    assert findings["cards"] == Finding("cards", "skipped", "the kernel shows none, but ALSA has devices without one")


def test_no_card_at_all(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.unplug()
    code, findings = examined(settings(tmp_path), card.environment | {ROOT_VARIABLE: str(tmp_path)})
    assert code == 69
    assert findings["cards"].text.startswith("The kernel shows no sound card: plug one in")
    assert [part for part, finding in findings.items() if finding.state == "failed"] == ["cards", "capture", "playout"]


def test_sound_devices_that_we_may_not_open(tmp_path: Path) -> None:
    assert permissions(tmp_path / "none").state == "skipped"
    (tmp_path / "pcmC0D0c").touch()
    assert permissions(tmp_path) == Finding("permissions", "ok", f"{tmp_path} may be opened")
    (tmp_path / "pcmC0D0p").symlink_to(tmp_path / "gone")  # refused even to root
    refused = permissions(tmp_path)
    assert refused.state == "failed"
    assert refused.text.startswith(f"You may not open {tmp_path / 'pcmC0D0p'}: join the group audio")


@dataclass(frozen=True)
class FullHealth(AudioHealth):
    """The health of a plane that measures more."""

    capture_rate_hz: int | None = 48_000
    capture_channels: int = 2
    block_ms: int | None = 10
    capture_ppm: float | None = None
    playout_ppm: float | None = None


HEALTH = FullHealth(
    is_capture_open=True,
    last_mic_frame_at=1.0,
    last_pulse_at=1.0,
    frames=300,
    overruns=0,
    underruns=0,
    restarts=0,
    uplinks=(),
)


@pytest.mark.parametrize(
    ("health", "findings"),
    [
        (
            HEALTH,
            [
                Finding("opening", "ok", "capture rate 48000, capture channels 2, block ms 10"),
                Finding("xruns", "ok", "none in 3 s"),
                Finding("clock", "skipped", "its drift was not measured"),
            ],
        ),
        (
            replace(HEALTH, overruns=2, underruns=1, block_ms=None, capture_ppm=38.4, playout_ppm=-12.0),
            [
                Finding("opening", "ok", "capture rate 48000, capture channels 2"),
                Finding(
                    "xruns",
                    "failed",
                    "2 overruns and 1 underruns in 3 s: end other programs, "
                    "and check the power supply (vcgencmd get_throttled).",
                ),
                Finding("clock", "ok", "capture +38 ppm, playout -12 ppm"),
            ],
        ),
        (
            replace(HEALTH, playout_ppm=900.0),
            [
                Finding("opening", "ok", "capture rate 48000, capture channels 2, block ms 10"),
                Finding("xruns", "ok", "none in 3 s"),
                Finding(
                    "clock",
                    "failed",
                    "The card's clock is far off (playout +900 ppm): check its cable and hub, or choose another card.",
                ),
            ],
        ),
    ],
)
def test_what_health_tells(health: AudioHealth, findings: list[Finding]) -> None:
    assert list(health_findings(health, 3.04)) == findings


PLAIN, SPEAKERPHONE = Board("none"), Board("usb-speakerphone", hardware_aec=True)
SOFTWARE, BY_CARD = AudioSettings(canceller="software"), AudioSettings(canceller="none")
PASSED = EchoVerdict(True, "default", "default", "software", 93.0, 0.5, 31.4, barge_ins=0, self_wakes=0)
FAILED = replace(PASSED, passed=False)
UNTESTED = Finding("echo", "skipped", "not tested with these devices: run `speakerd doctor echo`")


@pytest.mark.parametrize(
    ("board", "audio", "verdict", "finding"),
    [
        (PLAIN, SOFTWARE, None, UNTESTED),
        (PLAIN, SOFTWARE, PASSED, Finding("echo", "ok", "the test has passed (ERLE 31 dB)")),
        (
            PLAIN,
            SOFTWARE,
            FAILED,
            Finding("echo", "failed", "The last test failed: run `speakerd doctor echo`, and do what it says."),
        ),
        (PLAIN, replace(SOFTWARE, output="CARD=Other"), PASSED, UNTESTED),
        (PLAIN, BY_CARD, PASSED, UNTESTED),
        (
            SPEAKERPHONE,
            BY_CARD,
            None,
            Finding(
                "echo",
                "ok",
                'the board "usb-speakerphone" cancels its own echo; `speakerd doctor echo` tests it',
            ),
        ),
        (
            SPEAKERPHONE,
            BY_CARD,
            replace(PASSED, canceller="none"),
            Finding("echo", "ok", "the test has passed (the card cancels it)"),
        ),
    ],
)
def test_what_is_known_of_the_echo(
    board: Board, audio: AudioSettings, verdict: EchoVerdict | None, finding: Finding
) -> None:
    assert echo(board, audio, verdict) == finding
