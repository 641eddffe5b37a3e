"""Crashes are counted over restarts, and the next try waits only where there were many of them of late."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.service.crashes import Crashes, crashes, delay_seconds

STORIES = {
    "the first start": ([0], [0]),
    "five crashes at once": ([0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 2]),
    "a crash loop": ([0, 1, 2, 3, 4, 5, 8, 13, 22, 39, 70], [0, 0, 0, 0, 0, 2, 4, 8, 16, 30, 30]),
    "a crash an hour": ([0, 3600, 7200, 10800, 14400, 18000, 21600], [0] * 7),
    "a bad minute, long ago": ([0, 1, 2, 3, 4, 5, 700], [0, 0, 0, 0, 0, 2, 0]),
}


@pytest.mark.parametrize(("starts", "waits"), STORIES.values(), ids=STORIES)
def test_many_crashes_of_late_make_the_next_try_wait(starts: list[float], waits: list[float], tmp_path: Path) -> None:
    assert [started(tmp_path, at) for at in starts] == waits


def test_an_end_that_was_asked_for_is_no_crash(tmp_path: Path) -> None:
    for at in range(20):
        assert started(tmp_path, at) == 0
        Crashes(tmp_path / "starts", "a", lambda: 0.0).end()


def test_another_boot_counts_anew(tmp_path: Path) -> None:
    for at in range(10):
        started(tmp_path, at)
    assert started(tmp_path, 10, boot="another") == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boot": "a"}', '{"boot": "a", "starts": ["x"]}', "\0"])
def test_a_broken_file_makes_nobody_wait(text: str, tmp_path: Path) -> None:
    (tmp_path / "starts").write_text(text)
    assert started(tmp_path, 5) == 0
    assert json.loads((tmp_path / "starts").read_text()) == {"boot": "a", "starts": [5]}


def test_a_file_that_cannot_be_kept_is_said_and_makes_nobody_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert [started(tmp_path / "none", at) for at in range(9)] == [0] * 9
    assert "starts cannot be written (No such file or directory): crashes are not counted." in caplog.text


@given(st.integers(0, 10_000))
def test_a_wait_is_bounded_and_never_falls_with_more_crashes(crashed: int) -> None:
    assert 0 <= delay_seconds(crashed) <= delay_seconds(crashed + 1) <= 30


def test_by_hand_nothing_is_counted(tmp_path: Path) -> None:
    assert crashes({}) is None
    assert crashes({"STATE_DIRECTORY": str(tmp_path)}) is None
    assert crashes({"INVOCATION_ID": "a"}) is None


def test_a_service_that_waits_says_so_and_ends_when_told(tmp_path: Path) -> None:
    environment = {"STATE_DIRECTORY": str(tmp_path), "INVOCATION_ID": "a", "NOTIFY_SOCKET": str(tmp_path / "notify")}
    settings = tmp_path / "speakerd.toml"
    settings.write_text('board = "none"\n')
    counted = crashes(environment)
    assert counted is not None
    for _ in range(20):
        counted.begin()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(environment["NOTIFY_SOCKET"])
        systemd.settimeout(60)
        command = [sys.executable, "-m", "speakerd", "run", "--config", str(settings)]
        with subprocess.Popen(command, env={**os.environ, **environment}) as service:
            told = systemd.recv(4096).decode()
            asked = time.monotonic()
            service.send_signal(signal.SIGTERM)
            assert service.wait(60) == -signal.SIGTERM
            assert time.monotonic() - asked < 25, "it did not wait to the end"
    assert told == "STATUS=It has crashed again and again: the next try begins in 30 seconds."


def started(folder: Path, at: float, boot: str = "a") -> float:
    """How long a start at that second waits."""
    return Crashes(folder / "starts", boot, lambda: at).begin()
