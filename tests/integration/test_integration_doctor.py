"""What the doctor finds of a home that is there: a real broker, and a server of tools behind a token."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_stage import TOKEN, web_server
from mqtt_broker import Mosquitto
from speakerd.doctor.finding import Finding
from speakerd.doctor.home import home
from speakerd.doctor.patient import Patient
from speakerd.settings import McpServer, McpSettings, MqttSettings, Settings


async def examined(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding async for finding in home(Patient(settings, {}, {}))}


async def test_a_broker_that_takes_us(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    await broker.start()
    try:
        found = await examined(Settings(mqtt=MqttSettings(host="127.0.0.1", port=broker.port)))
    finally:
        await broker.stop()
    assert found["mqtt"] == Finding("mqtt", "ok", f"the broker at 127.0.0.1:{broker.port} takes us")


@pytest.mark.parametrize(("token", "state", "words"), [(TOKEN, "ok", "reached"), ("wrong", "failed", "the token")])
async def test_a_server_behind_a_token(token: str, state: str, words: str, tmp_path: Path) -> None:
    key = tmp_path / "token"
    key.write_text(token)
    async with web_server(tmp_path / "calls") as server:
        row = McpServer("stage", url=f"{server.url}/mcp", key_file=str(key))
        found = await examined(Settings(mcp=McpSettings((row,))))
    assert found["stage"].state == state, found["stage"].text
    assert words in found["stage"].text
    assert TOKEN not in found["stage"].text
