"""What the doctor looks at: the settings, this machine, and the speaker that may be running on it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakerd.service.client import is_served, request
from speakerd.settings import Settings

SECRETS = Path("/etc/speakerd")
"""Where the unit takes the service's keys from (LoadCredential)."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Everything that a part may be tried with."""

    settings: Settings
    environment: Mapping[str, str]
    """Where keys are found, for one; see `with_secrets`."""
    sound_environment: Mapping[str, str]
    """Added to the environment of the sound card's process."""
    snapshot: Mapping[str, Any] | None = None
    """What the running speaker tells of itself; None where none runs. What it owns is asked of it."""
    may_ask: bool = True
    """Whether we may use the control socket; else nobody knows what a running speaker holds."""


def with_secrets(environment: Mapping[str, str], folder: Path = SECRETS) -> Mapping[str, str]:
    """The environment in which a command by hand finds the keys that systemd gives the service."""
    if environment.get("CREDENTIALS_DIRECTORY") or not folder.is_dir():
        return environment
    return {**environment, "CREDENTIALS_DIRECTORY": str(folder)}


async def snapshot(socket: Path) -> Mapping[str, Any] | None:
    """What the running speaker tells; None where none runs. Raises ControlError if it may not be asked."""
    if not await is_served(socket):
        return None
    async with aclosing(request(socket, {"do": "status"})) as answers:
        async for answer in answers:
            return answer
    return None
