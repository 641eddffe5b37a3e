"""The file that carries timers over a restart, and that is never a reason not to start."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from speakerd.tools.state_file import replace_file

LONGEST_SECONDS = 24 * 3600
"""For how long a timer can be set."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedTimer:
    """A timer by the wall clock."""

    label: str
    """Empty when the user gave none."""
    seconds: int
    """For how long it was set: from 1 to LONGEST_SECONDS."""
    due_unix_seconds: float
    rings: bool = False
    """It is due, and nobody has silenced it."""


def load_timers(file: Path) -> list[SavedTimer]:
    """The timers of the last run; a damaged file is one warning and no timers."""
    try:
        return [_timer(entry) for entry in json.loads(file.read_text())["timers"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("%s cannot be read (%s): check its permissions; its timers are lost.", file, error.strerror)
    except (ValueError, KeyError, TypeError, RecursionError):
        _log.warning("%s is damaged: its timers are lost, and the next timer replaces it.", file)
    return []


def save_timers(file: Path, timers: Sequence[SavedTimer]) -> None:
    """Replace the file at once; when that fails it is logged, and the old one stays."""
    try:
        replace_file(file, {"timers": [asdict(timer) for timer in timers]})
    except OSError as error:
        _log.warning("%s cannot be written (%s): timers will not survive a restart.", file, error.strerror)


def _timer(entry: dict[str, object]) -> SavedTimer:
    match entry:
        case {"label": str(label), "seconds": int(seconds), "due_unix_seconds": float(due) | int(due)} if (
            0 < seconds <= LONGEST_SECONDS and math.isfinite(due)
        ):
            return SavedTimer(label, seconds, due, entry.get("rings") is True)
    raise ValueError("not a timer")
