"""The settings by their keys: what counts, where it is from, and without the secrets in it. Pure."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import urlsplit, urlunsplit

from speakerd.errors import ConfigurationError

MASK = "***"

_STEP = re.compile(r"([a-z][a-z0-9_]*)(?:\[([1-9][0-9]{0,3})\])?")
_SECRET = re.compile(r"key|token|secret|password|passwd|auth|credential", re.IGNORECASE)
_OPEN_QUERY = {"model", "deployment", "api-version"}
"""What an address may say after its question mark that is no secret."""

Step = tuple[str, int | None]
"""A name, and a row of it counted from 1."""


def steps(key: str) -> list[Step]:
    """The parts of a key such as endpoint.others[1].model; raises ConfigurationError."""
    found = [_STEP.fullmatch(part) for part in key.split(".")]
    matched = [step for step in found if step is not None]
    if len(matched) < len(found):
        raise ConfigurationError(f'"{key}" is no key: write it as audio.volume, or endpoint.others[1].model.')
    return [(step[1], int(step[2]) if step[2] else None) for step in matched]


def keys(kind: type, prefix: str = "") -> Iterator[str]:
    """All keys of a dataclass of settings; rows of a table are not gone into."""
    types = typing.get_type_hints(kind)
    for field in fields(kind):
        below = types[field.name]
        if is_dataclass(below) and isinstance(below, type):
            yield from keys(below, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def value_at(settings: object, key: str) -> object:
    """The value of a key; raises ConfigurationError where there is none."""
    found = settings
    for name, row in steps(key):
        if not is_dataclass(found) or name not in {field.name for field in fields(found)}:
            raise unknown(key, type(settings))
        found = getattr(found, name)
        if row is not None:
            if not isinstance(found, tuple) or len(found) < row:
                raise ConfigurationError(f'There is no row {row} in "{key}": `speakerd config show` lists them all.')
            found = found[row - 1]
    return found


def unknown(key: str, kind: type) -> ConfigurationError:
    """What to say of a key that there is not."""
    near = difflib.get_close_matches(key, list(keys(kind)), n=1)
    hint = f'did you mean "{near[0]}"?' if near else "`speakerd config show` lists them all."
    return ConfigurationError(f'There is no setting "{key}": {hint}')


def kind_at(kind: type, key: str) -> object:
    """The type that a key's value has; None where there is no such key."""
    found: object = kind
    for name, row in steps(key):
        if not is_dataclass(found) or not isinstance(found, type):
            return None
        found = typing.get_type_hints(found).get(name)
        if row is not None:
            found = next(iter(typing.get_args(found)), None)
    return found


def origin(key: str, table: Mapping[str, object], environment: Mapping[str, str]) -> str | None:
    """The variable or the table's name that sets a key; None where its default counts. `table` is the file's."""
    section, _, rest = key.partition(".")
    variable = f"SPEAKERD_{section}__{rest}".upper()
    if rest and variable in environment:
        return variable
    found: object = table
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return "file"


def plain(value: object) -> object:
    """A value as JSON or TOML have it: rows are tables."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def masked(value: object, name: str = "") -> object:
    """A plain value without what may be a secret: `name` is the last part of its key."""
    if isinstance(value, Mapping):
        return {key: masked(each, key) for key, each in value.items()}
    if isinstance(value, list) and name == "environment":
        return [_assigned(str(each)) for each in value]
    if isinstance(value, list) and name in ("argv", "command"):
        return _arguments([str(each) for each in value])
    if isinstance(value, list):
        return [masked(each, name) for each in value]
    return _address(value) if isinstance(value, str) and "://" in value else value


def _assigned(entry: str) -> str:
    name, sign, _ = entry.partition("=")
    return f"{name}{sign}{MASK if sign else ''}"


def _arguments(words: list[str]) -> list[str]:
    """A command line in which what follows a word such as --token is not shown."""
    shown, hides = [], False
    for word in words:
        name, sign, _ = word.partition("=")
        is_secret = _SECRET.search(name) is not None
        if hides:
            shown.append(MASK)
        elif is_secret and sign:
            shown.append(f"{name}={MASK}")
        else:
            shown.append(str(masked(word)))
        hides = not hides and is_secret and not sign and word.startswith("-")
    return shown


def _address(text: str) -> str:
    """An address without its password and what its query says."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return MASK
    user, sign, host = parts.netloc.rpartition("@")
    netloc = f"{MASK}@{host}" if sign and user else parts.netloc
    query = "&".join(_asked(part) for part in parts.query.split("&") if part)
    return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=MASK if parts.fragment else ""))


def _asked(part: str) -> str:
    name, sign, value = part.partition("=")
    return f"{name}{sign}{value}" if name in _OPEN_QUERY else f"{name}{sign}{MASK}" if sign else MASK
