"""What an optional extra costs where it is used, in time and memory, beside the speaker without it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

EXTRAS: Mapping[str, str] = {"mcp": "speakerd.mcp.link", "mqtt": "speakerd.mqtt.link"}
"""For each extra the module that imports it, and is imported only where the settings ask for it."""

_BASE = "speakerd.assembly"
_CHILD = """
import json, sys, time
def resident_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
figures = []
for module in sys.argv[1:]:
    rss, began = resident_mib(), time.perf_counter()
    __import__(module)
    figures.append({"import_s": time.perf_counter() - began, "rss_mib": resident_mib() - rss})
print(json.dumps(figures))
"""


def extras(times: int, deadline: float) -> dict[str, Any]:
    """Medians of so many fresh processes each; fewer after the deadline."""
    found: dict[str, list[list[dict[str, float]]]] = {name: [] for name in EXTRAS}
    for number in range(times):
        if number and time.monotonic() > deadline:
            break
        for name, module in EXTRAS.items():
            found[name].append(_fresh(_BASE, module))
    every = [process[0] for processes in found.values() for process in processes]
    return {
        "base": _median(every),
        "extras": {name: _median([process[1] for process in processes]) for name, processes in found.items()},
        "processes": len(every),
    }


def _fresh(*modules: str) -> list[dict[str, float]]:
    done = subprocess.run([sys.executable, "-c", _CHILD, *modules], stdout=subprocess.PIPE, check=True)
    figures: list[dict[str, float]] = json.loads(done.stdout)
    return figures


def _median(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(row[key] for row in rows), 3) for key in ("import_s", "rss_mib")}
