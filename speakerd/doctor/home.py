"""The home around the speaker: servers of tools, Home Assistant and the broker, each reached and authorised or not."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from speakerd.doctor.finding import Finding
from speakerd.doctor.patient import Patient
from speakerd.errors import BrokerError, ConfigurationError, ToolServerError
from speakerd.mcp import check as mcp_check
from speakerd.mcp.sources import servers


async def home(patient: Patient) -> AsyncIterator[Finding]:
    """Each of them; what a running speaker is connected to is asked of it."""
    if patient.snapshot is not None:
        for finding in told_by_speaker(patient.snapshot):
            yield finding
        return
    async for finding in _servers(patient):
        yield finding
    if patient.settings.mqtt.host:
        yield await _broker(patient)


def told_by_speaker(snapshot: Mapping[str, Any]) -> Iterator[Finding]:
    """What its status has of them."""
    for server in snapshot.get("servers") or ():
        name, is_up = str(server.get("name")), server.get("state") == "up"
        reason = server.get("reason") or "it is being connected"
        text = f"connected, with {server.get('tools')} tools" if is_up else f"The speaker is not connected: {reason}."
        yield Finding(name, "ok" if is_up else "failed", text)


async def _servers(patient: Patient) -> AsyncIterator[Finding]:
    try:
        known = servers(patient.settings, patient.environment)
    except ConfigurationError as error:
        yield Finding("tool servers", "failed", str(error))
        return
    if known and importlib.util.find_spec("mcp") is None:
        yield Finding("tool servers", "failed", f'{known[0].title} needs the package mcp: install "speakerd[mcp]".')
        return
    for server in known:
        try:
            count = await mcp_check.check(server)
        except ToolServerError as error:
            yield Finding(server.name, "failed", f"{server.title} cannot be used: {error}.")
        else:
            yield Finding(server.name, "ok", f"reached and authorised, with {count} tools")


async def _broker(patient: Patient) -> Finding:
    try:
        from speakerd.mqtt.check import check
    except ImportError as error:
        return Finding("mqtt", "failed", f'"mqtt.host" is set, but {error.name} is missing: install speakerd[mqtt].')
    try:
        address = await check(patient.settings.mqtt, patient.environment)
    except (BrokerError, ConfigurationError) as error:
        return Finding("mqtt", "failed", str(error))
    return Finding("mqtt", "ok", f"the broker at {address} takes us")
