"""The simulated Raspberry Pi: boots the appliance's disk and runs commands in it, over a socket pair; no network.

"uml" is a user-mode Linux, at native speed and for anybody; "qemu" is a whole PC, with KVM where that really boots.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["uml", "qemu"]
SLOWNESS = 6.0 if os.environ.get("SPEAKERD_APPLIANCE_MACHINE") == "qemu" else 1.0
"""How much longer than on a Pi everything may take: emulation is slow."""

MEMORY_MIB = 1024
_POWER_OFF_SECONDS = 30.0
_MARGIN_SECONDS = 30.0
_ONE_STREAM = "snd_aloop.pcm_substreams=1"
"""As a real card has: with more, whoever opens a busy one gets another, which nobody hears."""


class MachineError(Exception):
    """The machine has ended, does not answer, or a command in it has failed."""


@dataclass(frozen=True)
class Parts:
    """What a machine is booted from; see build-image and build-kernel."""

    kind: Kind
    disk: Path
    kernel: Path
    initrd: Path | None = None
    accelerator: str = "tcg,thread=multi"


class Machine:
    """One machine with a disk of its own, which outlives `power_off` and is gone after `close`."""

    def __init__(self, parts: Parts, payload: Path, console: Path) -> None:
        """`payload` is a tar file, the second disk; what the kernel and systemd print goes to `console`."""
        self._parts = parts
        self._payload = payload
        self._console = console
        # User-mode Linux makes a socket there, whose path must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="appliance-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: _Channel | None = None

    def power_on(self, timeout_seconds: float = 300) -> float:
        """Boot, and return the seconds until a command can be run."""
        begun = time.monotonic()
        ours, theirs = socket.socketpair()
        with theirs, self._console.open("ab") as console:
            self._process = subprocess.Popen(
                [str(word) for word in self._command(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(self._folder)},
                start_new_session=True,
            )
        self._channel = _Channel(ours, self._process)
        self._channel.answer(0, timeout_seconds)
        return time.monotonic() - begun

    def run(self, command: str, timeout_seconds: float = 60) -> str:
        """What a bash command printed, stripped; raises MachineError if it fails."""
        code, output = self.attempt(command, timeout_seconds)
        if code != 0:
            raise MachineError(f"{command}: exit code {code}\n{output}")
        return output

    def attempt(self, command: str, timeout_seconds: float = 60) -> tuple[int, str]:
        """The exit code of a bash command and what it printed; code 124 says that it was ended after its time.

        It has `SLOWNESS` times the time that is given.
        """
        if self._channel is None:
            raise MachineError("The machine is off.")
        message = self._channel.ask(command, SLOWNESS * timeout_seconds)
        return int(message["code"]), str(message["output"]).strip()

    def power_off(self, *, cleanly: bool = True) -> None:
        """Shut down as the power button does, or (not cleanly) as if the plug were pulled."""
        if self._process is None or self._channel is None:
            return
        if cleanly:
            with contextlib.suppress(MachineError, OSError):
                self._channel.ask("systemctl poweroff --no-wall", 10)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POWER_OFF_SECONDS)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._channel.close()
        self._process = self._channel = None

    def close(self) -> None:
        """Pull the plug and throw the disk away."""
        self.power_off(cleanly=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _command(self, channel: int) -> list[object]:
        return self._uml(channel) if self._parts.kind == "uml" else self._qemu(channel)

    def _uml(self, channel: int) -> list[object]:
        return [
            *(self._parts.kernel, f"mem={MEMORY_MIB}M", "ncpus=2", "seccomp=auto"),
            *(f"umid={self._folder.name}", f"uml_dir={self._folder}/"),
            *(f"ubd0={self._folder}/disk,{self._parts.disk}", "root=/dev/ubda", "rw", f"ubd1r={self._payload}"),
            *("con=null", "con0=null,fd:1", f"ssl0=fd:{channel}", _ONE_STREAM),
        ]

    def _qemu(self, channel: int) -> list[object]:
        disk = self._folder / "disk.qcow2"
        if not disk.exists():
            base = ["-b", str(self._parts.disk), "-F", "raw"]
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *base, str(disk)], check=True)
        cpu = "host" if self._parts.accelerator == "kvm" else "max"
        return [
            *("qemu-system-x86_64", "-accel", self._parts.accelerator, "-cpu", cpu, "-smp", 2, "-m", MEMORY_MIB),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
            *("-kernel", self._parts.kernel, "-initrd", self._parts.initrd),
            *("-append", f"console=ttyS0 panic=-1 quiet {_ONE_STREAM}"),
            *("-drive", f"file={disk},format=qcow2,if=virtio"),
            *("-drive", f"file={self._payload},format=raw,if=virtio,readonly=on"),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial", "-chardev", f"socket,id=c,fd={channel}"),
            *("-device", "virtserialport,chardev=c,name=control"),
        ]


def accelerator(kernel: Path) -> str:
    """QEMU's fastest way that works here: a /dev/kvm that is there may still boot nothing."""
    probe = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults", "-display", "none"]
    probe += ["-serial", "stdio", "-no-reboot", "-kernel", str(kernel / "vmlinuz"), "-append", "console=ttyS0 panic=-1"]
    try:
        told = subprocess.run(probe, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=15).stdout
    except subprocess.TimeoutExpired:
        told = b""
    return "kvm" if b"Kernel panic" in told else "tcg,thread=multi"


class _Channel:
    """The host's end of guest/usr/local/sbin/control_channel.py. Commands may be asked from several threads."""

    def __init__(self, ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._socket = ours
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, command: str, timeout_seconds: float) -> dict[str, Any]:
        """The answer to a command; raises MachineError."""
        number = next(self._numbers)
        request = {"id": number, "command": command, "timeout_seconds": timeout_seconds}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        return self.answer(number, timeout_seconds + _MARGIN_SECONDS)

    def answer(self, number: int, timeout_seconds: float) -> dict[str, Any]:
        """Wait for an answer; raises MachineError."""
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self._ended, timeout_seconds):
                raise MachineError(f"The machine has not answered within {timeout_seconds:.0f} s: read its console.")
            if number not in self._answers:
                raise MachineError(f"The machine has ended ({self._process.poll()}): read its console.")
            return self._answers.pop(number)

    def close(self) -> None:
        """Let the reader end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._socket.makefile("rb") as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # the port's echo, before it is set up
                    message = json.loads(line)
                    with self._changed:
                        self._answers[message["id"]] = message
                        self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
