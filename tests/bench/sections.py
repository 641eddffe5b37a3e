"""The sections of a bench: each is measured in a process of its own, which prints one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.machine import service_environment

_LAST_SECONDS = 120.0
"""Beyond its own limit a section may finish what it has begun."""


@dataclass(frozen=True, slots=True)
class Section:
    """What is to be measured."""

    name: str
    kind: str
    amount: float
    """Repetitions, or seconds: what the section is measured by."""
    seconds: float
    """After which nothing more is begun."""


def measure(
    program: str, groups: Sequence[Sequence[Section]], ends_at: float
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The figures of sections, and why some have none; groups one after the other, those of a group at the same time.

    The program is a module that measures one section; `ends_at` is the monotonic second by which all has begun.
    """
    sections, failures = {}, {}
    with ThreadPoolExecutor() as threads:
        for planned in groups:
            left = ends_at - time.monotonic()
            group = [replace(section, seconds=min(section.seconds, left)) for section in planned]
            for section, figures in zip(group, threads.map(partial(_measured, program), group), strict=True):
                if isinstance(figures, str):
                    failures[section.name] = figures
                else:
                    sections[section.name] = figures
    return sections, failures


def _measured(program: str, section: Section) -> dict[str, Any] | str:
    """The figures of a section, or why there are none; in the environment that systemd gives to a service."""
    words = [section.kind, "--amount", str(section.amount), "--seconds", str(section.seconds)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", program, *words],
            stdout=subprocess.PIPE,
            env=service_environment(),
            timeout=max(0.0, section.seconds) + _LAST_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        return f"its process ended with {error.returncode}: see its words above"
    except subprocess.TimeoutExpired:
        return "its process did not end"
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
