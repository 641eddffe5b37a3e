"""`speakerd doctor`: every part, in the order in which the speaker needs them, whatever became of those before."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

from speakerd.doctor.audio import audio_findings
from speakerd.doctor.finding import Finding, line
from speakerd.doctor.hearing import microphone, wake_word
from speakerd.doctor.home import home
from speakerd.doctor.machine import machine
from speakerd.doctor.network import network
from speakerd.doctor.patient import Patient, snapshot, with_secrets
from speakerd.errors import ConfigurationError, ControlError, SpeakerdError
from speakerd.settings import Settings

EX_UNAVAILABLE = 69
EX_CONFIG = 78


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What the command line says."""

    as_json: bool = False
    """Print one object of JSON, and nothing else."""
    is_silent: bool = False
    """Play no test tone."""


def run_all(
    load: Callable[[], Settings],
    chosen: DoctorOptions,
    *,
    sound_environment: Mapping[str, str] | None = None,
    out: TextIO | None = None,
) -> int:
    """Try everything, print each finding as it comes, and give the exit code: 0, 69, or 78 for wrong settings."""
    show = _Show(out or sys.stdout, chosen.as_json)
    try:
        settings = load()
    except ConfigurationError as error:
        show.take(Finding("settings", "failed", str(error)))
        show.end()
        return EX_CONFIG
    asyncio.run(_examine(settings, chosen, sound_environment or {}, show))
    show.end()
    return EX_UNAVAILABLE if any(finding.state == "failed" for finding in show.findings) else 0


async def _examine(settings: Settings, chosen: DoctorOptions, sound: Mapping[str, str], show: _Show) -> None:
    async for finding in findings(settings, chosen, sound):
        show.take(finding)


async def findings(
    settings: Settings, chosen: DoctorOptions, sound_environment: Mapping[str, str]
) -> AsyncIterator[Finding]:
    """All findings; a running speaker is asked for what it owns."""
    yield Finding("settings", "ok", "they can be read; `speakerd config show` lists them")
    patient = Patient(settings, with_secrets(os.environ), sound_environment)
    try:
        patient = replace(patient, snapshot=await snapshot(Path(settings.control.socket)))
    except ControlError as error:
        patient = replace(patient, may_ask=False)
        yield Finding("control socket", "failed", str(error))
    async for finding in machine(patient):
        yield finding
    async for finding in network(patient):
        yield finding
    yield await wake_word(patient)
    if not patient.may_ask:
        yield Finding("devices", "skipped", "a speaker may be running that has them, and may not be asked by you")
        return
    async for finding in _devices(patient, plays_tone=not chosen.is_silent):
        yield finding
    async for finding in home(patient):
        yield finding


async def _devices(patient: Patient, *, plays_tone: bool) -> AsyncIterator[Finding]:
    if patient.snapshot is not None:
        yield await microphone(patient)
    try:
        async for finding in audio_findings(patient.settings, patient.sound_environment, plays_tone=plays_tone):
            yield finding
    except SpeakerdError as error:
        yield Finding("audio", "failed", str(error))


class _Show:
    """Prints findings, as they come or in the end."""

    def __init__(self, out: TextIO, as_json: bool) -> None:
        self.findings: list[Finding] = []
        self._out = out
        self._as_json = as_json

    def take(self, finding: Finding) -> None:
        """One more."""
        self.findings.append(finding)
        if not self._as_json:
            self._out.write(f"{line(finding)}\n")
            self._out.flush()

    def end(self) -> None:
        """There are no more."""
        if self._as_json:
            self._out.write(json.dumps({"findings": [asdict(finding) for finding in self.findings]}) + "\n")
