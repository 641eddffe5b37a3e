"""scripts/install and scripts/uninstall without root: what they would do, what they refuse, and their words."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
KEY = "xai-secret-0123456789"


CHANGING = ["apt-get", "apt-mark", "systemd-sysusers", "systemctl", "udevadm", "userdel", "groupdel", "chown", "chmod"]
CHANGING += ["install", "mkdir", "mv", "ln", "cp", "touch"]
"""Programs that could change this machine. Here each only writes down that it was called, and fails."""


@pytest.fixture
def fakes(tmp_path: Path) -> Path:
    """Programs that come before this machine's own: a Debian of arm64 on which nothing is installed, and no root."""
    fake = {"dpkg": "echo arm64", "dpkg-query": "exit 1", "id": "echo 1000", "getent": "exit 2"}
    fake |= {name: f"echo {name} $* >>{tmp_path}/called; exit 1" for name in CHANGING}
    for name, line in fake.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "called").touch()
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    return tmp_path


def run(script: str, fakes: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{fakes}:{os.environ['PATH']}", "OS_RELEASE": str(fakes / "os-release")}
    command = [str(SCRIPTS / script), *options]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_a_dry_run_names_every_step_and_needs_no_root(fakes: Path) -> None:
    done = run("install", fakes, "--dry-run")
    assert done.stderr == ""
    assert done.returncode == 0
    assert [int(number) for number in re.findall(r"^\[(\d)/9\] ", done.stdout, re.MULTILINE)] == list(range(1, 10))
    for command in (
        "apt-get -q --fix-broken install --yes --no-install-recommends python3-venv",
        "systemd-sysusers ",
        "--no-index --find-links /var/cache/speakerd/wheels --require-hashes",
        "speakerd.wakeword.models fetch --folder /var/lib/speakerd/models",
        "write /etc/speakerd/speakerd.toml (mode 0644)",
        "systemctl enable speakerd.service",
        "systemctl restart speakerd",
    ):
        assert f"{command}" in done.stdout


@pytest.mark.parametrize(("script", "option"), [("install", "--key-file"), ("uninstall", "--purge")])
def test_a_dry_run_calls_nothing_that_could_change_anything(fakes: Path, script: str, option: str) -> None:
    key = fakes / "key"
    key.write_text(KEY)
    done = run(script, fakes, "--dry-run", option, *([str(key)] if script == "install" else []))
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    harmless = r"systemctl (show|--quiet is-)"
    assert [line for line in (fakes / "called").read_text().splitlines() if not re.match(harmless, line)] == []


@pytest.mark.parametrize(
    ("options", "release", "machine", "sentence"),
    [
        ([], "debian 13", "arm64", "This needs root: run it again with sudo."),
        (["--dry-run"], "ubuntu 24.04", "amd64", "this is ubuntu 24.04 on amd64."),
        (["--dry-run"], "debian 11", "arm64", "this is debian 11 on arm64."),
        (["--dry-run"], "raspbian 12", "armhf", "this is raspbian 12 on armhf."),
        (["--fast"], "debian 13", "arm64", "There is no option --fast: see scripts/install --help."),
        (["--models"], "debian 13", "arm64", "--models needs a value: see scripts/install --help."),
        (["--dry-run", "--key-file", "/nowhere"], "debian 13", "arm64", "/nowhere cannot be read: check --key-file."),
        (["--dry-run", "--wheelhouse", "/nowhere"], "debian 13", "arm64", "fill it with scripts/wheelhouse."),
        (["--dry-run", "--models", "/nowhere"], "debian 13", "arm64", "/nowhere is no folder: check --models."),
        (["--dry-run", "--endpoint", "me"], "debian 13", "arm64", "use openai, azure, xai or custom."),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    fakes: Path, options: list[str], release: str, machine: str, sentence: str
) -> None:
    name, version = release.split()
    (fakes / "os-release").write_text(f"ID={name}\nVERSION_ID={version}\n")
    (fakes / "dpkg").write_text(f"#!/bin/sh\necho {machine}\n")
    done = run("install", fakes, *options)
    assert done.returncode == 1
    assert done.stderr.endswith(f"{sentence}\n")
    assert done.stderr.count("\n") == 1


def test_a_step_that_fails_shows_why() -> None:
    steps = f". {SCRIPTS}/lib/steps.sh; steps=1; step Trying; run sh -c 'echo no route >&2; exit 100'; echo went on"
    done = subprocess.run(["sh", "-euc", steps], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "[1/1] Trying\n"
    assert done.stderr.startswith("      | no route\nThis step failed: sh -c echo no route >&2; exit 100.")


@pytest.mark.parametrize("script", ["install", "uninstall", "wheelhouse", "test-install"])
def test_help_is_shown_to_everybody(script: str, fakes: Path) -> None:
    done = run(script, fakes, "--help")
    assert done.returncode == 0
    assert f"scripts/{script}" in done.stdout
