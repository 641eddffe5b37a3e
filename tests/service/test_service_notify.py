"""Notifications, received by a real datagram socket as systemd's would."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from speakerd.service.notify import Notifier, feed_watchdog, watchdog_seconds


@pytest.fixture(autouse=True)
def outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield receiver


def received(systemd: socket.socket) -> list[bytes]:
    """All that has arrived."""
    systemd.setblocking(False)
    messages = []
    with suppress(BlockingIOError):
        while True:
            messages.append(systemd.recv(4096))
    return messages


def test_each_call_is_one_message(systemd: socket.socket) -> None:
    notifier = Notifier()
    notifier.ready()
    notifier.status("listening")
    notifier.watchdog()
    notifier.stopping()
    assert received(systemd) == [b"READY=1", b"STATUS=listening", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_status_cannot_smuggle_in_another_message(systemd: socket.socket) -> None:
    Notifier().status("no network\nWATCHDOG=1\r\n READY=1")
    assert received(systemd) == [b"STATUS=no network WATCHDOG=1 READY=1"]


def test_outside_systemd_nothing_happens() -> None:
    notifier = Notifier()
    notifier.ready()
    notifier.status("idle")
    notifier.watchdog()
    notifier.stopping()


def test_without_the_package_one_warning_says_what_will_happen(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "systemd.daemon", None)
    notifier = Notifier()
    notifier.ready()
    notifier.watchdog()
    assert received(systemd) == []
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "systemd waits for a notification (NOTIFY_SOCKET), but the package systemd-python is missing, "
            "so it will end this service: install speakerd[systemd].",
        )
    ]


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_interval(
    variables: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert watchdog_seconds() == seconds


async def test_unwatched_there_is_nothing_to_feed(systemd: socket.socket) -> None:
    async with asyncio.timeout(5):
        await feed_watchdog(Notifier(), lambda: None)
    assert received(systemd) == []


async def test_the_watchdog_is_fed_with_proof_alone(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    proofs: list[str | None] = [None, "No microphone frame has arrived for 5 s.", "The player is stuck.", None, None]
    asked = asyncio.Event()

    def proof() -> str | None:
        if len(proofs) == 1:
            asked.set()
        return proofs.pop(0) if proofs else "The story is over."

    feeding = asyncio.create_task(feed_watchdog(Notifier(), proof))
    async with asyncio.timeout(5):
        await asked.wait()
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding
    assert received(systemd) == [b"WATCHDOG=1"] * 3
    assert [record.getMessage() for record in caplog.records][:2] == [
        "The watchdog is not fed: No microphone frame has arrived for 5 s.",
        "The watchdog is not fed: The player is stuck.",
    ]


async def test_a_watched_service_is_fed_well_within_the_interval(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    loop = asyncio.get_running_loop()
    asked_at: list[float] = []
    enough = asyncio.Event()

    def proof() -> None:
        asked_at.append(loop.time())
        if len(asked_at) == 3:
            enough.set()

    feeding = asyncio.create_task(feed_watchdog(Notifier(), proof))
    async with asyncio.timeout(5):
        await enough.wait()
    feeding.cancel()
    with suppress(asyncio.CancelledError):
        await feeding
    assert 0.19 <= asked_at[2] - asked_at[0] < 0.4, "a quarter of the interval between two"
