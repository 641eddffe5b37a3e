"""Stands between the speaker and a server of tools that it starts, and writes down when a call and its answer pass.

    tools_pipe.py LOG PROGRAM ARGUMENT ...

LOG gets a line of JSON for each; times are CLOCK_MONOTONIC. It knows nothing of the speaker, nor of the bench, because
the speaker gives its servers no PYTHONPATH.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

MARKS = {"call": b'"tools/call"', "answer": b'"content"'}
"""What is in the line of a call, and in that of its answer, and in no other."""


def carry(lines: IO[bytes], to: IO[bytes], what: str, log: IO[str]) -> None:
    """Pass lines on until there are no more; the time is that of the whole line."""
    with to:
        for line in iter(lines.readline, b""):
            at = time.monotonic()
            to.write(line)
            to.flush()
            if MARKS[what] in line:
                log.write(json.dumps({"what": what, "source": "stdio", "at": at}) + "\n")
                log.flush()


def main() -> None:
    """Run the program until either side has no more to say."""
    with Path(sys.argv[1]).open("a", encoding="utf-8") as log:
        program = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert program.stdin is not None
        assert program.stdout is not None
        asking = threading.Thread(target=carry, args=(sys.stdin.buffer, program.stdin, "call", log), daemon=True)
        asking.start()
        carry(program.stdout, sys.stdout.buffer, "answer", log)
        program.wait()


if __name__ == "__main__":
    main()
