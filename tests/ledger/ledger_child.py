"""Forks speakers that book until they are killed: one for each line of stdin, which names its file.

Each says its pid, and then each booking. A process of its own, so that no thread of the tests is forked.
"""

from __future__ import annotations

import itertools
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from speakerd.core.usage import Billed, Usage
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list

SAVES_EVERY = 16
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MODEL = "gpt-realtime-2.1-mini"


def book_for_ever(path: Path) -> None:
    ledger = Ledger(path, price_list(), lambda _: None, now=lambda: NOON)
    ledger.start()
    for number in itertools.count():
        name = f"{os.getpid()}-{number}"
        ledger.book(Billed(1, 1, "openai", MODEL, name, "response", Usage(audio_in=1)))
        os.write(1, f"{name}\n".encode())
        if number % SAVES_EVERY == SAVES_EVERY // 2:
            ledger._kept.save()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.write(1, f"{os.getpid()}\n".encode())
            book_for_ever(Path(line.strip()))
        os.waitpid(child, 0)
        os.write(1, b"over\n")


if __name__ == "__main__":
    main()
