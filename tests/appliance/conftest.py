"""The machine, booted once, with the speaker installed in it. Only scripts/test-appliance runs these tests.

Every test finds a running, idle, unmuted speaker, and may leave any other behind: in any order.
"""

from __future__ import annotations

import os
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.machine import SLOWNESS, Machine, Parts, accelerator
from appliance.speaker import Speaker, install
from speakerd.audio.resample import resampled
from speakerd.demo.user_voice import synthesise

KIND = os.environ.get("SPEAKERD_APPLIANCE_MACHINE", "")
"""uml or qemu; empty means that nobody has made a machine."""
collect_ignore_glob = [] if KIND else ["test_*"]

HERE = Path(__file__).parent
CARD_RATE_HZ = 48_000
SENTENCES = {
    "light": "hey jarvis, turn on the kitchen light",
    "story": "hey jarvis, tell me a story",
}

PATIENCE = f"""
folder=/usr/lib/systemd/system/speakerd.service.d
mkdir $folder
printf '[Service]\\nTimeoutStartSec={90 * SLOWNESS:.0f}\\nWatchdogSec={20 * SLOWNESS:.0f}\\n' >$folder/patience.conf
"""
"""Of systemd in a slow machine."""


@pytest.fixture(scope="session")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the machine finds in /opt/payload: the wheels, the models, the user's voice, our scripts."""
    folder = tmp_path_factory.mktemp("payload")
    wheels, models = _part("WHEELS"), _part("MODELS")
    (folder / "sounds").mkdir()
    for name, sentence in SENTENCES.items():
        samples, rate_hz = synthesise(sentence)
        with wave.open(str(folder / "sounds" / f"{name}.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(CARD_RATE_HZ)
            file.writeframes(np.repeat(resampled(samples, rate_hz, CARD_RATE_HZ), 2).tobytes())
    tar = folder / "payload.tar"
    parts = [
        *("-C", str(HERE / "payload"), "."),
        *("-C", str(folder), "sounds"),
        *("-C", str(HERE.parents[1]), "scripts", "systemd", "speakerd", "hardware"),
        *("-C", str(wheels.parent), wheels.name),
        *("-C", str(models.parent), models.name),
    ]
    options = ["--owner=0", "--group=0", "--exclude=__pycache__", "--exclude=.builder"]
    subprocess.run(["tar", *options, "-cf", str(tar), *parts], check=True, timeout=60)
    return tar


@pytest.fixture(scope="session")
def machine(payload: Path) -> Iterator[Machine]:
    """A booted machine that has the payload, and nothing of speakerd."""
    image, kernel = _part("IMAGE") / "root.ext4", _part("KERNEL")
    parts = (
        Parts("uml", image, kernel / "linux.uml")
        if KIND == "uml"
        else Parts("qemu", image, kernel / "vmlinuz", kernel / "initrd", accelerator(kernel))
    )
    machine = Machine(parts, payload, payload.parent / "console.log")
    try:
        print(f"\n{KIND}: a command can be run after {machine.power_on():.1f} s")  # noqa: T201 - a figure
        machine.run("mkdir /opt/payload && tar -C /opt/payload -xf $(ls /dev/ubdb /dev/vdb 2>/dev/null)")
        if SLOWNESS > 1:
            machine.run(PATIENCE)
        machine.run("/opt/payload/list-files >/opt/payload/files-before")
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Machine:
    """The machine with the speaker installed as its owner does it."""
    install(machine)
    return machine


@pytest.fixture
def service(installed: Machine) -> Speaker:
    """A running speaker, whatever it hears."""
    speaker = Speaker(installed)
    if not speaker.is_active():
        speaker.restart()
    return speaker


@pytest.fixture
def speaker(service: Speaker) -> Speaker:
    """A hearing, idle, unmuted speaker in a room that is never quite silent."""
    service.machine.run(
        "systemctl --quiet is-active room || systemd-run --quiet --unit room "
        "--property Restart=always --property RestartSec=1 --property StartLimitIntervalSec=0 /opt/payload/room.py"
    )
    if not (service.is_hearing() and (status := service.status())["phase"] == "idle" and not status["muted"]):
        service.restart()
        service.until(20, service.is_hearing)
    return service


def _part(name: str) -> Path:
    return Path(os.environ[f"SPEAKERD_APPLIANCE_{name}"])
