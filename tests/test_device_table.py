"""`speakerd devices`, as its owner meets it, on the fake card with the kernel facts of a USB card."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sound_cards import NUMBERED, as_usb_card
from speakerd.demo.card import FakeCard
from speakerd.device_table import run
from speakerd.errors import AudioDeviceError
from speakerd.settings import AudioSettings, Settings


def settings(name: str, board: str = "none") -> Settings:
    return replace(Settings(board=board), audio=AudioSettings(input=name, output=name))


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return as_usb_card(FakeCard(tmp_path / "card"), tmp_path / "root")


def table(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    out = io.StringIO()
    assert run(settings, as_json=False, environment=environment, out=out) == 0
    return out.getvalue().splitlines()


def test_a_table_and_what_is_chosen(environment: Mapping[str, str]) -> None:
    heading, *rows, empty, capture, playout = table(settings("usb:1-1.2"), environment)
    assert heading.split() == ["name", "write", "kind", "USB", "port", "USB", "id", "capture", "playout", "Hz", "rates"]
    [usb] = [row for row in rows if row.startswith(NUMBERED)]
    assert usb.split()[:5] == [NUMBERED, "CARD=Device", "usb", "1-1.2", "0d8c:0014"]
    assert usb.split()[5:] == ["2", "2", "48000", "16000,44100,48000"]
    assert empty == ""
    assert capture == f'capture  "{NUMBERED}", because it is plugged into the USB port 1-1.2'
    assert playout == f'playout  "{NUMBERED}", because it is plugged into the USB port 1-1.2'
    assert len({row.index(row.split()[1], 5) for row in (heading, *rows)}) == 1, "columns are aligned"


def test_without_a_choice_of_the_owner(environment: Mapping[str, str]) -> None:
    *_, capture, playout = table(settings("default"), environment)
    assert capture == 'capture  "default", because it is the system\'s default device'
    *_, capture, playout = table(settings("default", "aiy-voice"), environment)
    assert playout == (
        'playout  "default", because the board\'s card "sndrpigooglevoi" has no playout here, '
        "and it is the system's default device"
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_missing_is_a_sentence_below_the_table(environment: Mapping[str, str], as_json: bool) -> None:
    wrong = replace(Settings(board="none"), audio=AudioSettings(input="CARD=Devise", output="Device"))
    out = io.StringIO()
    sentence = f'No capture device is called "CARD=Devise": the nearest is "{NUMBERED}", so set audio.input to "CARD=D'
    with pytest.raises(AudioDeviceError) as missing:
        run(wrong, as_json=as_json, environment=environment, out=out)
    assert str(missing.value).startswith(sentence)
    if not as_json:
        assert NUMBERED in out.getvalue()
        assert out.getvalue().splitlines()[-1] == f'playout  "{NUMBERED}", because its ALSA card id is "Device"'
        return
    told = json.loads(out.getvalue())
    assert told["input"] == {"setting": "CARD=Devise", "failure": str(missing.value)}
    assert told["output"] == {"setting": "Device", "device": NUMBERED, "reason": 'its ALSA card id is "Device"'}
    [usb] = [device for device in told["devices"] if device["name"] == NUMBERED]
    assert (usb["write"], usb["usb_path"], usb["input_rates_hz"]) == ("CARD=Device", "1-1.2", [16_000, 48_000])


def test_no_device_at_all(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.unplug()
    out = io.StringIO()
    with pytest.raises(AudioDeviceError, match="There is no sound card for capture: plug one in"):
        run(settings("default"), as_json=False, environment=card.environment, out=out)
    assert out.getvalue() == ""
