"""A Realtime server in a process of its own for the session bench: it answers each utterance and tells when.

Prints its ports, then one JSON line for each thing that happened, until its stdin ends. Clients are named by the
model that they ask for; times are CLOCK_MONOTONIC.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.audio_stage import never_silent
from bench.session_proxy import far_away
from bench.session_tls import server_context
from fake_server import CREATED, UPDATED, audio, audio_done, response_created, response_done, speech
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, samples_of

ANSWER_MS = 100
_LOUD = 2000
_SILENCE_MS = 300
"""Ends an utterance."""
_USAGE = {"input_token_details": {"text_tokens": 60, "audio_tokens": 20}, "output_token_details": {"audio_tokens": 2}}


class Utterances:
    """Finds where loud sound ends, in pieces of PCM."""

    def __init__(self) -> None:
        self.heard_at: float | None = None
        """When the last loud piece arrived; None before the first of an utterance."""
        self._silent_samples = 0

    def is_over(self, pcm: bytes, now: float) -> bool:
        """Take a piece that arrived now; whether an utterance has ended with it."""
        (loud,) = np.nonzero(np.abs(samples_of(pcm).astype(np.int32)) > _LOUD)
        if len(loud):
            self.heard_at = now
            self._silent_samples = len(pcm) // 2 - int(loud[-1]) - 1
        else:
            self._silent_samples += len(pcm) // 2
        return self.heard_at is not None and self._silent_samples > _SILENCE_MS * SESSION_RATE_HZ // 1000


class Guest:
    """One client, from its first message to its last."""

    def __init__(self, connection: ServerConnection, number: int, options: argparse.Namespace) -> None:
        assert connection.request is not None
        self._connection = connection
        self._number = number
        self._name = connection.request.path.rpartition("=")[2]
        self._options = options
        self._utterances = Utterances()
        self._answers = 0

    async def serve(self) -> None:
        """Let it in, and answer what it says, until it goes."""
        with contextlib.suppress(ConnectionClosed):
            await self._send(CREATED)
            await self._connection.recv()
            await self._send(UPDATED)
            if self._options.flood_ms:
                await self._flood()
            while True:
                await self._take(json.loads(await self._connection.recv()), time.monotonic())

    async def _take(self, event: dict[str, Any], now: float) -> None:
        if event["type"] != "input_audio_buffer.append":
            return
        if not self._answers and self._utterances.heard_at is None:
            self._options.tell("audio", self._name, now)
        pcm = base64.b64decode(event["audio"])
        if self._options.patient:
            if self._utterances.is_over(pcm, now):
                await self._answer(self._utterances.heard_at or now)
        elif not self._answers:
            await self._answer(now)

    async def _answer(self, heard_at: float) -> None:
        self._utterances = Utterances()
        self._answers += 1
        name = f"{self._number}-{self._answers}"
        await self._send(*speech(f"user-{name}"), response_created(f"response-{name}"))
        delta = audio(bytes_of(never_silent(ANSWER_MS / 1000, 2)), f"item-{name}", f"response-{name}")
        sent_at = time.monotonic()
        await self._send(delta)
        self._options.tell("answer", self._name, sent_at, heard_at=heard_at)
        await self._end(name)

    async def _flood(self) -> None:
        """One long answer, as fast as it is read."""
        await self._send(response_created("response-long"))
        pieces = _deltas(self._options.flood_ms)
        for piece in pieces:
            await self._connection.send(piece)
        await self._end("long")

    async def _end(self, name: str) -> None:
        item, response = f"item-{name}", f"response-{name}"
        await self._send(audio_done(item, response), response_done(response=response, usage=_USAGE))

    async def _send(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self._connection.send(json.dumps(event))


def _deltas(length_ms: int) -> Sequence[str]:
    """Frames of 100 to 200 ms that hold so much sound; a few different ones again and again."""
    sound = never_silent(10.0, 4)
    frames: list[str] = []
    left_ms = length_ms
    kinds = [
        (ms, json.dumps(audio(bytes_of(sound[24 * 10 * ms : 24 * 11 * ms]), "item-long", "response-long")))
        for ms in range(100, 201, 20)
    ]
    for ms, frame in itertools.cycle(kinds):
        if left_ms < ms:
            return frames
        frames.append(frame)
        left_ms -= ms
    raise AssertionError("there is no end to a cycle")


def _tell(what: str, client: str, at: float, **more: float) -> None:
    sys.stdout.write(json.dumps({"what": what, "client": client, "at": at, **more}) + "\n")
    sys.stdout.flush()


async def _serve(options: argparse.Namespace) -> None:
    numbers = itertools.count(1)
    async with AsyncExitStack() as opened:
        ports: list[int] = []
        for context in [None] if options.tls is None else [None, server_context(options.tls)]:
            server = await opened.enter_async_context(
                serve(
                    lambda connection: Guest(connection, next(numbers), options).serve(),
                    *("127.0.0.1", 0),
                    compression=None,
                    ping_interval=None,
                    ssl=context,
                )
            )
            near = next(iter(server.sockets)).getsockname()[1]
            for round_trip_ms in options.round_trips_ms:
                far = far_away(near, round_trip_ms / 1000)
                ports.append(await opened.enter_async_context(far) if round_trip_ms else near)
        sys.stdout.write(json.dumps(ports) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser(prog="bench.session_server")
    parser.add_argument(
        "--round-trips-ms", type=float, nargs="+", default=[0.0], help="how far away it seems to be, at each port"
    )
    parser.add_argument("--patient", action="store_true", help="answer after an utterance, not at the first sound")
    parser.add_argument("--flood-ms", type=int, default=0, help="send one answer of this length, unasked")
    parser.add_argument("--tls", type=Path, help="offer as many ports more with the certificate in this folder")
    options = parser.parse_args()
    options.tell = _tell
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients may go whenever they like
    asyncio.run(_serve(options))


if __name__ == "__main__":
    main()
