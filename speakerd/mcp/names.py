"""What tools of servers are called, and which are offered; pure.

A name is made of the server's own one alone, wherever that is possible: rules and phrases that the owner wrote for it
still hold when the server gets more tools.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

LONGEST_NAME = 64
"""Characters; endpoints take no more."""

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_HASH_DIGITS = 8


def exposed_names(
    prefix: str, originals: Iterable[str], short: Callable[[str], str] = lambda name: name
) -> Mapping[str, str]:
    """Each tool's name for models, no two alike: the prefix, `_` and what `short` leaves of its own name.

    A name that is too long, or that two would share, ends in a hash of the original.
    """
    plain = {original: f"{prefix}_{_UNFIT.sub('_', short(original))}" for original in sorted(set(originals))}
    count = Counter(plain.values())
    return {
        original: name
        if len(name) <= LONGEST_NAME and (count[name] == 1 or name == f"{prefix}_{original}")
        else _hashed(name, original)
        for original, name in plain.items()
    }


def is_allowed(name: str, globs: Sequence[str]) -> bool:
    """Whether a tool of that name is offered."""
    return any(fnmatchcase(name, glob) for glob in globs)


def after_domain(name: str) -> str:
    """Home Assistant's name of a tool without what some of its versions put before it: intent__HassTurnOn."""
    return name.rpartition("__")[2] or name


def _hashed(name: str, original: str) -> str:
    digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{name[: LONGEST_NAME - _HASH_DIGITS - 1]}_{digest}"
