from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from soak.processes import (
    children,
    cpu_seconds,
    descendants,
    disk_bytes,
    family_cpu_seconds,
    open_files,
    pss_mib,
    rss_mib,
    threads,
    wake_ups,
)


def test_the_work_of_children_is_counted_while_they_live_and_after() -> None:
    before = family_cpu_seconds()
    spin = "import time, sys\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in [child.pid for child in children()]
        assert cpu_seconds(process.pid) >= 0.3
        living = family_cpu_seconds() - before
        assert living >= 0.3
        assert rss_mib(process.pid) > 1
        assert open_files(process.pid) >= 3
        assert threads(process.pid) == 1
    assert family_cpu_seconds() - before >= 0.3
    assert process.pid not in [child.pid for child in children()]
    assert cpu_seconds(os.getpid()) > 0


def test_children_of_children_are_found_with_what_they_cost(tmp_path: Path) -> None:
    write = "import os, sys; file = open(sys.argv[1], 'wb'); file.write(bytes(8192)); file.flush(); "
    wait = "print(os.getpid(), flush=True); sys.stdin.read()"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {write + wait!r}, sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", start, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert [child.pid for child in descendants(os.getpid())] == [process.pid, grandchild]
        assert [child.pid for child in children(process.pid)] == [grandchild]
        assert 0 < pss_mib(grandchild) <= rss_mib(grandchild)
        assert disk_bytes(process.pid) == 0
        assert disk_bytes(grandchild) >= 8192, "and the folder"
        assert wake_ups(process.pid) >= 1
