"""What the speaker adds to a tool's own time, from the model's call to the output, with the whole speaker running."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.audio_statistics import spread
from bench.far_process import far_process
from bench.tools_bare import Lone, answer_calls, bare
from bench.tools_far import ANSWER_TOPIC, ASK_TOPIC, CALLS
from kitchen import ACTION, Kitchen, custom, kitchen, settings
from mcp_stage import TOKEN, web_server
from mqtt_broker import mosquitto
from speakerd.core.lights import Light
from speakerd.demo.card import FakeCard
from speakerd.garbage import collect_seldom
from speakerd.settings import McpServer, McpSettings, Settings
from speakerd.settings_mqtt import MqttSettings, MqttTool
from speakerd.settings_tools import ToolSettings

Told = Mapping[str, Any]

_PIPE = Path(__file__).with_name("tools_pipe.py")
_STARTING_SECONDS = 30.0
_SECONDS_OF_NOISE = 240.0
_BARE_SECONDS = 60.0
_MOST_BARE = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One call; all times are seconds of CLOCK_MONOTONIC."""

    asked_at: float
    """When the model's call was sent to the speaker."""
    called_at: float
    """When the speaker's call had come to the tool's server; for an own tool as soon as it was asked."""
    answered_at: float
    """When the server's answer was sent to the speaker."""
    output_at: float
    """When the output had come to the model's side."""

    @property
    def overhead_ms(self) -> float:
        """What is ours of it."""
        return 1000 * ((self.called_at - self.asked_at) + (self.output_at - self.answered_at))

    @property
    def server_ms(self) -> float:
        """What is the server's, and of the way there and back."""
        return 1000 * (self.answered_at - self.called_at)


async def calls(folder: Path, count: int, deadline: float) -> dict[str, Any]:
    """Have the model call a tool of each source so many times; fewer after the deadline."""
    log = folder / "stdio-calls"
    async with mosquitto(folder, "set_tcp_nodelay true") as broker, web_server(folder / "web-calls") as web:
        options = {"--count": count, "--deadline": deadline, "--web-port": web.port, "--mqtt-port": broker.port}
        async with _far(options) as (ports, told, over):
            await _converse(folder, _settings(folder, ports, log), over)
            url = f"http://127.0.0.1:{ports['web']}/mcp"
            async with asyncio.timeout(_BARE_SECONDS):
                await answer_calls(min(count * len(CALLS), _MOST_BARE), ports["realtime"])
                alone = await bare(min(count, _MOST_BARE), _piped(log), url, TOKEN, ports["mqtt"])
            piped = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            passed = [*told, *piped]
    errors = sum(event.get("is_error", False) for event in passed)
    return figures(paired(passed), paired_alone(passed, alone)) | {"errors": errors}


def paired(told: Sequence[Told]) -> dict[str, list[Call]]:
    """The speaker's calls of each source out of what was told, in whatever order; they were made one by one."""
    over = _over(told)
    found: dict[str, list[Call]] = {}
    for source in CALLS:
        turns = [turn for turn in _of(told, source, "turn") if turn["at"] < over]
        if source == "own":
            found[source] = [_without_server(turn) for turn in turns]
            continue
        there, back = ([at for at in _times(told, source, what) if at < over] for what in ("call", "answer"))
        found[source] = [
            Call(turn["at"], called, answered, turn["output_at"])
            for turn, called, answered in zip(turns, there, back, strict=True)
        ]
    return found


def paired_alone(told: Sequence[Told], alone: Mapping[str, Sequence[Lone]]) -> dict[str, list[Call]]:
    """The same of the calls without a speaker, all of which came later; the first of each source is not counted.

    Of the model's calls, which were answered at once, all count as those of an own tool.
    """
    over = _over(told)
    later = [[turn for turn in _of(told, source, "turn") if turn["at"] > over] for source in CALLS]
    found = {"own": [_without_server(turn) for turns in later for turn in turns[1:]]}
    for source, made in alone.items():
        since = made[0].began_at
        there, back = ([at for at in _times(told, source, what) if at > since] for what in ("call", "answer"))
        calls = [
            Call(lone.began_at, called, answered, lone.ended_at)
            for lone, called, answered in zip(made, there, back, strict=False)  # the last may not be told yet
        ]
        found[source] = calls[1:]
    return found


