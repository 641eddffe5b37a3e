"""Which server answers, and with which key.

Deliberately absent: the header OpenAI-Beta, whose protocol was switched off, and the proxies of the environment.
The key leaves this file only inside `Endpoint.headers`; neither repr nor any message shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from speakerd.errors import ConfigurationError
from speakerd.settings import EndpointSettings

_OPENAI_URL = "wss://api.openai.com/v1/realtime"
_OFFLINE_URL = "ws://localhost/v1/realtime"
_OFFLINE_MODEL = "offline"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of the Realtime protocol and how it is reached."""

    name: str
    url: str = field(repr=False)
    """With the query, in which an owner may have put a secret."""
    headers: Mapping[str, str] = field(repr=False)
    model: str
    unix_socket: Path | None = None
    """Where to connect instead of to the URL's host."""
    phrases: bool = False
    """Whether tools carry their example phrases; only the assistant on the device reads them."""
    transcription_model: str = "gpt-transcribe"

    @property
    def where(self) -> str:
        """The endpoint in messages: its name and where it is, without secrets."""
        parts = urlsplit(self.url)
        return f"{self.name} ({self.unix_socket or parts.netloc.rpartition('@')[2]})"


def endpoint(settings: EndpointSettings, offline_socket: Path, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint that the settings name; raises ConfigurationError.

    The key of OpenAI is the first of: `key_file`, $CREDENTIALS_DIRECTORY/api-key, OPENAI_API_KEY. A custom endpoint
    gets the one in `key_file` only, so that a key meant for OpenAI never reaches another server.
    """
    match settings.name:
        case "offline":
            url = _with_model(_OFFLINE_URL, _OFFLINE_MODEL)
            return Endpoint("offline", url, {}, _OFFLINE_MODEL, unix_socket=offline_socket, phrases=True)
        case "openai":
            key = _openai_key(settings, environment)
            return Endpoint("openai", _with_model(_OPENAI_URL, settings.model), _bearer(key), settings.model)
        case "custom":
            headers = _bearer(_key(Path(settings.key_file), "endpoint.key_file")) if settings.key_file else {}
            return Endpoint("custom", _with_model(_checked(settings.url), settings.model), headers, settings.model)


def _openai_key(settings: EndpointSettings, environment: Mapping[str, str]) -> str:
    if settings.key_file:
        return _key(Path(settings.key_file), "endpoint.key_file")
    credential = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent"), "api-key")
    if credential.exists() and credential.read_bytes().strip():
        return _key(credential, "the credential api-key")
    if environment.get("OPENAI_API_KEY"):
        return _usable(environment["OPENAI_API_KEY"], "the variable OPENAI_API_KEY")
    raise ConfigurationError(
        'endpoint.name is "openai" but there is no API key: '
        'write it into /etc/speakerd/api-key, or into a file that "endpoint.key_file" names.'
    )


def _key(path: Path, source: str) -> str:
    try:
        return _usable(path.read_text(encoding="utf-8"), f"{source} ({path})")
    except OSError as error:
        raise ConfigurationError(f"{source} ({path}) cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        # Not chained: this exception holds what it could not decode.
        raise ConfigurationError(f"{source} ({path}) is not a text file: write the API key into it.") from None


def _usable(text: str, source: str) -> str:
    """The key without the white space around it."""
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(f"{source} does not hold an API key: it must be one line without spaces.")
    return key


def _bearer(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _checked(url: str) -> str:
    """A URL that can be connected to."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        usable = parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0 and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError('"endpoint.url" is not an address such as ws://192.168.1.5:8080/v1/realtime.')
    return url


def _with_model(url: str, model: str) -> str:
    """The URL, asking for a model unless it asks for one already."""
    query = urlsplit(url).query
    if any(part.startswith("model=") for part in query.split("&")):
        return url
    return f"{url}{'&' if query else '?'}model={quote(model, safe='')}"
