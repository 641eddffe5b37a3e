"""systemd's notification protocol (sd_notify(3)): ready, what is going on, alive, stopping.

Outside systemd every call does nothing. The watchdog is fed by proof only: a process that runs but is deaf must be
restarted.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)

Proof = Callable[[], str | None]
"""None if the speaker works, else what is wrong with it, in words."""


class Notifier:
    """Tells systemd how the service is; made once, at the start of the process."""

    def __init__(self) -> None:
        self._send = _sender()

    def ready(self) -> None:
        """Say that the start is over: devices are open, the control socket answers."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Say in one line what `systemctl status` shows."""
        self._send(f"STATUS={' '.join(text.split())}")

    def watchdog(self) -> None:
        """Say that the speaker works."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")


async def feed_watchdog(notifier: Notifier, proof: Proof) -> None:
    """Ask for proof and feed systemd's watchdog, until cancelled; returns at once if systemd does not watch.

    It asks four times in each interval, so that what heals in time is not killed.
    """
    interval_seconds = watchdog_seconds()
    if interval_seconds is None:
        return
    while True:
        wrong = proof()
        if wrong is None:
            notifier.watchdog()
        else:
            _log.warning("The watchdog is not fed: %s", wrong)
        await asyncio.sleep(interval_seconds / 4)


def watchdog_seconds() -> float | None:
    """The longest time between two signs of life that systemd allows this process (sd_watchdog_enabled(3))."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or meant != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000


def _sender() -> Callable[[str], Any]:
    if not os.environ.get("NOTIFY_SOCKET"):
        return _send_nothing
    try:
        from systemd.daemon import notify
    except ImportError:
        _log.warning(
            "systemd waits for a notification (NOTIFY_SOCKET), but the package systemd-python is missing, "
            "so it will end this service: install speakerd[systemd]."
        )
        return _send_nothing
    send: Callable[[str], Any] = notify
    return send


def _send_nothing(message: str) -> None:
    """Stand in for systemd where there is none."""
