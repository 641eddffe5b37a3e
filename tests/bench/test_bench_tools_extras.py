"""That a speaker without a server or a broker pays nothing for them, and that those who pay are measured."""

from __future__ import annotations

import subprocess
import sys

from bench.tools_extras import EXTRAS, extras

LIBRARIES = {"aiomqtt", "anyio", "httpx2", "mcp", "mcp_types", "paho", "pydantic", "starlette"}


def imported(code: str) -> set[str]:
    """Which of the extras' libraries a fresh process has after this."""
    told = f"import sys\n{code}\nprint(*({LIBRARIES!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())


def test_without_a_server_and_a_broker_no_library_is_imported() -> None:
    code = (
        "import speakerd.daemon, speakerd.cli, speakerd.assembly, speakerd.checks\n"
        "from speakerd.settings import Settings\n"
        "assert speakerd.assembly.sources(Settings(), {}) == []\n"
        "assert speakerd.assembly.mqtt(Settings().mqtt, print, None, {}) is None\n"
    )
    assert imported(code) == set()


def test_what_is_measured_as_an_extra_imports_it() -> None:
    assert {"mcp", "pydantic"} <= imported(f"import {EXTRAS['mcp']}")
    assert {"aiomqtt", "paho"} <= imported(f"import {EXTRAS['mqtt']}")


def test_an_extra_costs_time_and_memory_beside_the_speaker() -> None:
    measured = extras(1, 0.0)
    assert measured["extras"].keys() == EXTRAS.keys()
    for of in (measured["base"], *measured["extras"].values()):
        assert of["import_s"] > 0
        assert of["rss_mib"] > 0
