"""The owner's endpoints: which servers answer, in which order, and with which keys.

Deliberately absent: the header OpenAI-Beta, whose protocol was switched off, and the proxies of the environment.
A key leaves this file only inside `Endpoint.headers`; neither repr nor any message shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from speakerd.errors import ConfigurationError
from speakerd.realtime import messages_dialects
from speakerd.realtime.endpoint import Endpoint as Endpoint
from speakerd.realtime.endpoint import TurnDetection
from speakerd.realtime.messages_dialects import Dialect
from speakerd.settings import ConversationSettings, Settings
from speakerd.settings_endpoint import EndpointSettings, OtherEndpoint, rows

_OPENAI_URL = "wss://api.openai.com/v1/realtime"
_XAI_URL = "wss://api.x.ai/v1/realtime"
_AZURE_PATH = "/openai/v1/realtime"
_OFFLINE_URL = "ws://localhost/v1/realtime"
_OPENAI_MODEL = "gpt-realtime-2.1-mini"
_XAI_MODEL = "grok-voice-latest"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What `name` in the settings stands for."""

    dialect: Dialect
    model: str = ""
    voice: str = ""
    variable: str = ""
    """Where the environment has the key."""


_KINDS = {
    "offline": _Kind(messages_dialects.OPENAI, "offline", "marin"),
    "openai": _Kind(messages_dialects.OPENAI, _OPENAI_MODEL, "marin", "OPENAI_API_KEY"),
    "azure": _Kind(messages_dialects.AZURE, "", "marin", "AZURE_OPENAI_API_KEY"),
    "xai": _Kind(messages_dialects.XAI, _XAI_MODEL, "eve", "XAI_API_KEY"),
}
_CUSTOM_KINDS = {
    "openai": _Kind(messages_dialects.OPENAI, _OPENAI_MODEL),
    "xai": _Kind(messages_dialects.XAI, _XAI_MODEL),
    "localai": _Kind(messages_dialects.LOCALAI),
    "speech-to-speech": _Kind(messages_dialects.SPEECH_TO_SPEECH),
}


def endpoints(settings: Settings, offline_socket: Path, environment: Mapping[str, str] | None) -> tuple[Endpoint, ...]:
    """All endpoints in the order in which they are tried; raises ConfigurationError.

    The key of each is the first of: its `key_file`; the credentials named after it, such as $CREDENTIALS_DIRECTORY/
    xai-api-key or openai-2-api-key, for openai also api-key; the variable of its maker. A custom endpoint gets the
    one that is meant for it or none, so that a key for OpenAI never reaches another server. Without an environment no
    keys are read, and none are missed.
    """
    talk, first = settings.conversation, settings.endpoint
    found = []
    names: Counter[str] = Counter()
    for row, each in rows(first):
        names[each.name] += 1
        unique = each.name if names[each.name] == 1 else f"{each.name}-{names[each.name]}"
        source = _Source(row, unique, environment)
        found.append(_endpoint(each, source, offline_socket, first.instructions, _turns(talk)))
    if first.offline_fallback and not names["offline"]:
        source = _Source("endpoint", "offline", environment)
        found.append(
            _endpoint(OtherEndpoint("offline"), source, offline_socket, first.instructions, _turns(talk)),
        )
    return tuple(found)


def endpoint(settings: EndpointSettings, offline_socket: Path, environment: Mapping[str, str]) -> Endpoint:
    """The first of the endpoints, where turns are found as by default; raises ConfigurationError."""
    alone = replace(settings, offline_fallback=False, others=())
    return endpoints(Settings(endpoint=alone), offline_socket, environment)[0]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an endpoint's facts are from."""

    row: str
    """The key of its table."""
    unique: str
    """Its name among the others."""
    environment: Mapping[str, str] | None


