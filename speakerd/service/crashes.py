"""How often the service has ended unexpectedly of late, and how long the next try therefore waits.

systemd's own back-off (RestartSteps=, since 254) does not fall again for as long as the service is wanted: after a year
with a few crashes its owner would wait with each of them.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_LATELY_SECONDS = 600.0
"""What lies longer back is forgotten."""
_AT_ONCE = 5
"""So many crashes are followed by the next try at once: a kitchen does not want to wait."""
_FIRST_SECONDS = 2.0
_LONGEST_SECONDS = 30.0
"""Well within TimeoutStartSec=, of which the start itself needs some."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_log = logging.getLogger(__name__)


class Crashes:
    """Starts that no end has followed yet, kept in a file; a file that cannot be kept makes nobody wait."""

    def __init__(self, file: Path, boot: str, now: Callable[[], float]) -> None:
        """`now` gives seconds since the boot of that name: a Pi may not know the time of day."""
        self._file = file
        self._boot = boot
        self._now = now

    def begin(self) -> float:
        """Note this start, and return for how many seconds it should wait."""
        now = self._now()
        lately = [at for at in self._known() if 0.0 <= now - at < _LATELY_SECONDS]
        self._keep([*lately, now])
        return delay_seconds(len(lately))

    def end(self) -> None:
        """The service ends as it was asked to: nothing has crashed."""
        self._keep([])

    def _known(self) -> list[float]:
        try:
            kept = json.loads(self._file.read_text())
            return [float(at) for at in kept["starts"]] if kept["boot"] == self._boot else []
        except (OSError, ValueError, TypeError, KeyError):
            return []

    def _keep(self, starts: list[float]) -> None:
        try:
            self._file.write_text(json.dumps({"boot": self._boot, "starts": starts}))
        except OSError as error:
            _log.warning("%s cannot be written (%s): crashes are not counted.", self._file, error.strerror)


def crashes(environment: Mapping[str, str]) -> Crashes | None:
    """Those of the service; None where systemd has not started this process, and so will not start it again."""
    folder = environment.get("STATE_DIRECTORY")
    if not folder or "INVOCATION_ID" not in environment:
        return None
    boot = _BOOT_ID.read_text().strip() if os.access(_BOOT_ID, os.R_OK) else ""
    return Crashes(Path(folder) / "starts.json", boot, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))


def delay_seconds(crashed: int) -> float:
    """How long to wait after so many crashes of late."""
    waits = crashed - _AT_ONCE
    return min(_FIRST_SECONDS * 2 ** min(waits, 10), _LONGEST_SECONDS) if waits >= 0 else 0.0
