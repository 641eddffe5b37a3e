"""The file that carries alarms over a restart, and that is never a reason not to start."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path

from speakerd.tools.alarm_days import REPEATS, Alarm
from speakerd.tools.state_file import replace_file

_log = logging.getLogger(__name__)


def load_alarms(file: Path) -> list[Alarm]:
    """The alarms of the last run; a damaged file is one warning and no alarms."""
    try:
        return [_alarm(entry) for entry in json.loads(file.read_text())["alarms"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("%s cannot be read (%s): check its permissions; its alarms are lost.", file, error.strerror)
    except (ValueError, KeyError, TypeError, RecursionError):
        _log.warning("%s is damaged: its alarms are lost, and the next alarm replaces it.", file)
    return []


def save_alarms(file: Path, alarms: Sequence[Alarm]) -> None:
    """Replace the file at once; when that fails it is logged, and the old one stays."""
    try:
        replace_file(file, {"alarms": [_entry(alarm) for alarm in alarms]})
    except OSError as error:
        _log.warning("%s cannot be written (%s): alarms will not survive a restart.", file, error.strerror)


def _entry(alarm: Alarm) -> dict[str, object]:
    return {
        "label": alarm.label,
        "at": alarm.at.isoformat("minutes"),
        "days": sorted(alarm.days),
        "done": alarm.done.isoformat(),
        "rings": alarm.rings,
    }


def _alarm(entry: dict[str, object]) -> Alarm:
    match entry:
        case {"label": str(label), "at": str(at), "days": [*days], "done": str(done), "rings": bool(rings)} if (
            known := _days(days)
        ) is not None:
            return Alarm(label, time.fromisoformat(at).replace(tzinfo=None), known, date.fromisoformat(done), rings)
    raise ValueError("not an alarm")


def _days(days: list[object]) -> frozenset[int] | None:
    return next((known for known in REPEATS.values() if sorted(known) == days), None)
