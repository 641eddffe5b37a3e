"""`speakerd config`: what counts and where it is from, and changes to the file that leave the rest of it alone."""

from __future__ import annotations

import json
import sys
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Literal, TextIO

from speakerd import settings, settings_toml
from speakerd.errors import ConfigurationError
from speakerd.gpio.boards import load_board
from speakerd.reloading import differences
from speakerd.settings import Settings
from speakerd.settings_file import changed, rewrite
from speakerd.settings_keys import keys, kind_at, masked, origin, plain, unknown, value_at


def show(path: Path | None, environment: Mapping[str, str], *, as_json: bool, out: TextIO | None = None) -> int:
    """Print every setting with its value and where that is from: TOML by sections, or one object of JSON."""
    out = out or sys.stdout
    known = settings.load(path, environment)
    table = settings_toml.read(path) if path else {}
    rows = {key: (_shown(known, key), _source(origin(key, table, environment), path)) for key in keys(Settings)}
    if as_json:
        report = {key: {"value": value, "origin": source} for key, (value, source) in rows.items()}
        out.write(json.dumps(report) + "\n")
        return 0
    section = ""
    for key, (value, source) in rows.items():
        above, _, name = key.rpartition(".")
        if above != section:
            section = above
            out.write(f"\n[{section}]\n")
        out.write(f"{name} = {toml(value)}  # {source}\n")
    return 0


def get(path: Path | None, environment: Mapping[str, str], key: str, out: TextIO | None = None) -> int:
    """Print the value that counts: a text as it is, all else as TOML has it."""
    value = _shown(settings.load(path, environment), key)
    (out or sys.stdout).write(f"{value if isinstance(value, str) else toml(value)}\n")
    return 0


def change(path: Path, environment: Mapping[str, str], key: str, text: str | None, out: TextIO | None = None) -> int:
    """Write a value into the file, or for None take it out, if the whole is right then; say what is to be done."""
    value = None if text is None else read_value(key, text)
    sentences: list[str] = []

    def changed_text(before: str) -> str:
        after = changed(before, key, value)
        sentences.extend(_told(key, _known(before, path), _checked(after, path)))
        return after

    backup = rewrite(path, changed_text)
    kept = f"; {backup} is as it was" if backup else ""
    variable = origin(key, {}, environment)
    if variable is not None:
        sentences.append(f"The variable {variable} goes before the file here.")
    (out or sys.stdout).writelines(f"{sentence}\n" for sentence in (f"{path} is written{kept}.", *sentences))
    return 0


def read_value(key: str, text: str) -> object:
    """What a word of the command line means for a key: a text is itself, all else what TOML makes of it.

    Raises ConfigurationError for an unknown key.
    """
    kind = kind_at(Settings, key)
    if kind is None:
        raise unknown(key, Settings)
    if is_dataclass(kind):
        raise ConfigurationError(f'"{key}" is a whole section: name one of its keys.')
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    is_text = kind is str or typing.get_origin(kind) is Literal
    return text if is_text and not isinstance(value, str) else value


def toml(value: object) -> str:
    """A plain value as TOML writes it, in one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            # JSON escapes as TOML does, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)


def _shown(known: Settings, key: str) -> object:
    return masked(plain(value_at(known, key)), key.rpartition(".")[2].partition("[")[0])


def _source(found: str | None, path: Path | None) -> str:
    return "default" if found is None else str(path) if found == "file" else found


def _checked(text: str, path: Path) -> Settings:
    """The settings of a document, with the board that they name; raises ConfigurationError."""
    try:
        known = settings.parse(tomllib.loads(text))
        load_board(known.board)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return known


def _known(text: str, path: Path) -> Settings | None:
    """The settings of a document; None where they are wrong, which a change may be about to mend."""
    try:
        return _checked(text, path)
    except ConfigurationError:
        return None


def _told(key: str, before: Settings | None, after: Settings) -> list[str]:
    sentence = f"{key} is {toml(_shown(after, key))} now."
    if before == after:
        return [sentence, "Nothing has to be done: it was so before."]
    if before is None or differences(before, after):
        return [sentence, "Restart the speaker to apply it: sudo systemctl restart speakerd"]
    return [sentence, "Let the speaker read it: sudo systemctl reload speakerd"]
