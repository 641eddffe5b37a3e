"""Debian in folders: commands run in one as root, and systemd is booted in one, each in namespaces of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ENTER = Path(__file__).with_name("enter")
SOURCE = Path(__file__).parents[2]
RELEASES = ("bookworm", "trixie")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Root:
    """A root file system: what was changed in it, over layers that stay as they are."""

    layers: tuple[Path, ...]
    work: Path
    binds: Mapping[Path, str] = field(default_factory=dict)
    """Folders of this machine that it sees, and where."""

    def over(self, work: Path) -> Root:
        """A new one that begins as this one is."""
        changed = self.work / "upper"
        changed.mkdir(parents=True, exist_ok=True)
        return Root((changed, *self.layers), work, self.binds)

    def command(self, *command: str) -> list[str]:
        """The command line that runs a command in it."""
        binds = ",".join(f"{origin}={target}" for origin, target in self.binds.items())
        layers = ":".join(map(str, self.layers))
        return [str(ENTER), layers, str(self.work), binds, *command]

    def run(self, *command: str, stdin: str = "", timeout_seconds: float = 500) -> subprocess.CompletedProcess[str]:
        """The ended command, with its output and errors in one text."""
        return subprocess.run(
            self.command(*command),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )

    def ok(self, *command: str, stdin: str = "") -> str:
        """The output of a command that must succeed."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def booted(self) -> Iterator[Machine]:
        """Boot systemd in it; it is ended without mercy, and may be booted again."""
        with subprocess.Popen(self.command("boot"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                machine = Machine(_init(process.pid))
                until(lambda: machine.run("systemctl", "is-system-running").strip() in ("running", "degraded"), 60)
                yield machine
            finally:
                process.kill()
                process.wait()
                _forget_groups(process.pid)


@dataclass(frozen=True)
class Machine:
    """A running one."""

    pid: int
    """Of its systemd."""

    def run(self, *command: str) -> str:
        """What a command in it says, errors included."""
        inside = [
            "nsenter",
            "--target",
            str(self.pid),
            "--all",
            "--root",
            "--wd",
            "env",
            "-i",
            f"PATH={PATH}",
            *command,
        ]
        done = subprocess.run(
            inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120
        )
        return done.stdout

    def shown(self, what: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "--property", what, "--value", "speakerd").strip()

    def status(self) -> str:
        """What the service says of itself."""
        return self.shown("StatusText")

    def journal(self) -> str:
        """What the service has logged."""
        return self.run("journalctl", "--unit", "speakerd", "--output", "cat", "--no-pager")


def until(is_so: Callable[[], bool], timeout_seconds: float) -> float:
    """Seconds until it is so, which it must be in time."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < timeout_seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began


def _init(namespace: int) -> int:
    """The first process in the namespaces that a process makes, once it has made them."""
    seen = Path("/proc", str(namespace))

    def children() -> list[str]:
        return (seen / f"task/{namespace}/children").read_text().split()

    until(lambda: (seen / "comm").read_text() == "unshare\n" and bool(children()), 30)
    return int(children()[0])


def _forget_groups(namespace: int) -> None:
    """Remove the control groups that `enter` made for it, once they are empty."""
    for made in Path("/sys/fs/cgroup").glob(f"**/speakerd-test.{namespace}"):
        groups = [made, *(path for path in made.rglob("*") if path.is_dir())]
        until(partial(_is_empty, made), 10)
        for group in sorted(groups, reverse=True):
            group.rmdir()


def _is_empty(group: Path) -> bool:
    return "populated 0" in (group / "cgroup.events").read_text()
