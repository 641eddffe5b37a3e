"""Tokens for servers: read once, never logged; messages name the file alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from speakerd.errors import ConfigurationError


def token(key_file: str, key: str, credential: str, environment: Mapping[str, str]) -> str | None:
    """The token in the owner's file, else in the systemd credential of that name, if there is any.

    Raises ConfigurationError for a file that holds none; an empty credential is as good as none.
    """
    if key_file:
        return _usable(Path(key_file), f'"{key}" ({key_file})')
    given = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / credential
    # systemd insists on a credential that the unit names, so that the unit gives an empty one where there is none.
    if given.exists() and given.read_bytes().strip():
        return _usable(given, f"the credential {credential}")
    return None


def _usable(path: Path, source: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        # Not chained: this exception holds what it could not decode.
        raise ConfigurationError(f"{source} is not a text file: write the token into it.") from None
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{source} does not hold a token: it must be one line without spaces.")
    return text
