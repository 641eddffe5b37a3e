"""Prints what the parts of Home Assistant that the tests use need, one requirement a line; runs in its Python."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

_USED = ("api", "config", "conversation", "input_boolean", "intent", "mcp_server", "mqtt", "onboarding", "template")
_IMPORTED = ("hassio", "stream")
"""What others import without asking for it."""


def _always() -> set[str]:
    """What is started in every home; it is not asked for in any manifest."""
    bootstrap, constants = import_module("homeassistant.bootstrap"), import_module("homeassistant.const")
    return set(bootstrap.DEFAULT_INTEGRATIONS) | set(map(str, constants.Platform))


def _requirements(parts: set[str]) -> set[str]:
    found = find_spec("homeassistant")
    assert found is not None
    assert found.origin is not None
    components = Path(found.origin).parent / "components"
    waiting, seen, needed = list(parts), set(), set()
    while waiting:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        manifest = components / part / "manifest.json"
        if manifest.exists():
            told = json.loads(manifest.read_text())
            needed |= set(told.get("requirements", ()))
            waiting += told.get("dependencies", ())
    return needed


sys.stdout.writelines(f"{requirement}\n" for requirement in sorted(_requirements({*_USED, *_IMPORTED, *_always()})))
