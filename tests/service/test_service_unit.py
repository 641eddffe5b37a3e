"""The systemd unit: the lines on which the service's safety and recovery hang, and those that must never appear."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"


def unit_lines(name: str = "speakerd.service") -> list[str]:
    text = (SYSTEMD / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "ExecStart=/opt/speakerd/bin/speakerd run --config /etc/speakerd/speakerd.toml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WatchdogSec=20",
        "Restart=always",
        "RestartPreventExitStatus=78",
        "StartLimitIntervalSec=0",
        "User=speakerd",
        "SupplementaryGroups=audio gpio spi i2c",
        "RuntimeDirectory=speakerd",
        "RuntimeDirectoryMode=0750",  # the group speakerd reaches the control socket, nobody else
        "StateDirectory=speakerd",
        "WorkingDirectory=%S/speakerd",
        "LoadCredential=api-key:/etc/speakerd/api-key",
        # systemd 252 refuses an empty value, and refuses to start without a default if the key's file is missing.
        r"SetCredential=api-key:\n",
        "DevicePolicy=closed",
        "DeviceAllow=char-alsa rw",
        "DeviceAllow=char-gpiochip rw",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "SystemCallErrorNumber=EPERM",
        "MemoryDenyWriteExecute=yes",
    ],
)
def test_the_unit_has(line: str) -> None:
    assert unit_lines().count(line) == 1


@pytest.mark.parametrize(
    "setting",
    [
        "ProcSubset=",  # hides /proc/cpuinfo, where gpiozero reads the Pi's revision
        "PrivateDevices=",  # hides the GPIO chip and the sound card
        "Environment=",  # readable by every user: no place for a key
        "EnvironmentFile=",
        "IPAddressDeny=",  # the endpoint may be anywhere
        "RestartSteps=",  # systemd 254 and later
        "RestartMaxDelaySec=",  # systemd 254 and later
    ],
)
def test_the_unit_never_has(setting: str) -> None:
    assert [line for line in unit_lines() if line.startswith(setting)] == []


def test_every_group_of_the_unit_is_made_or_part_of_debian() -> None:
    made = {line.split()[1] for line in unit_lines("speakerd.sysusers")}
    (groups,) = (line.removeprefix("SupplementaryGroups=") for line in unit_lines() if line.startswith("Supp"))
    assert set(groups.split()) - made == {"audio"}
    assert "speakerd" in made


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """The program is not installed here: it is replaced by one that is."""
    text = (SYSTEMD / "speakerd.service").read_text(encoding="utf-8")
    unit = tmp_path / "speakerd.service"
    unit.write_text(text.replace("/opt/speakerd/bin/speakerd", "/bin/true"), encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert str(unit) not in verified.stderr
    assert "speakerd.service" not in verified.stderr
    assert verified.returncode == 0
