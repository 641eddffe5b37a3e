"""The whole speaker with a real MCP server: what that offers is offered to the model, and what it asks for is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fake_server import SET_UP, Emit, arguments_done, call_item, fake_server, response_created, response_done
from kitchen import ACTION, command, custom, kitchen, settings
from speakerd.core.events import ToolFinished
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.settings import McpServer, McpSettings

NAME, ARGUMENTS = "time_get_current_time", '{"timezone": "Asia/Tokyo"}'


async def test_the_model_calls_a_tool_of_a_program(tmp_path: Path) -> None:
    program = (str(Path(sys.executable).with_name("mcp-server-time")), "--local-timezone", "Europe/Berlin")
    row = McpServer("time", command=program, connect_seconds=30)
    script = [
        *SET_UP,
        Emit([response_created(), arguments_done("c1", NAME, ARGUMENTS)]),
        Emit([response_done(output=[call_item("c1", NAME, ARGUMENTS)])]),
    ]
    card = FakeCard(tmp_path / "card")
    card.fill_room_noise(120, -65.0, seed=1)
    async with fake_server(*script) as server:
        chosen = settings(tmp_path, endpoint=custom(server.url), mcp=McpSettings((row,)))
        async with kitchen(card, chosen) as k:
            await k.until_light(Light.IDLE)
            await k.recording.until(lambda: NAME in [spec.name for spec in k.speaker.tools.specs()])
            told = json.loads(await command(tmp_path, "status", "--json"))
            assert told["servers"] == [{"name": "time", "state": "up", "tools": 2, "reason": ""}]
            k.press(ACTION)
            await k.until_event(ToolFinished)
            (finished,) = [event for event in k.events if isinstance(event, ToolFinished)]
            assert json.loads(finished.output)["timezone"] == "Asia/Tokyo"
            await k.recording.until(lambda: "response.create" in server.kinds())
        outputs = [event["item"].get("output") for event in server.received if "item" in event]
        assert finished.output in outputs
        offered = [tool["name"] for tool in server.received[0]["session"]["tools"]]
        assert {NAME, "time_convert_time"} < set(offered)
