"""The environment of a server that the speaker starts: little, and none of the speaker's keys; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_ALWAYS = ("PATH", "HOME", "LANG")


def child_environment(entries: Sequence[str], ours: Mapping[str, str]) -> dict[str, str]:
    """PATH, HOME and LANG, and the owner's entries: NAME as we have it, or NAME=value. What is not set is left out."""
    found = {name: ours[name] for name in _ALWAYS if name in ours}
    for entry in entries:
        name, separator, value = entry.partition("=")
        if separator:
            found[name] = value
        elif name in ours:
            found[name] = ours[name]
    return found