def _over(told: Sequence[Told]) -> float:
    """When the speaker's calls were over."""
    return min(float(event["at"]) for event in told if event["what"] == "over")


def _without_server(turn: Told) -> Call:
    return Call(turn["at"], turn["at"], turn["at"], turn["output_at"])


def figures(known: Mapping[str, Sequence[Call]], alone: Mapping[str, Sequence[Call]]) -> dict[str, Any]:
    """How the times spread, of all and of each source; beside the same of clients without a speaker.

    `added_ms` is what the speaker adds to the median of such clients, of the model's and of the server's.
    """
    bare_ms = {source: spread([call.overhead_ms for call in made]) for source, made in alone.items()}
    sources: dict[str, dict[str, Any]] = {}
    added: list[float] = []
    for source, made in known.items():
        every = [call.overhead_ms for call in made]
        libraries_ms = sum(bare_ms[name].p50 for name in {"own", source} if name in bare_ms)
        ours = [overhead_ms - libraries_ms for overhead_ms in every]
        sources[source] = {
            "added_ms": asdict(spread(ours)),
            "overhead_ms": asdict(spread(every)),
            "server_ms": asdict(spread([call.server_ms for call in made])),
            **({"bare_overhead_ms": asdict(bare_ms[source])} if source in bare_ms else {}),
        }
        added += ours
    whole = [call.overhead_ms for made in known.values() for call in made]
    return {"added_ms": asdict(spread(added)), "overhead_ms": asdict(spread(whole)), "sources": sources}


def _times(told: Sequence[Told], source: str, what: str) -> list[float]:
    return [event["at"] for event in _of(told, source, what)]


def _of(told: Sequence[Told], source: str, what: str) -> list[Told]:
    found = (event for event in told if (event["source"], event["what"]) == (source, what))
    return sorted(found, key=lambda event: float(event["at"]))


async def _converse(folder: Path, chosen: Settings, over: asyncio.Event) -> None:
    """Wake the whole speaker, and let it be called until that is over."""
    card = FakeCard(folder / "card")
    card.fill_room_noise(_SECONDS_OF_NOISE, -65.0, seed=1)
    async with kitchen(card, chosen) as k:
        await k.until_light(Light.IDLE)
        async with asyncio.timeout(_STARTING_SECONDS):
            while not _offered(k) >= {name for name, _ in CALLS.values()}:  # noqa: ASYNC110 - servers tell nobody
                await asyncio.sleep(0.05)
        collect_seldom()
        k.press(ACTION)
        await over.wait()


def _offered(k: Kitchen) -> set[str]:
    return {spec.name for spec in k.speaker.tools.specs()}


def _settings(folder: Path, ports: Mapping[str, int], log: Path) -> Settings:
    token = folder / "token"
    token.write_text(TOKEN, encoding="utf-8")
    servers = (
        McpServer("time", command=_piped(log), connect_seconds=_STARTING_SECONDS),
        McpServer("web", url=f"http://127.0.0.1:{ports['web']}/mcp", key_file=str(token), tools=("echo",)),
    )
    asking = MqttTool("door", "Whether the door is shut.", ASK_TOPIC, "?", answer_topic=ANSWER_TOPIC)
    return settings(
        folder,
        tools=ToolSettings(most_calls_per_minute=0),
        endpoint=custom(f"ws://127.0.0.1:{ports['realtime']}/v1/realtime"),
        mcp=McpSettings(servers),
        mqtt=MqttSettings(host="127.0.0.1", port=ports["mqtt"], device_id="bench", tools=(asking,)),
    )


def _piped(log: Path) -> tuple[str, ...]:
    program = Path(sys.executable).with_name("mcp-server-time")
    return sys.executable, str(_PIPE), str(log), str(program), "--local-timezone", "UTC"


@asynccontextmanager
async def _far(options: Mapping[str, object]) -> AsyncIterator[tuple[Mapping[str, int], list[Told], asyncio.Event]]:
    """The other side: its ports, what it tells, and that it has made all of its calls."""
    told: list[Told] = []
    over = asyncio.Event()

    def tell(event: Told) -> None:
        told.append(event)
        if event["what"] == "over":
            over.set()

    words = [str(word) for option in options.items() for word in option]
    async with far_process("bench.tools_far", *words, tell=tell, end=over.set) as ports:
        yield ports, told, over
