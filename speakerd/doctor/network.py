"""The way to the endpoints: network, clock, key, and whether a session is opened. No key is ever shown."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from speakerd.doctor.finding import Finding
from speakerd.doctor.patient import Patient
from speakerd.errors import ConfigurationError
from speakerd.realtime import probe
from speakerd.realtime.endpoints import Endpoint, endpoints
from speakerd.realtime.probe import Probed

_NOWHERE = Path("offline.sock")


async def network(patient: Patient) -> AsyncIterator[Finding]:
    """Each endpoint in the order in which they are tried."""
    try:
        known = endpoints(patient.settings, _NOWHERE, None)
    except ConfigurationError as error:
        yield Finding("endpoints", "failed", str(error))
        return
    far = [endpoint for endpoint in known if endpoint.unix_socket is None]
    for endpoint in far:
        async for probed in probe.reached(endpoint):
            yield _finding(endpoint, probed)
    found, with_keys = keys(patient)
    if far:
        yield found
    for endpoint in with_keys:
        yield _finding(endpoint, await probe.session(endpoint))
    if len(far) < len(known):
        yield _on_device(patient)


def _finding(endpoint: Endpoint, probed: Probed) -> Finding:
    return Finding(f"{endpoint.name} {probed.step}", "failed" if probed.has_failed else "ok", probed.text)


def keys(patient: Patient) -> tuple[Finding, list[Endpoint]]:
    """What is to be said of the keys, and the endpoints that have what they need."""
    try:
        known = endpoints(patient.settings, _NOWHERE, patient.environment)
    except PermissionError as error:
        text = f"{error.filename} is for root and the service: run sudo speakerd doctor to try it"
        return Finding("API keys", "skipped", text), []
    except ConfigurationError as error:
        return Finding("API keys", "failed", str(error)), []
    found = [endpoint for endpoint in known if endpoint.unix_socket is None]
    told = ", ".join(f"{endpoint.name} has {'one' if endpoint.headers else 'none'}" for endpoint in found)
    odd = [endpoint.name for endpoint in found if endpoint.name.startswith("openai") and not _is_openai_key(endpoint)]
    if odd:
        text = f'What is there for {odd[0]} does not begin with "sk-", as its keys do: check that it was copied whole.'
        return Finding("API keys", "failed", text), found
    return Finding("API keys", "ok", told), found


def _is_openai_key(endpoint: Endpoint) -> bool:
    return endpoint.headers.get("Authorization", "").startswith("Bearer sk-")


def _on_device(patient: Patient) -> Finding:
    voice = patient.settings.offline.voice
    program = "piper" if voice.endswith(".onnx") else "espeak-ng"
    if shutil.which(program, path=os.environ.get("PATH")) is None:
        text = f"The program {program} is missing, with which the assistant on the device speaks: install it."
        return Finding("offline", "failed", text)
    return Finding("offline", "ok", f"the assistant on the device can speak ({program})")
