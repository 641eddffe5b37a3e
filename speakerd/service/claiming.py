"""Claims the control socket's path: a dead daemon's is replaced; a living one's and anything else are left alone."""

from __future__ import annotations

import logging
import os
import socket
import stat
from pathlib import Path

from speakerd.errors import ConfigurationError, ControlError

_log = logging.getLogger(__name__)

LONGEST_PATH_BYTES = 107
"""What Linux can bind: `sun_path` holds 108 with the closing zero (unix(7))."""


def claimed(path: Path) -> socket.socket:
    """A socket that listens there, for its owner and group; raises ConfigurationError or ControlError."""
    if len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise ConfigurationError(
            f'"control.socket" must be at most {LONGEST_PATH_BYTES} bytes long: choose a shorter path than {path}.'
        )
    try:
        obstacle = _obstacle(path)
        if obstacle is None:
            return _listening(path)
    except OSError as error:
        raise ConfigurationError(
            f"The control socket {path} cannot be made ({error.strerror}): "
            'check that its folder exists and is writable, or change "control.socket".'
        ) from error
    raise ControlError(obstacle)


def _obstacle(path: Path) -> str | None:
    """Why the path cannot be had, or None; the socket of a daemon that died is removed."""
    if not path.exists():
        return None
    if not stat.S_ISSOCK(path.stat().st_mode):
        return f'{path} is not a socket: remove it, or change "control.socket".'
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return None
        except BlockingIOError:
            _log.debug("The queue of %s is full: its owner lives.", path)
    return f'Another speakerd answers at {path}: stop it first, or change "control.socket".'


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
