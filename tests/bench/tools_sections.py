"""One section of `scripts/bench tools`: prints one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpe_openai

from bench.tools_calls import calls
from bench.tools_extras import extras
from bench.tools_prompt import prompt

SECTIONS = ("calls", "prompt", "extras")


def main() -> None:
    """Measure one section and print its figures."""
    parser = argparse.ArgumentParser(prog="bench.tools_sections")
    parser.add_argument("section", choices=SECTIONS)
    parser.add_argument("--amount", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    sys.stdout.write(json.dumps(_figures(chosen.section, round(chosen.amount), time.monotonic() + chosen.seconds)))


def _figures(section: str, amount: int, deadline: float) -> Mapping[str, Any]:
    if section == "prompt":
        encoding = bpe_openai.get_encoding("o200k_base")
        return prompt(lambda text: len(encoding.encode_ordinary(text)))
    if section == "extras":
        return extras(amount, deadline)
    with tempfile.TemporaryDirectory(prefix="speakerd-bench-") as folder:
        return asyncio.run(calls(Path(folder), amount, deadline))


if __name__ == "__main__":
    main()
