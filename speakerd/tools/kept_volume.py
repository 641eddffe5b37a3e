"""The volume that the owner set last, kept over a restart."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

from speakerd.tools.state_file import replace_file

_SAVE_SECONDS = 2.0
"""After a change: whoever turns the volume turns it several times."""

_log = logging.getLogger(__name__)


class KeptVolume:
    """Changes the volume and keeps it in a file, a moment later and once for many changes; for the loop's thread."""

    def __init__(self, file: Path, set_volume: Callable[[float], None]) -> None:
        self._file = file
        self._set_volume = set_volume
        self._kept = self._level = _load(file)
        self._saving: asyncio.TimerHandle | None = None

    def restore(self) -> None:
        """Set the volume of the last run, if there is one."""
        if self._kept is not None:
            self._set_volume(self._kept)

    def set(self, level: float) -> None:
        """Set the volume, from 0 to 1."""
        self._set_volume(level)
        self._level = level
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(_SAVE_SECONDS, self._save)

    def close(self) -> None:
        """Keep what is not kept yet."""
        if self._saving is not None:
            self._saving.cancel()
            self._save()

    def _save(self) -> None:
        self._saving = None
        if self._level == self._kept:
            return
        try:
            replace_file(self._file, {"volume": self._level})
        except OSError as error:
            _log.warning(
                "%s cannot be written (%s): the volume will not survive a restart.", self._file, error.strerror
            )
        self._kept = self._level


def _load(file: Path) -> float | None:
    """The volume in the file; a damaged file is one warning and no volume."""
    try:
        match json.loads(file.read_text()):
            case {"volume": float(level) | int(level)} if 0 <= level <= 1 and not isinstance(level, bool):
                return float(level)
        _log.warning("%s is damaged: the volume begins as in the settings.", file)
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.warning("%s cannot be read (%s): the volume begins as in the settings.", file, error.strerror)
    except (ValueError, RecursionError):
        _log.warning("%s is damaged: the volume begins as in the settings.", file)
    return None
