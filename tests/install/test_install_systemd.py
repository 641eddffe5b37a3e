"""The installed service under real systemd, 252 and 257, with a fake sound card: it starts, comes back, is shut in."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from install.conftest import INSTALL
from install.roots import Machine, Root, until
from speakerd.demo.card import FakeCard

CARD = Path("/run/speakerd-test-card")
"""The same path here and in the machine, where neither /tmp nor /home of the outside is seen."""
UNIT = "/etc/systemd/system/speakerd.service"
HEARING_AGAIN_SECONDS = 5.0
WATCHDOG_SECONDS = 20.0


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCard]:
    CARD.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CARD / "cache"))
    made = FakeCard(CARD / "card")
    made.fill_room_noise(1200, -60.0, seed=1)
    for path in (CARD, *CARD.rglob("*")):
        path.chmod(0o777)
    yield made
    shutil.rmtree(CARD)


@pytest.fixture
def with_card(speaker: Root, card: FakeCard) -> Root:
    lines = [f'Environment="{name}={value}"' for name, value in card.environment.items()]
    add_to_unit(speaker, "card.conf", *lines, f"ReadWritePaths={CARD}")
    return replace(speaker, binds={**speaker.binds, CARD: str(CARD).lstrip("/")})


def add_to_unit(root: Root, name: str, *lines: str) -> None:
    text = "\n".join(["[Service]", *lines, ""])
    root.ok("sh", "-c", f"mkdir -p {UNIT}.d && cat >{UNIT}.d/{name}", stdin=text)


def hears(machine: Machine) -> bool:
    try:
        told = json.loads(machine.run("speakerd", "status", "--json"))
    except json.JSONDecodeError:
        return False
    return bool(told.get("mic_frame_age_seconds", 9.0) < 1.0)


def test_it_comes_up_by_itself_and_comes_back_whatever_happens(with_card: Root) -> None:
    with with_card.booted() as machine:
        took = until(lambda: hears(machine), 60)
        print(f"hearing {took:.1f} s after the machine was up")  # noqa: T201
        assert machine.shown("ActiveState") == "active"
        until(lambda: os.getloadavg()[0] < (os.cpu_count() or 1), 900)  # others' work is not to be measured
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "speakerd")
        took = until(lambda: machine.shown("NRestarts") == "1" and hears(machine), 30)
        print(f"hearing {took:.1f} s after kill -9")  # noqa: T201
        assert took < HEARING_AGAIN_SECONDS
        machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "speakerd")
        took = until(lambda: machine.shown("NRestarts") == "2" and hears(machine), 60)
        print(f"hearing {took:.1f} s after it was stopped dead")  # noqa: T201
        assert took < WATCHDOG_SECONDS + 2 * HEARING_AGAIN_SECONDS
        machine.run("systemctl", "stop", "speakerd")
        assert machine.shown("Result") == "success"
        assert machine.shown("ExecMainStatus") == "0"


def test_a_service_that_crashes_again_and_again_rests_in_between(with_card: Root) -> None:
    with with_card.booted() as machine:
        until(lambda: machine.shown("ActiveState") == "active", 60)
        for crashes in range(1, 6):
            assert "the next try begins" not in machine.journal()
            machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "speakerd")
            until(partial(has_started_again, machine, crashes), 60)
        until(lambda: "crashed again and again: the next try begins in 2 seconds" in machine.journal(), 30)
        until(lambda: machine.shown("ActiveState") == "active", 60)
        machine.run("systemctl", "restart", "speakerd")
        until(lambda: machine.shown("ActiveState") == "active", 60)
        assert len(starts(machine)) == 1, "an end that was asked for is no crash"


def has_started_again(machine: Machine, crashes: int) -> bool:
    return len(starts(machine)) > crashes


def starts(machine: Machine) -> list[float]:
    try:
        return list(json.loads(machine.run("cat", "/var/lib/speakerd/starts.json"))["starts"])
    except json.JSONDecodeError:
        return []


def test_it_works_where_nothing_can_be_written(with_card: Root) -> None:
    """As on a card that is kept read-only, with the journal in memory."""
    with with_card.booted() as machine:
        until(lambda: hears(machine), 60)
        machine.run("systemctl", "stop", "speakerd")
        machine.run("sh", "-c", "mount -t tmpfs tmpfs /var/log && systemctl restart systemd-journald && sleep 1")
        machine.run("env", "LIBMOUNT_FORCE_MOUNT2=always", "mount", "-o", "remount,ro", "/")
        assert "Read-only file system" in machine.run("touch", "/var/lib/speakerd/new")
        machine.run("systemctl", "start", "speakerd")
        until(lambda: hears(machine), 60)
        told = [line for line in machine.journal().splitlines() if "cannot be written" in line]
        assert len(told) == 2, told
        assert "starts.json cannot be written (Read-only file system): crashes are not counted." in told[0]
        assert "spending is counted in memory" in told[1]


def test_its_exposure_is_small(speaker: Root) -> None:
    told = speaker.ok("systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT)
    (exposure,) = re.findall(r"Overall exposure level for speakerd.service: ([0-9.]+)", told)
    assert float(exposure) <= 1.6
    assert speaker.ok("systemd-analyze", "verify", UNIT) == ""


def test_wrong_settings_end_it_for_good_with_one_sentence(speaker: Root) -> None:
    speaker.ok("sed", "-i", 's/^board = .*/board = "breadbord"/', "/etc/speakerd/speakerd.toml")
    with speaker.booted() as machine:
        until(lambda: machine.shown("ActiveState") == "failed", 30)
        assert machine.shown("ExecMainStatus") == "78"
        assert machine.shown("NRestarts") == "0"
        assert machine.journal().count("breadbord") == 1
        assert 'did you mean "breadboard"?' in machine.journal()


def test_a_reload_changes_what_can_be_changed_and_names_the_rest(speaker: Root) -> None:
    with speaker.booted() as machine:
        until(lambda: machine.shown("ActiveState") == "active", 60)
        main = machine.shown("MainPID")
        machine.run("sed", "-i", "-e", "s/^threshold = .*/threshold = 0.6/", "/etc/speakerd/speakerd.toml")
        machine.run("sed", "-i", "-e", "s/^input_channel = .*/input_channel = 1/", "/etc/speakerd/speakerd.toml")
        assert machine.run("systemctl", "reload", "speakerd") == ""
        until(lambda: "input_channel" in machine.journal() or "audio" in machine.journal(), 20)
        assert machine.shown("MainPID") == main
        assert machine.shown("ActiveState") == "active"


def test_a_key_is_encrypted_and_seen_by_the_service_alone(speaker: Root) -> None:
    key = "sk-test-0123456789"
    with speaker.booted() as machine:
        until(lambda: machine.shown("ActiveState") == "active", 60)
        machine.run("sh", "-c", f"umask 077; echo {key} >/root/key")
        install = [one for one in INSTALL if one != "--no-start"]
        told = machine.run(*install, "--key-file", "/root/key")
        assert "encrypted for this machine" in told, told
        assert "speakerd is installed" in told
        assert key not in told
        assert machine.run("cat", "/run/credentials/speakerd.service/api-key") == key
        assert key not in machine.run("sh", "-c", "cat /etc/speakerd/* /proc/[0-9]*/environ /proc/[0-9]*/cmdline")
        assert key not in machine.run("systemctl", "show", "speakerd")
        assert machine.run("stat", "-c", "%U %a", "/etc/speakerd/api-key.cred").strip() in ("root 600", "root 400")
        refused = machine.run(
            "setpriv", "--reuid=nobody", "--clear-groups", "cat", "/run/credentials/speakerd.service/api-key"
        )
        assert "Permission denied" in refused


PROBE = """\
import os
seen = "/dev/snd/card", "/dev/snd/others", "/dev/disk", "/etc/shadow", "/etc/new", "/var/lib/speakerd/new"
for path in seen:
    try:
        os.close(os.open(path, os.O_RDWR | (os.O_CREAT if "new" in path else 0)))
        print(path, "opened")
    except OSError as error:
        print(path, error.strerror)
