"""What our processes use, as the kernel counts it."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started here, or that nobody has fetched after its end."""

    pid: int
    is_zombie: bool
    parent_pid: int


def children(of_pid: int | None = None) -> list[Child]:
    """All children of a process, by number; of this one if none is named."""
    parent_pid = os.getpid() if of_pid is None else of_pid
    return [process for process in _processes() if process.parent_pid == parent_pid]


def descendants(pid: int) -> list[Child]:
    """A process's children, theirs, and so on, by number."""
    found, known = [], {pid}
    for process in _processes():
        # A child is younger than its parent, and numbers rise; where they began anew it is found a look later.
        if process.parent_pid in known:
            found.append(process)
            known.add(process.pid)
    return found


def _processes() -> list[Child]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        found.append(Child(int(folder.name), fields[0] == "Z", int(fields[1])))
    return sorted(found, key=lambda process: process.pid)


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process; what /proc/PID/stat tells in 10 ms, in nanoseconds."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), CPUCLOCK_SCHED


def family_cpu_seconds() -> float:
    """The same of this process and of all children that it has or had."""
    living = 0.0
    for child in children():
        if not child.is_zombie:
            living += cpu_seconds(child.pid)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_seconds(os.getpid()) + living + ended.ru_utime + ended.ru_stime


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    return _field(f"{pid}/status", "VmRSS:") / 1024


def pss_mib(pid: int) -> float:
    """The same with what is shared divided among those who share it."""
    return _field(f"{pid}/smaps_rollup", "Pss:") / 1024


def disk_bytes(pid: int) -> int:
    """Bytes that a process has had written to a disk; memory file systems are none."""
    return _field(f"{pid}/io", "write_bytes:")


def wake_ups(pid: int) -> int:
    """How often the threads that a process has now have waited for something and gone on."""
    return sum(_field(f"{pid}/task/{task.name}/status", "voluntary_ctxt_switches:") for task in _tasks(pid))


def open_files(pid: int) -> int:
    """Open file descriptors of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    """Threads of a process."""
    return len(_tasks(pid))


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _field(file: str, name: str) -> int:
    lines = (Path("/proc") / file).read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
