"""`speakerd mic-test`, as its owner meets it: real PyAudio on the fake card."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sound_cards import MOST_TRIES, as_usb_card
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError, ControlError
from speakerd.mic_test import MicTestOptions, run
from speakerd.settings import AudioSettings, ControlSettings, Settings


def settings(tmp_path: Path, name: str = "fakecard") -> Settings:
    control = ControlSettings(socket=str(tmp_path / "control.sock"))
    return Settings(board="none", audio=AudioSettings(input=name, output=name, volume=1.0), control=control)


def knocking(card: FakeCard, seconds: int = 40) -> None:
    """A quiet room in which a tone sounds in every other half second."""
    card.fill_room_noise(seconds, -60.0, seed=1)
    instants = np.arange(48_000 * seconds) / 48_000
    card.say((8000 * np.sin(2 * np.pi * 700 * instants) * (instants % 1 < 0.5)).astype(np.int16), 48_000)


def undisturbed(make_card: Callable[[], FakeCard], story: Callable[[FakeCard], None]) -> None:
    """Run a story until no xrun disturbs it; where one did, neither success nor failure counts."""
    for _ in range(MOST_TRIES - 1):
        card = make_card()
        try:
            story(card)
        except AssertionError:
            if not card.faults():
                raise
        if not card.faults():
            return
    story(make_card())


class Terminal(io.StringIO):
    """A terminal that keeps what is drawn."""

    def isatty(self) -> bool:
        return True


def test_levels_then_figures_then_words_then_the_recording(tmp_path: Path) -> None:
    def story(card: FakeCard) -> None:
        knocking(card)
        out = io.StringIO()
        assert run(settings(tmp_path), MicTestOptions(seconds=3.0), environment=card.environment, out=out) == 0
        lines = out.getvalue().splitlines()
        assert lines[0] == "Speak as you will speak to it, with pauses, for 3 seconds."
        assert sum("dBFS  [" in line for line in lines) == 3
        assert "overruns     0" in lines
        assert any(line.startswith("The microphone is good: speech is ") for line in lines)
        assert lines[-1] == "Now you hear the last 3 seconds."
        heard = card.heard()[:, 0].astype(float)
        loud = np.abs(heard) > 4000
        assert 0.9 <= np.count_nonzero(np.convolve(loud, np.ones(48), "same") > 0) / 48_000 <= 2.1
        spectrum = np.abs(np.fft.rfft(heard))
        assert np.fft.rfftfreq(len(heard), 1 / 48_000)[spectrum.argmax()] == pytest.approx(700, abs=5)

    undisturbed(lambda: FakeCard(tmp_path / "card"), story)
    assert {path.name for path in tmp_path.rglob("*") if path.suffix == ".wav"} == set(), "nothing is recorded on disk"


def test_one_object_of_json_and_no_sound(tmp_path: Path) -> None:
    def story(card: FakeCard) -> None:
        knocking(card)
        out = io.StringIO()
        chosen = MicTestOptions(seconds=2.0, as_json=True, plays_back=False)
        run(settings(tmp_path), chosen, environment=card.environment, out=out)
        told = json.loads(out.getvalue())
        assert told["seconds"] == pytest.approx(2.0, abs=0.08)
        assert told["noise_floor_dbfs"] == pytest.approx(-60, abs=6)
        assert told["speech_dbfs"] == pytest.approx(-15, abs=3)
        assert told["snr_db"] == pytest.approx(told["speech_dbfs"] - told["noise_floor_dbfs"], abs=0.1)
        assert (told["clipped_samples"], told["is_dead"], told["hum_hz"], told["overruns"]) == (0, False, 0, 0)
        assert told["advice"][0].startswith("The microphone is good")
        assert not card.heard().any()

    undisturbed(lambda: FakeCard(tmp_path / "card"), story)


def test_ctrl_c_ends_the_listening_and_then_the_playback(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    knocking(card)
    out = InterruptingTerminal()
    assert run(settings(tmp_path), MicTestOptions(seconds=600), environment=card.environment, out=out) == 0
    assert out.interruptions == 2
    assert "\r" in out.getvalue()
    assert all(len(line.split("\x1b")[0]) < 80 for line in out.getvalue().split("\r") if line.startswith(" -"))


class InterruptingTerminal(Terminal):
    """Somebody presses Ctrl-C at the first sight of the meter, and when the playback is announced."""

    def __init__(self) -> None:
        super().__init__()
        self.interruptions = 0

    def write(self, text: str) -> int:
        is_meter = self.interruptions == 0 and "dBFS  [" in text
        if is_meter or text.startswith("Now you hear"):
            self.interruptions += 1
            os.kill(os.getpid(), signal.SIGINT)
        return super().write(text)


def test_a_microphone_that_sends_zeros_is_called_dead(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    out = io.StringIO()
    chosen = MicTestOptions(seconds=0.5, plays_back=False)
    run(settings(tmp_path), chosen, environment=card.environment, out=out)
    assert "The microphone sends one constant value: check its plug and its mute switch" in out.getvalue()


def test_a_running_speaker_keeps_its_microphone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as speaker:
        speaker.bind(str(tmp_path / "control.sock"))
        speaker.listen()
        with pytest.raises(ControlError, match=r"^The running speaker has the microphone: stop it first"):
            run(settings(tmp_path), MicTestOptions(), out=io.StringIO())


def test_a_card_by_its_port_and_a_wrong_port(tmp_path: Path) -> None:
    environment = as_usb_card(FakeCard(tmp_path / "card"), tmp_path / "root")
    chosen = MicTestOptions(seconds=0.2, plays_back=False)
    assert run(settings(tmp_path, "usb:1-1.2"), chosen, environment=environment, out=io.StringIO()) == 0
    with pytest.raises(AudioDeviceError, match=r'device is called "usb:1-1\.4": the nearest is "hw:1,0"'):
        run(settings(tmp_path, "usb:1-1.4"), chosen, environment=environment, out=io.StringIO())


def test_a_card_that_is_pulled_ends_the_test(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.unplug()
    wanted = replace(settings(tmp_path), audio=AudioSettings())
    with pytest.raises(AudioDeviceError, match="There is no sound card"):
        run(wanted, MicTestOptions(), environment=card.environment, out=io.StringIO())
