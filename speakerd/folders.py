"""Where the speaker keeps what must survive a restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from speakerd.errors import ConfigurationError
from speakerd.settings import Settings

SERVICE_FOLDER = Path("/var/lib/speakerd")
"""What systemd makes for the service (StateDirectory)."""


def state_folder(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Where this process keeps it; made if missing. Raises ConfigurationError."""
    given = settings.state_folder or environment.get("STATE_DIRECTORY", "")
    folder = Path(given) if given else Path.home() / ".local/state/speakerd"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f'The state folder {folder} cannot be made ({error.strerror}): set "state_folder" to one that can.'
        ) from error
    return folder


def speakers_folder(settings: Settings, environment: Mapping[str, str], service_folder: Path = SERVICE_FOLDER) -> Path:
    """Where the speaker keeps it that these settings are for, for commands run by hand: the service's where it has one.

    Raises ConfigurationError.
    """
    is_services = not (settings.state_folder or environment.get("STATE_DIRECTORY")) and service_folder.is_dir()
    return service_folder if is_services else state_folder(settings, environment)
