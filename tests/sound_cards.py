"""Machines with sound cards, as the kernel would show them: a folder tree for `alsa_cards`, and a fake card in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from speakerd.audio.alsa_cards import ROOT_VARIABLE
from speakerd.demo.card import FakeCard

MOST_TRIES = 12
"""How often a story in real time is told until nothing disturbs it: on a busy machine most tellings are disturbed."""
NUMBERED = "hw:1,0"
"""What PortAudio calls the fake card `as_usb_card`."""

STREAM = """\
Maker {name} at usb-0000:01:00.0-{port}, full speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S16_LE
    Channels: 2
    Rates: 44100, 48000

Capture:
  Status: Stop
  Interface 2
    Altset 1
    Channels: 1
    Rates: {capture_rates}
"""


def add_card(root: Path, number: int, card_id: str, name: str) -> Path:
    """A card that is no USB card; returns its folder below proc."""
    folder = root / f"proc/asound/card{number}"
    folder.mkdir(parents=True)
    (folder / "id").write_text(f"{card_id}\n")
    with (root / "proc/asound/cards").open("a") as cards:
        cards.write(f"{number:2} [{card_id:<15}]: driver - {name}\n{'':22}{name} somewhere\n")
    sys_card = root / f"sys/class/sound/card{number}"
    sys_card.mkdir(parents=True)
    (sys_card / "device").symlink_to("../../../platform/soc/soc:sound")
    return folder


def add_usb_card(
    root: Path, number: int, card_id: str, name: str, port: str, usb_id: str, capture_rates: str = "16000, 48000"
) -> Path:
    """A USB card; returns its folder below proc."""
    folder = add_card(root, number, card_id, name)
    (folder / "usbid").write_text(f"{usb_id}\n")
    (folder / "stream0").write_text(STREAM.format(name=name, port=port, capture_rates=capture_rates))
    device = root / f"sys/class/sound/card{number}/device"
    device.unlink()
    device.symlink_to(f"../../../usb1/1-1/{port}/{port}:1.0")
    return folder


def hold(root: Path, folder: Path, pid: int, program: str) -> None:
    """Let a program hold the card's capture."""
    status = folder / "pcm0c/sub0/status"
    status.parent.mkdir(parents=True)
    status.write_text(f"state: RUNNING\nowner_pid   : {pid}\ntrigger_time: 12.5\n")
    closed = folder / "pcm0p/sub0/status"
    closed.parent.mkdir(parents=True)
    closed.write_text("closed\n")
    process = root / "proc" / str(pid)
    process.mkdir(parents=True)
    (process / "comm").write_text(f"{program}\n")


def as_usb_card(card: FakeCard, root: Path) -> Mapping[str, str]:
    """Give the card a number, as real ones have; returns the environment of who shall see it as a USB card."""
    configuration = card.folder / "alsa.conf"
    text = configuration.read_text()
    fake = re.search(r"pcm\.(?:!?\"?)fakecard\"? \{(.*)\}", text)
    assert fake
    arguments = "@args [ CARD DEV ] @args.CARD { type string } @args.DEV { type string }"
    configuration.write_text(f'{text}\npcm."{NUMBERED}" {{ {fake[1]} }}\npcm.hw {{ {arguments} {fake[1]} }}\n')
    add_usb_card(root, 1, "Device", "USB PnP Sound Device", "1-1.2", "0d8c:0014")
    return card.environment | {ROOT_VARIABLE: str(root)}
