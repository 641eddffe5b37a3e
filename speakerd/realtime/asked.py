"""What a policy looks at in a tool call: every text in its arguments. Pure."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

_MOST_TEXTS = 200
_MOST_CHARACTERS = 16_384
"""A call with more is not run: see tools.tool."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10))))
"""Not seen, though no format characters: joiners, fillers and variation selectors."""


def texts(arguments: str) -> tuple[tuple[str, str], ...]:
    """Each text, number and key in the JSON of some arguments, with the name of the outermost argument it stands in.

    Nothing can hide in depth or number: where there is more than can be looked at, a last text says so, with the name
    "", as it may be in any argument. Nor can it in writing: see `plain`.
    """
    if len(arguments) > _MOST_CHARACTERS:
        return (("", arguments[:_MOST_CHARACTERS]),)
    try:
        known = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return (("", arguments),)
    found: list[tuple[str, str]] = []
    known = known if isinstance(known, dict) else {"": known}
    for name, value in known.items():
        for text in _texts(value):
            if len(found) == _MOST_TEXTS:
                return (*found, ("", arguments))
            found.append((name, plain(text)))
    return tuple(found)


def plain(text: str) -> str:
    """A text as it looks: without marks that are not seen, in the usual form of each letter, with single spaces."""
    usual = unicodedata.normalize("NFKC", text)
    return " ".join("".join(mark for mark in usual if not _is_unseen(mark)).split())


def _is_unseen(mark: str) -> bool:
    return unicodedata.category(mark) in ("Cf", "Cn", "Co", "Cs") or mark in _UNSEEN


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
