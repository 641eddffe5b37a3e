"""What a policy looks at in a tool call: every text in its arguments. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

_MOST_TEXTS = 200


def texts(arguments: str) -> tuple[tuple[str, str], ...]:
    """Each text, number and key in the JSON of some arguments, with the name of the outermost argument it stands in.

    Nothing can hide in depth or number: where there is more than can be looked at, a last text says so, which only a
    pattern that matches anything matches.
    """
    try:
        known = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return (("", arguments),)
    found: list[tuple[str, str]] = []
    for name, value in known.items() if isinstance(known, dict) else [("", known)]:
        for text in _texts(value):
            if len(found) == _MOST_TEXTS:
                return (*found, ("", arguments))
            found.append((name, text))
    return tuple(found)


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop(0):
            case dict() as table:
                waiting = [*table.keys(), *table.values(), *waiting]
            case list() as row:
                waiting = [*row, *waiting]
            case str() as text:
                yield text
            case other:
                yield json.dumps(other)
