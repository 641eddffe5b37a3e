"""The machine under the speaker: its clock, its disk, who may open what, and the pins of the board."""

from __future__ import annotations

import asyncio
import grp
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from speakerd.doctor.finding import Finding
from speakerd.doctor.patient import Patient
from speakerd.errors import BoardError, ConfigurationError
from speakerd.folders import speakers_folder
from speakerd.gpio import lines
from speakerd.gpio.boards import Board, load_board
from speakerd.gpio.panel import Panel

LEAST_FREE_BYTES = 50 * 2**20
"""The book, the recordings that an owner may keep, and room for the journal."""

SERVICE = "speakerd"
"""The service's user and group."""

_GROUPS = ("audio", "gpio", "spi", "i2c")
"""SupplementaryGroups of the unit; a test compares them."""
_WRITTEN_SECONDS = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_PATIENCE_SECONDS = 5.0


async def machine(patient: Patient, devices: Path = Path("/dev")) -> AsyncIterator[Finding]:
    """All of them; what the running speaker holds only if it may be asked."""
    yield clock(time.time(), await _is_synchronised())
    yield disk(patient)
    yield groups({group.gr_name for group in grp.getgrall()})
    if not patient.may_ask:
        return
    yield control_socket(Path(patient.settings.control.socket), is_running=patient.snapshot is not None)
    try:
        board = load_board(patient.settings.board)
    except BoardError as error:
        yield Finding("board", "failed", str(error))
        return
    for finding in board_findings(board, devices, is_running=patient.snapshot is not None):
        yield finding


def clock(now_seconds: float, is_synchronised: bool | None) -> Finding:
    """Whether the time can be true; None means that nobody knows whether it was set from the network."""
    shown = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now_seconds < _WRITTEN_SECONDS:
        advice = "wait until it is set from the network (timedatectl tells), or run sudo timedatectl set-ntp true."
        return Finding("time", "failed", f"This machine believes that it is {shown}: {advice}")
    how = {True: "set from the network", False: "not set from the network yet (timedatectl)", None: "as far as known"}
    return Finding("time", "ok", f"{shown}, {how[is_synchronised]}")


def disk(patient: Patient, least_free_bytes: int = LEAST_FREE_BYTES) -> Finding:
    """Whether the speaker's folder takes files, and has room for them."""
    try:
        folder = speakers_folder(patient.settings, patient.environment)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            free_bytes = shutil.disk_usage(folder).free
    except ConfigurationError as error:
        return Finding("disk", "failed", str(error))
    except PermissionError:
        text = f"{folder} is the service's: run sudo speakerd doctor to try it"
        return Finding("disk", "skipped", text)
    except OSError as error:
        return Finding(
            "disk", "failed", f"{folder} takes no file ({error.strerror}): check the disk, or free some space."
        )
    free = f"{free_bytes / 2**20:.0f} MiB are free"
    if free_bytes < least_free_bytes:
        return Finding(
            "disk", "failed", f"Only {free} for {folder}: remove what is not needed (journalctl --vacuum-size)."
        )
    return Finding("disk", "ok", f"{folder} may be written, and {free}")


def groups(known: Collection[str]) -> Finding:
    """Whether there is what the unit wants the service to be in; systemd does not start it else."""
    if SERVICE not in known:
        return Finding("groups", "skipped", "the service is not installed here (scripts/install)")
    missing = [group for group in _GROUPS if group not in known]
    if missing:
        text = f"There is no group {missing[0]}, in which the service is to be: run scripts/install again."
        return Finding("groups", "failed", text)
    return Finding("groups", "ok", f"the service may be in {', '.join(_GROUPS)}; whoever is in {SERVICE} may use it")


def control_socket(path: Path, *, is_running: bool) -> Finding:
    """Whether those who should may use the running speaker, and nobody else."""
    if not is_running:
        return Finding("control socket", "skipped", "no speaker runs (systemctl status speakerd)")
    facts = path.stat()
    if facts.st_mode & 0o007:
        text = f"{path} is open to everybody on this machine: restart the service, or run chmod o= on it."
        return Finding("control socket", "failed", text)
    return Finding("control socket", "ok", f"{path} is for its owner and the group {_group(facts.st_gid)}")


def board_findings(board: Board, devices: Path, *, is_running: bool) -> Iterator[Finding]:
    """Whether the chip may be opened by the service's group, and the pins by us."""
    pins = [
        pin for pin in (board.action_pin, board.mute_pin, board.led_pin, *(board.rgb_pins or ())) if pin is not None
    ]
    if not pins:
        yield Finding("GPIO", "skipped", f'the board "{board.name}" has no pins')
        return
    chip = lines.chip(devices)
    if chip is None:
        text = f'There is no GPIO chip in {devices}: set board = "none", or enable it if this is a Raspberry Pi.'
        yield Finding("GPIO", "failed", text)
        return
    yield chip_permissions(chip)
    if is_running:
        yield Finding("GPIO", "ok", "the running speaker holds the board's pins")
        return
    yield _pins(board, pins, chip)


def chip_permissions(chip: Path) -> Finding:
    """Whether the group gpio, in which the service is, may open the chip."""
    facts = chip.stat()
    group = _group(facts.st_gid)
    if group != "gpio" or facts.st_mode & 0o060 != 0o060:
        text = (
            f"{chip} belongs to the group {group} with mode {facts.st_mode & 0o777:o}, and the service is in gpio: "
            "run scripts/install again, which adds a udev rule."
        )
        return Finding("GPIO permissions", "failed", text)
    return Finding("GPIO permissions", "ok", f"{chip} is for the group gpio")


def _pins(board: Board, pins: list[int], chip: Path) -> Finding:
    try:
        held = lines.holders(chip, pins)
    except OSError:
        held = {}  # the panel says why
    if held:
        pin, program = next(iter(held.items()))
        return Finding("GPIO", "failed", f'"{program}" holds GPIO{pin}, which the board "{board.name}" needs: end it.')
    try:
        Panel(board, lambda event: None).close()
    except BoardError as error:
        return Finding("GPIO", "failed", str(error))
    return Finding("GPIO", "ok", f"all pins of the board can be opened: {', '.join(map(str, pins))}")


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


async def _is_synchronised() -> bool | None:
    """What systemd says; None where it says nothing."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    process = await asyncio.create_subprocess_exec(
        *(program, "show", "--property=NTPSynchronized", "--value"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            told, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return {b"yes": True, b"no": False}.get(told.strip())
