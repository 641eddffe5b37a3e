"""The record of what tools were allowed to do, and why: one line of JSON each, never what was asked of the tool."""

from __future__ import annotations

import json
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from speakerd.tools.clock import local_now

_MOST_BYTES = 256 * 1024
_MOST_LATEST = 20
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_NAME = "(no tool)"
"""A model may call what is no tool, by a name that has words in it."""

_log = logging.getLogger(__name__)


class AuditFile:
    """Implements ports.Audit; keeps the latest lines, and the file before, of a quarter of a MiB each."""

    def __init__(self, path: Path, now: Callable[[], datetime] = local_now) -> None:
        self._path = path
        self._now = now
        self._file: int | None = None
        self._is_broken = False
        self._latest: deque[Mapping[str, str]] = deque(maxlen=_MOST_LATEST)

    def note(self, tool: str, decision: str, reason: str, asker: str) -> None:
        """See Audit; a file that cannot be written is said once in the journal."""
        name = tool if _NAME.fullmatch(tool) else _NO_NAME
        known = {"tool": name, "decision": decision, "reason": reason, "asker": asker}
        fields = {key.upper(): value for key, value in known.items()}  # of the journal, see service/fields.py
        _log.info("The tool %s, asked for by %s, was %s: %s.", name, asker, decision, reason, extra=fields)
        line = {"at": self._now().isoformat(timespec="seconds"), **known}
        self._latest.append(line)
        self._write(json.dumps(line) + "\n")

    def latest(self) -> Sequence[Mapping[str, str]]:
        """The latest decisions, the last one last."""
        return tuple(self._latest)

    def close(self) -> None:
        """Close the file; a decision after this opens it again."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _write(self, line: str) -> None:
        try:
            os.write(self._opened(), line.encode())
            self._is_broken = False
        except OSError as error:
            if not self._is_broken:
                _log.warning(
                    "%s cannot be written (%s): decisions are in the journal only.", self._path, error.strerror
                )
            self._is_broken = True

    def _opened(self) -> int:
        """The file, which stays open, for a tool waits; a new one when it is full or somebody has removed it."""
        file = self._open() if self._file is None else self._file
        known = os.fstat(file)
        if known.st_nlink and known.st_size <= _MOST_BYTES:
            return file
        self.close()
        if known.st_nlink:
            self._path.replace(self._path.with_suffix(".old.jsonl"))
        return self._open()

    def _open(self) -> int:
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self._file
