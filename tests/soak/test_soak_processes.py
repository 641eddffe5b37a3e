from __future__ import annotations

import os
import subprocess
import sys

from soak.processes import children, cpu_seconds, family_cpu_seconds, open_files, rss_mib, threads


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
