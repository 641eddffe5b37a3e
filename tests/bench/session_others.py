"""What the same afternoon costs with the way in which other programs send sound, each rebuilt in its few rules.

`openai_agents` is the realtime demo of openai-agents-python (examples/realtime/cli/demo.py): one session from start to
end, all sound is sent but while an answer plays, semantic_vad without interruption.

`billy` is billy-b-assistant (core/session/mic_manager_wrapper.py, core/config.py) as it comes, without echo
cancellation: a session for each wake word; all sound is sent but from response.created to the end of the answer's
sound, with input_audio_buffer.clear at its start; server_vad of 0.7, 150 ms, 250 ms; closed after 5 s without sound
louder than 2000 RMS. Whether it listens after an answer is its model's choice: here it always does, as users go on.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from bench.session_kitchen import PREFIX_MS, SILENCE_MS, Bill, kitchen_server
from bench.session_talk import Talk
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of

_PIECE_SECONDS = 0.04
"""Both send pieces of 40 ms."""
_LOUD_RMS = 2000
_ACTIVITY_SECONDS = 0.8
"""For so long a loud piece counts as activity of its user."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a program sends what it hears."""

    turn_detection: Mapping[str, Any]
    for_each_wake: bool
    """A session for each wake word; else one from the start."""
    clears: bool
    """Throws away what the server holds when an answer begins."""
    quiet_seconds: float | None
    """Ends the session after so much quiet; None never does."""


HABITS: Mapping[str, Habit] = {
    "openai_agents": Habit(
        {"type": "server_vad", "silence_duration_ms": SILENCE_MS, "prefix_padding_ms": PREFIX_MS},
        for_each_wake=False,
        clears=False,
        quiet_seconds=None,
    ),
    "billy": Habit(
        {"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 250, "prefix_padding_ms": 150},
        for_each_wake=True,
        clears=True,
        quiet_seconds=5.0,
    ),
}


async def others(talk: Talk, habit: Habit, socket: Path) -> Bill:
    """The afternoon's bill."""
    bill = Bill()
    async with kitchen_server(socket, bill):
        began = asyncio.get_running_loop().time()
        for wake in talk.wakes if habit.for_each_wake else (0.0,):
            now = asyncio.get_running_loop().time() - began
            if now > wake:
                continue  # the session before is still open, and hears it
            await asyncio.sleep(wake - now)
            async with unix_connect(str(socket), "ws://localhost/v1/realtime?model=bench") as connection:
                await _Client(connection, talk, habit, bill, began).run()
    return bill


class _Client:
    """One session of such a program."""

    def __init__(
        self, connection: ClientConnection, talk: Talk, habit: Habit, bill: Bill, talk_began_at: float
    ) -> None:
        self._connection = connection
        self._talk = talk
        self._habit = habit
        self._bill = bill
        self._began = talk_began_at
        self._loop = asyncio.get_running_loop()
        self._is_answering = self._is_spoken_to = False
        self._heard_until = 0.0
        """When all that was received of answers has been played."""
        self._active_at = self._loop.time()

    async def run(self) -> None:
        """Send and listen until it is over."""
        detection = {**self._habit.turn_detection, "create_response": True, "interrupt_response": False}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        await self._send("session.update", session=session)
        listening = asyncio.create_task(self._listen())
        try:
            await self._speak()
        finally:
            listening.cancel()

    async def _speak(self) -> None:
        count = round(_PIECE_SECONDS * SESSION_RATE_HZ)
        first = round((self._loop.time() - self._began) * SESSION_RATE_HZ)
        for place in range(first, len(self._talk.sound), count):
            # What is heard is there when it has been said.
            await asyncio.sleep(self._began + (place + count) / SESSION_RATE_HZ - self._loop.time())
            piece = self._talk.sound[place : place + count]
            if self._is_answering or self._loop.time() < self._heard_until:
                self._active_at = self._loop.time()
                continue
            if float(np.sqrt((piece.astype(np.float64) ** 2).mean())) >= _LOUD_RMS:
                self._active_at = self._loop.time() + _ACTIVITY_SECONDS
            await self._send("input_audio_buffer.append", audio=base64.b64encode(bytes_of(piece)).decode())
            if self._has_been_quiet():
                return

    def _has_been_quiet(self) -> bool:
        quiet_seconds = self._habit.quiet_seconds
        if quiet_seconds is None or self._is_spoken_to:
            return False
        return self._loop.time() - self._active_at > quiet_seconds

    async def _listen(self) -> None:
        try:
            async for message in self._connection:
                await self._take(json.loads(message))
        except ConnectionClosed:
            return

    async def _take(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "input_audio_buffer.speech_started":
                self._is_spoken_to = True
            case "input_audio_buffer.speech_stopped":
                self._is_spoken_to = False
                self._active_at = self._loop.time()
            case "response.created":
                self._is_answering = True
                if self._habit.clears:
                    await self._send("input_audio_buffer.clear")
            case "response.output_audio.delta":
                seconds = len(base64.b64decode(event["delta"])) / (2 * SESSION_RATE_HZ)
                self._heard_until = max(self._heard_until, self._loop.time()) + seconds
            case "response.done":
                self._is_answering = False
                into = event["response"]["usage"]["input_token_details"]
                self._bill.add(into["audio_tokens"], into["text_tokens"])

    async def _send(self, kind: str, **fields: object) -> None:
        await self._connection.send(json.dumps({"type": kind, **fields}))
