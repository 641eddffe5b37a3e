"""The record of what tools were allowed to do, and why: one line of JSON each, never what was asked of the tool."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from speakerd.tools.clock import local_now

_MOST_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class AuditFile:
    """Implements ports.Audit; keeps the latest lines, and the file before, of a quarter of a MiB each."""

    def __init__(self, path: Path, now: Callable[[], datetime] = local_now) -> None:
        self._path = path
        self._now = now
        self._is_broken = False

    def note(self, tool: str, decision: str, reason: str) -> None:
        """See Audit; a file that cannot be written is said once in the journal."""
        _log.info("The tool %.64s was %s: %s.", tool, decision, reason)
        line = {"at": self._now().isoformat(timespec="seconds"), "tool": tool[:64], "decision": decision}
        try:
            if self._path.exists() and self._path.stat().st_size > _MOST_BYTES:
                self._path.replace(self._path.with_suffix(".old.jsonl"))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**line, "reason": reason}) + "\n")
            self._is_broken = False
        except OSError as error:
            if not self._is_broken:
                _log.warning(
                    "%s cannot be written (%s): decisions are in the journal only.", self._path, error.strerror
                )
            self._is_broken = True
