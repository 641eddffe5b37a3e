"""Changes the file of the settings: comments and layout stay as they were. tomlkit is imported here alone.

The file is replaced whole, so that whoever reads it meanwhile, or a power cut, finds the old one or the new one.
"""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speakerd.errors import ConfigurationError
from speakerd.settings_keys import Step, steps

_NEW_FILE_MODE = 0o644
"""The service reads it as a user of its own; secrets have files of their own."""


def changed(text: str, key: str, value: object) -> str:
    """A TOML document in which a key has another value, or, for None, is no more; raises ConfigurationError."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        *way, (name, row) = steps(key)
        table = _reached(document, way, key, is_made=value is not None)
        if row is not None:
            raise ConfigurationError(f'"{key}" is a whole row: name one of its keys, such as "{key}.name".')
        if value is not None:
            table[name] = _inline(value)
        elif table is not None:
            table.pop(name, None)
        made = tomlkit.dumps(document)
        _check_only(text, made, key)
    except TOMLKitError as error:
        raise ConfigurationError(f"it is not valid TOML: {error}.") from error
    return made


def _reached(document: Any, way: list[Step], key: str, *, is_made: bool) -> Any:
    """The table in which a key stands; made where it is missing, or else None."""
    import tomlkit

    table = document
    for name, row in way:
        if name not in table:
            if not is_made:
                return None
            if row is not None:
                raise ConfigurationError(f'There is no [[{name}]] for "{key}" yet: write one into the file.')
            table[name] = tomlkit.table()
        table = table[name]
        if row is not None:
            if not isinstance(table, list) or len(table) < row:
                raise ConfigurationError(f'There is no row {row} for "{key}" yet: write one into the file.')
            table = table[row - 1]
        if not isinstance(table, dict):
            raise ConfigurationError(f'"{key}" cannot be set: "{name}" is not a table.')
    return table


def _inline(value: object) -> object:
    """A value that fits into a line: rows as [[tables]] would move to another place."""
    import tomlkit

    if not isinstance(value, list) or not any(isinstance(row, dict) for row in value):
        return value
    rows = tomlkit.array()
    for row in value:
        table = tomlkit.inline_table()
        table.update(row)
        rows.append(table)
    return rows


def _check_only(before: str, after: str, key: str) -> None:
    """Whatever the library does to the layout, no other key may change."""
    old, new = (_without(tomllib.loads(text), steps(key)) for text in (before, after))
    if old != new:
        raise ConfigurationError(f'"{key}" cannot be set without changing others: edit the file by hand.')


def _without(document: dict[str, Any], way: list[Step]) -> dict[str, Any]:
    """A document without a key, and without the tables that were empty but for it."""
    passed: list[tuple[dict[str, Any], str]] = []
    table: Any = document
    for name, row in way[:-1]:
        passed.append((table, name))
        table = table.get(name, {})
        table = table[row - 1] if row is not None else table
    table.pop(way[-1][0], None)
    for above, name in reversed(passed):
        if above.get(name) == {}:
            del above[name]
    return document


def rewrite(path: Path, change: Callable[[str], str]) -> Path | None:
    """Replace a file's text by what `change` makes of it, and keep the old file beside it; returns where that is.

    Mode and owner stay. A file that is missing is made. Raises ConfigurationError, and then nothing has changed; what
    `change` raises passes.
    """
    path = path.resolve()  # what a link leads to is changed, not the link
    try:
        with _alone(path.parent):
            is_new = not path.exists()
            before = "" if is_new else path.read_bytes().decode()
            after = change(before)
            backup = None if is_new else _backup(path)
            _replace(path, after)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}): check its folder, or run it with sudo."
        ) from error
    return backup


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for others who change a file in this folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _backup(path: Path) -> Path:
    """The file as it is, under another name; the one before it is no more."""
    backup = path.with_name(f"{path.name}.bak")
    _write(backup, path.read_bytes(), path.stat())
    return backup


def _replace(path: Path, text: str) -> None:
    _write(path, text.encode(), path.stat() if path.exists() else None)


def _write(path: Path, content: bytes, like: os.stat_result | None) -> None:
    """Write a file at once or not at all, with the mode and the owner of another."""
    unready = path.with_name(f".{path.name}.new")
    unready.unlink(missing_ok=True)
    handle = os.open(unready, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if like is not None:
                if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
                os.fchmod(file.fileno(), like.st_mode & 0o7777)
            else:
                os.fchmod(file.fileno(), _NEW_FILE_MODE)
            file.flush()
            os.fsync(file.fileno())
        unready.replace(path)
    except OSError:
        unready.unlink(missing_ok=True)
        raise
