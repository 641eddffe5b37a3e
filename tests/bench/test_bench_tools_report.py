from __future__ import annotations

from typing import Any

import pytest

from bench.tools_report import KINDS, SOURCES, keys, text

SPREAD = {"count": 60, "p50": 1.5, "p95": 3.5, "max": 9.0}
GROSS = {**SPREAD, "p95": 6.5}
OWN = {"added_ms": SPREAD, "overhead_ms": GROSS, "server_ms": SPREAD}
COST = {"import_s": 0.25, "rss_mib": 12.5}
SECTIONS: dict[str, Any] = {
    "calls": {
        "added_ms": {**SPREAD, "count": 240},
        "overhead_ms": {**GROSS, "count": 240},
        "sources": {source: OWN if source == "own" else {**OWN, "bare_overhead_ms": SPREAD} for source in SOURCES},
        "errors": 0,
    },
    "prompt": {"kinds": {kind: {"tools": 23, "tokens": 1700, "bytes": 7000} for kind in KINDS}, "own_by_tool": {}},
    "extras": {"base": COST, "extras": {"mcp": COST, "mqtt": COST}, "processes": 6},
}
CIRCUMSTANCES = {
    "machine": {"processor": "a Pi", "cores": 4, "load_average": 0.1, "python": "3.11", "versions": {}},
    "seconds_in_all": 9.0,
}


def report(sections: dict[str, Any]) -> dict[str, Any]:
    return {**keys(sections), "sections": sections, "not_measured": {}, **CIRCUMSTANCES}


def test_keys_are_those_of_the_sections() -> None:
    found = keys(SECTIONS)
    assert (found["call_overhead_ms_p95"], found["tool_prompt_tokens"]) == (3.5, 1700)
    assert found["call_overhead_with_libraries_ms_p95"] == 6.5
    assert found["extras"] == {"mcp": COST, "mqtt": COST}


def test_every_key_is_there_without_any_section() -> None:
    found = keys({})
    assert found.keys() == keys(SECTIONS).keys()
    assert found.pop("extras") == {"mcp": None, "mqtt": None}
    assert set(found.values()) == {None}


@pytest.mark.parametrize("left_out", [(), ("calls",), ("prompt", "extras"), tuple(SECTIONS)])
def test_text_tells_what_was_measured(left_out: tuple[str, ...]) -> None:
    told = text(report({name: of for name, of in SECTIONS.items() if name not in left_out}))
    assert ("0 calls failed." in told) == ("calls" not in left_out)
    assert ("and a large home" in told) == ("prompt" not in left_out)
    assert ("without extras" in told) == ("extras" not in left_out)
