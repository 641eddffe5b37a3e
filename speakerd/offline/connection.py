"""One client of the offline server: carries messages between its socket, the protocol and the brain.

It decides nothing. The protocol runs in the loop; the brain works in threads, each of its three organs on one thing at
a time. What the brain answers after the client is gone is dropped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from speakerd.audio.utterances import SpeechBegan, SpeechOver
from speakerd.errors import SpeakerdError
from speakerd.offline.brain import Brain, Part
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_effects import (
    Close,
    Effect,
    Listen,
    Prepare,
    Send,
    Speak,
    StartEndpointing,
    Stop,
    StopEndpointing,
    Think,
    Transcribe,
    Words,
)

_SLICE_BYTES = 4800
"""100 ms: the endpointer's work between two looks at the other clients."""
_MOST_UNSENT_BYTES = 64 * 1024 * 1024
"""What a client may leave unread before it is dropped."""


class Endpointer(Protocol):
    """Finds utterances in audio."""

    def feed(self, pcm: bytes) -> Sequence[SpeechBegan | SpeechOver]:
        """Take mono 16-bit PCM at 24 kHz; positions are milliseconds since the first sample."""


MakeEndpointer = Callable[[int, float], Endpointer]
"""From the silence (ms) that ends an utterance and the threshold (0 to 1) for speech."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a client sent in a session: how much, never what."""

    received_samples: int
    sha256: str
    """Of all PCM bytes, in hexadecimal digits."""


class Connection:
    """The session of one client, from `session.created` until either side closes."""

    def __init__(
        self,
        socket: ServerConnection,
        protocol: SessionProtocol,
        brain: Brain,
        make_endpointer: MakeEndpointer,
        threads: Executor,
    ) -> None:
        self._socket = socket
        self._protocol = protocol
        self._brain = brain
        self._make_endpointer = make_endpointer
        self._threads = threads
        self._endpointer: Endpointer | None = None
        self._outbox: asyncio.Queue[str | Close] = asyncio.Queue()
        self._unsent_bytes = 0
        self._hearing, self._understanding, self._voice = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._work: set[asyncio.Task[None]] = set()
        self._silenced: dict[str, threading.Event] = {}
        self._samples = 0
        self._hash = hashlib.sha256()

    @property
    def received(self) -> Received:
        """What came so far."""
        return Received(self._samples, self._hash.hexdigest())

    async def run(self, limit_seconds: float) -> None:
        """Serve until the connection ends."""
        loop = asyncio.get_running_loop()
        limit = loop.call_later(limit_seconds, lambda: self._do(self._protocol.expire(round(limit_seconds / 60))))
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                writer = tasks.create_task(self._write())
                self._do(self._protocol.begin())
                await self._read()
                self._end_work(writer)
        finally:
            limit.cancel()
            for event in self._silenced.values():
                event.set()

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                for effect in self._protocol.receive(message):
                    if isinstance(effect, Listen):
                        await self._listen(effect.pcm)
                    else:
                        self._do([effect])
        except ConnectionClosed:
            return

    async def _write(self) -> None:
        try:
            while True:
                message = await self._outbox.get()
                if isinstance(message, Close):
                    await self._socket.close(message.code, message.reason)
                    return
                await self._socket.send(message)
                self._unsent_bytes -= len(message)
        except ConnectionClosed:
            return

    async def _listen(self, pcm: bytes) -> None:
        self._samples += len(pcm) // 2
        self._hash.update(pcm)
        for start in range(0, len(pcm), _SLICE_BYTES):
            if self._endpointer is None:
                return
            for found in self._endpointer.feed(pcm[start : start + _SLICE_BYTES]):
                if isinstance(found, SpeechBegan):
                    self._do(self._protocol.speech_began(found.at_ms))
                else:
                    self._do(self._protocol.speech_over(found.at_ms))
            await asyncio.sleep(0)

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._post(json.dumps(effect.event))
                case Close():
                    self._outbox.put_nowait(effect)
                case StartEndpointing():
                    self._endpointer = self._make_endpointer(effect.silence_ms, effect.threshold)
                case StopEndpointing():
                    self._endpointer = None
                case Prepare():
                    self._start(self._prepare(effect))
                case Transcribe():
                    self._start(self._transcribe(effect))
                case Think():
                    self._start(self._think(effect))
                case Speak():
                    silenced = self._silenced[effect.response_id] = threading.Event()
                    self._start(self._speak(effect, silenced))
                case Stop():
                    self._silenced.pop(effect.response_id, threading.Event()).set()
                case Listen():
                    raise AssertionError("audio arrives only through _read")

    def _post(self, message: str) -> None:
        self._unsent_bytes += len(message)
        if self._unsent_bytes > _MOST_UNSENT_BYTES:
            self._socket.transport.abort()
            return
        self._outbox.put_nowait(message)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._tasks.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _end_work(self, writer: asyncio.Task[None]) -> None:
        writer.cancel()
        for task in self._work:
            task.cancel()

    async def _prepare(self, effect: Prepare) -> None:
        async with self._hearing:
            prepare = self._brain.hearing.prepare
            await asyncio.get_running_loop().run_in_executor(self._threads, prepare, effect.tools)

    async def _transcribe(self, effect: Transcribe) -> None:
        async with self._hearing:
            loop = asyncio.get_running_loop()
            hear = self._brain.hearing.transcribe
            try:
                text = await loop.run_in_executor(self._threads, hear, effect.pcm, effect.tools)
            except SpeakerdError as error:
                self._do(self._protocol.not_transcribed(effect.item_id, str(error)))
            else:
                self._do(self._protocol.transcribed(effect.item_id, text))

    async def _think(self, effect: Think) -> None:
        async with self._understanding:
            try:
                parts = await asyncio.get_running_loop().run_in_executor(self._threads, self._parts, effect)
            except SpeakerdError as error:
                self._do(self._protocol.failed(effect.response_id, str(error)))
            else:
                self._do(self._protocol.thought(effect.response_id, parts))

    def _parts(self, effect: Think) -> Sequence[Part]:
        if isinstance(effect.question, Words):
            return self._brain.understanding.answer(effect.question.text, effect.tools)
        return self._brain.understanding.report(effect.question.pairs)

    async def _speak(self, effect: Speak, silenced: threading.Event) -> None:
        try:
            async with self._voice:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._speak_in_thread, loop, effect, silenced)
        except SpeakerdError as error:
            self._do(self._protocol.failed(effect.response_id, str(error)))
        else:
            # A message that follows in the same response brings its own event.
            self._silenced.pop(effect.response_id, None)
            self._do(self._protocol.spoken(effect.response_id))

    def _speak_in_thread(self, loop: asyncio.AbstractEventLoop, effect: Speak, silenced: threading.Event) -> None:
        if silenced.is_set():
            return
        for piece in self._brain.voice.speak(effect.text):
            if silenced.is_set():
                return
            loop.call_soon_threadsafe(self._spoke, effect.response_id, piece, silenced)

    def _spoke(self, response_id: str, piece: bytes, silenced: threading.Event) -> None:
        if not silenced.is_set():
            self._do(self._protocol.spoke(response_id, piece))