"""

NODES = """\
mkdir -p /dev/snd
mknod /dev/snd/card c 240 1 && chgrp audio /dev/snd/card && chmod 660 /dev/snd/card
mknod /dev/snd/others c 240 1 && chmod 660 /dev/snd/others
mknod /dev/disk b 254 0 && chmod 666 /dev/disk
"""


def test_it_reaches_what_its_groups_may_and_nothing_else(speaker: Root) -> None:
    """The nodes have no driver: one that is reached says so, which is more than "not permitted".

    This machine's kernel may know no sound, so the class is let in by its node.
    """
    speaker.ok("sh", "-c", "cat >/opt/probe.py", stdin=PROBE)
    with speaker.booted() as machine:
        until(lambda: machine.shown("ActiveState") == "active", 60)
        machine.run("systemctl", "stop", "speakerd")
        machine.run("sh", "-c", NODES)
        text = machine.run("cat", UNIT)
        text = re.sub("ExecStart=.*", "ExecStart=/usr/bin/python3 /opt/probe.py", text).replace("=notify", "=oneshot")
        text = re.sub("(WatchdogSec|Restart|RestartSec)=.*", "", text)
        for node in ("card", "others"):
            text = text.replace("DeviceAllow=char-spi", f"DeviceAllow=/dev/snd/{node} rw\nDeviceAllow=char-spi")
        machine.run("sh", "-c", f"cat >/etc/systemd/system/probe.service <<'UNIT'\n{text}\nUNIT\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "probe")
        told = machine.run("journalctl", "--unit", "probe", "--output", "cat", "--no-pager")
        found = dict(line.split(" ", 1) for line in told.splitlines() if line.startswith("/"))
        assert found == {
            "/dev/snd/card": "No such device or address",
            "/dev/snd/others": "Permission denied",
            "/dev/disk": "Operation not permitted",
            "/etc/shadow": "Permission denied",
            "/etc/new": "Read-only file system",
            "/var/lib/speakerd/new": "opened",
        }, told