def _endpoint(
    settings: OtherEndpoint, source: _Source, offline_socket: Path, instructions: str, turns: TurnDetection | None
) -> Endpoint:
    is_custom, is_offline = settings.name == "custom", settings.name == "offline"
    kind = _CUSTOM_KINDS[settings.dialect] if is_custom else _KINDS[settings.name]
    model = kind.model if is_offline else settings.model or kind.model
    transcribes = settings.transcription_model != "none"
    transcription = settings.transcription_model or ("gpt-transcribe" if kind.dialect.names_transcription else "")
    return Endpoint(
        name=source.unique,
        url=_url(settings, source.row, model),
        headers={}
        if is_offline or source.environment is None
        else _headers(settings, kind, source, source.environment),
        model=model,
        unix_socket=offline_socket if is_offline else None,
        dialect=kind.dialect,
        connect_seconds=settings.connect_seconds,
        bills=settings.bills if is_custom else not is_offline,
        phrases=is_offline,
        instructions=instructions,
        voice=settings.voice or kind.voice,
        turns=turns,
        transcribes=transcribes,
        transcription_model=transcription if transcribes else "",
        language=settings.language,
        noise_reduction=None if settings.noise_reduction == "none" else settings.noise_reduction,
        reasoning_effort=settings.reasoning_effort,
        max_output_tokens=settings.max_output_tokens,
        retention_ratio=settings.retention_ratio,
    )


def _turns(talk: ConversationSettings) -> TurnDetection | None:
    if talk.turns in ("local", "push"):
        return None
    return TurnDetection(
        by_meaning=talk.turns == "semantic",
        eagerness=talk.eagerness,
        silence_ms=talk.end_silence_ms,
        prefix_ms=talk.prefix_ms,
        threshold=talk.speech_threshold,
        interrupts=talk.interrupt_response,
    )


def _url(settings: OtherEndpoint, row: str, model: str) -> str:
    match settings.name:
        case "offline":
            return _with_model(_OFFLINE_URL, model)
        case "openai":
            return _with_model(_OPENAI_URL, model)
        case "xai":
            return _with_model(_XAI_URL, model)
        case "azure":
            return _azure(_placed(settings.url, f"{row}.url", model), model)
        case "custom":
            url = _placed(settings.url, f"{row}.url", model)
            return url if "{model}" in settings.url else _with_model(url, model)


def _azure(url: str, model: str) -> str:
    """The address in Azure: as it is when it has a path, else with the path that is the same for all resources."""
    parts = urlsplit(url)._replace(scheme="wss")
    if parts.path.strip("/"):
        return urlunsplit(parts)
    return _with_model(urlunsplit(parts._replace(path=_AZURE_PATH)), model)


def _placed(url: str, key: str, model: str) -> str:
    """A URL that can be connected to, with the model in the place that is kept for it."""
    url = url.replace("{model}", quote(model, safe=""))
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        schemes = ("ws", "wss", "https")
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0 and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f'"{key}" is not an address such as ws://192.168.1.5:8080/v1/realtime.')
    return url


def _with_model(url: str, model: str) -> str:
    """The URL, asking for a model unless it asks for one already or there is none to ask for."""
    query = urlsplit(url).query
    if not model or any(part.startswith("model=") for part in query.split("&")):
        return url
    return f"{url}{'&' if query else '?'}model={quote(model, safe='')}"


def _headers(
    settings: OtherEndpoint, kind: _Kind, source: _Source, environment: Mapping[str, str]
) -> Mapping[str, str]:
    key = next(_keys(settings, kind, source, environment), None)
    if key is not None:
        return {"api-key": key} if settings.name == "azure" else {"Authorization": f"Bearer {key}"}
    if settings.name == "custom":
        return {}
    file = "api-key" if settings.name == "openai" else f"{source.unique}-api-key"
    raise ConfigurationError(
        f'{source.row}.name is "{settings.name}" but there is no API key: '
        f'write it into /etc/speakerd/{file}, or into a file that "{source.row}.key_file" names.'
    )


def _keys(settings: OtherEndpoint, kind: _Kind, source: _Source, environment: Mapping[str, str]) -> Iterator[str]:
    """The keys that an endpoint may have, the best first."""
    if settings.key_file:
        yield _key(Path(settings.key_file), f"{source.row}.key_file")
    folder = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent"))
    for name in _credentials(settings.name, source.unique):
        credential = folder / name
        # The unit gives an empty one where there is none, because systemd insists on one.
        if credential.exists() and credential.read_bytes().strip():
            yield _key(credential, f"the credential {name}")
    if kind.variable and environment.get(kind.variable):
        yield _usable(environment[kind.variable], f"the variable {kind.variable}")


def _credentials(name: str, unique: str) -> list[str]:
    """Names of credentials; one maker's servers share a key, other servers never do."""
    shared = {"openai": ["openai-api-key", "api-key"], "xai": ["xai-api-key"]}
    return list(dict.fromkeys([f"{unique}-api-key", *shared.get(name, [])]))


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
