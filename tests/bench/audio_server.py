"""A Realtime server in a process of its own that notes when each frame arrives, and sends answers at its own times.

Prints its address; after the client has gone it prints what it noted as JSON, and ends. Times are CLOCK_MONOTONIC.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import sys
import time
from random import Random

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.audio_stage import never_silent
from fake_server import CREATED, UPDATED, audio, audio_done, response_created, response_done
from speakerd.audio.pcm import bytes_of

ANSWER_MS = 100
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.35, 0.45


class Notes:
    """What came and went, and when."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, int]] = []
        """(second, samples) of each frame with audio."""
        self.pcm = bytearray()
        self.sent_at: list[float] = []
        """When the first sound of each answer was sent."""

    def take(self, data: str | bytes) -> None:
        """Note a frame from the client."""
        now = time.monotonic()
        event = json.loads(data)
        if event["type"] == "input_audio_buffer.append":
            pcm = base64.b64decode(event["audio"])
            self.arrivals.append((now, len(pcm) // 2))
            self.pcm += pcm

    def as_json(self) -> str:
        """All of it."""
        notes = {"arrivals": self.arrivals, "pcm": base64.b64encode(self.pcm).decode(), "sent_at": self.sent_at}
        return json.dumps(notes)


async def _talk(connection: ServerConnection, notes: Notes, answers: int, ended: asyncio.Event) -> None:
    await connection.send(json.dumps(CREATED))
    await connection.recv()
    await connection.send(json.dumps(UPDATED))
    answering = asyncio.create_task(_answer(connection, notes, answers))
    with contextlib.suppress(ConnectionClosed):
        while True:
            notes.take(await connection.recv())
    answering.cancel()
    ended.set()


async def _answer(connection: ServerConnection, notes: Notes, answers: int) -> None:
    pcm = bytes_of(never_silent(ANSWER_MS / 1000, 2))
    chance = Random(3)  # noqa: S311 - moments, no secrets
    for number in range(answers):
        await asyncio.sleep(chance.uniform(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS))
        response, item = f"response {number}", f"item {number}"
        await connection.send(json.dumps(response_created(response)))
        delta = json.dumps(audio(pcm, item, response))
        notes.sent_at.append(time.monotonic())
        await connection.send(delta)
        await connection.send(json.dumps(audio_done(item, response)))
        await connection.send(json.dumps(response_done(response=response)))


async def _serve(answers: int) -> None:
    notes, ended = Notes(), asyncio.Event()
    async with serve(
        lambda connection: _talk(connection, notes, answers, ended), "127.0.0.1", 0, compression=None
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stdout.write(f"ws://127.0.0.1:{port}/v1/realtime\n")
        sys.stdout.flush()
        await ended.wait()
    sys.stdout.write(notes.as_json() + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.audio_server")
    parser.add_argument("--answers", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().answers))
