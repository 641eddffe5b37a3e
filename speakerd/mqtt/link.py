"""The owner of the connection to the broker: the speaker as a device there, and what its tools publish.

Nothing waits for a broker that is away: a tool says so, a wake word is not told later, and of all else only the last
counts. Retained commands are ignored, so that nobody's old message acts when the speaker comes back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import random
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import aiomqtt
from paho.mqtt.subscribeoptions import SubscribeOptions

from speakerd.core.events import Event, MuteAsked, SayAsked
from speakerd.core.state import State
from speakerd.errors import BrokerError, ToolError
from speakerd.mqtt.broker import Broker, connected
from speakerd.mqtt.commands import (
    MOST_ANNOUNCED_CHARACTERS,
    Allowance,
    Announce,
    Command,
    SetVolume,
    command,
    plain,
)
from speakerd.mqtt.device import COMMANDS, Device, birth_topic, config, config_topic
from speakerd.mqtt.status import Facts, settled, status, wake
from speakerd.ports import Post

MOST_ANNOUNCEMENTS = 3
"""Announcements of ours that may wait to be spoken."""
MOST_ANSWER_BYTES = 4096

_FIRST_BACKOFF_SECONDS = 1.0
_LAST_BACKOFF_SECONDS = 60.0
_STEADY_SECONDS = 30.0
"""A connection that lasted so long was a good one."""
_GOODBYE_SECONDS = 1.0
_MOST_WAKES = 8
_AWAY = "The home's message broker is not connected: try again later."

_log = logging.getLogger(__name__)


class MqttLink:
    """Loop thread only. `control` must be called before it runs."""

    _current: Callable[[], Facts]
    _set_volume: Callable[[float], None]

    def __init__(
        self,
        broker: Broker,
        device: Device,
        post: Post,
        state: Callable[[], State],
        *,
        discovery_prefix: str = "homeassistant",
        answer_topics: frozenset[str] = frozenset(),
        may_unmute: bool = True,
    ) -> None:
        self._broker = broker
        self._device = device
        self._post = post
        self._state = state
        self._discovery_prefix = discovery_prefix
        self._answer_topics = answer_topics
        self._may_unmute = may_unmute
        self._client: aiomqtt.Client | None = None
        self.reason = ""
        """Why there is no connection; empty at first, and while there is one."""
        self._commands = {device.command_topic(name): name for name in COMMANDS} | {device.everyone_topic: "announce"}
        self._announcing = Allowance(at_once=1, per_second=1.0)
        self._obeying = Allowance(at_once=10, per_second=5.0)
        self._requests = itertools.count(-1, -1)
        """Below zero, so that none is one of the control socket's."""
        self._answers: dict[str, asyncio.Future[bytes | None]] = {}
        """Who waits at which topic; None comes in place of an answer when the connection is lost."""
        self._asking = {topic: asyncio.Lock() for topic in answer_topics}
        self._news = asyncio.Event()
        self._is_config_due = False
        self._told: Mapping[str, object] | None = None
        self._facts: Facts | None = None
        self._wakes: deque[Mapping[str, object]] = deque(maxlen=_MOST_WAKES)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client is not None

    def control(self, facts: Callable[[], Facts], set_volume: Callable[[float], None]) -> None:
        """Know what is told of the speaker, and changed, beside the core."""
        self._current, self._set_volume = facts, set_volume

    def observe(self, event: Event, before: State, after: State) -> None:
        """Tell what changed; an observer of the daemon's loop."""
        if self._client is None:
            return
        heard = wake(event)
        if heard is not None:
            self._wakes.append(heard)
        self._news.set()

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """See messages.Publisher."""
        if self._client is None:
            raise ToolError(_AWAY)
        try:
            await self._client.publish(topic, payload, qos)
        except aiomqtt.MqttError as error:
            raise ToolError("The home's message broker did not confirm the message: try again later.") from error

    async def announce_everywhere(self, text: str) -> None:
        """Have the other speakers say a sentence, if they hear of it now; raises ToolError."""
        if len(text) > MOST_ANNOUNCED_CHARACTERS:
            raise ToolError(f"At most {MOST_ANNOUNCED_CHARACTERS} characters can be announced everywhere at once.")
        await self.publish(self._device.everyone_topic, text.encode(errors="replace"), 1)

    async def ask(self, topic: str, payload: bytes, qos: int, answer_topic: str, answer_seconds: float) -> str:
        """See messages.Publisher; of those who wait at one topic each has its turn."""
        async with self._asking[answer_topic]:
            answer = self._answers[answer_topic] = asyncio.get_running_loop().create_future()
            try:
                await self.publish(topic, payload, qos)
                async with asyncio.timeout(answer_seconds):
                    message = await answer
                if message is None:
                    raise ToolError(_AWAY)
                return plain(message, MOST_ANSWER_BYTES)
            except TimeoutError as error:
                raise ToolError(f"No answer came within {answer_seconds:g} seconds.") from error
            except ValueError as error:
                raise ToolError(f"The answer cannot be used: {error}") from error
            finally:
                del self._answers[answer_topic]

    async def run(self) -> None:
        """Keep connected until cancelled."""
        loop = asyncio.get_running_loop()
        backoff_seconds = _FIRST_BACKOFF_SECONDS
        while True:
            began = loop.time()
            try:
                # A task of its own, whose count of cancellations is right: a TaskGroup adds to it until Python 3.12.
                await loop.create_task(self._connect())
            except BrokerError as error:
                self.reason = str(error)
                _log.warning(self.reason)  # the sentence is its own kind: another failure is news
            _heed_cancellation()
            if loop.time() - began > _STEADY_SECONDS:
                backoff_seconds = _FIRST_BACKOFF_SECONDS
            await asyncio.sleep(backoff_seconds * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, no secret
            backoff_seconds = min(2 * backoff_seconds, _LAST_BACKOFF_SECONDS)

    async def _connect(self) -> None:
        async with connected(self._broker, self._device) as client:
            await self._serve(client)

    async def _serve(self, client: aiomqtt.Client) -> None:
        try:
            await self._subscribe(client)
            _heed_cancellation()
            self._client, self._is_config_due, self._told = client, True, None
            self._wakes.clear()
            self._news.set()
            self.reason = ""
            _log.info("The MQTT broker at %s is connected.", self._broker.address)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell(client))
                group.create_task(self._hear(client))
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError):
                await client.publish(
                    self._device.availability_topic, "offline", 1, retain=True, timeout=_GOODBYE_SECONDS
                )
            raise
        finally:
            self._client = None
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_result(None)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        topics = [*self._commands, *sorted(self._answer_topics)]
        topics += [birth_topic(self._discovery_prefix)] if self._discovery_prefix else []
        for topic in topics:
            # What we announce to all is not for us: we say it ourselves, at once.
            options = SubscribeOptions(qos=1, noLocal=topic == self._device.everyone_topic)
            for code in await client.subscribe(topic, options=options):
                if getattr(code, "value", code) >= 128:
                    _log.warning('The MQTT broker forbids to read "%s": allow it for this user.', topic)

    async def _tell(self, client: aiomqtt.Client) -> None:
        """Publish what is new; what changed twice meanwhile is told once."""
        while True:
            _heed_cancellation()
            await self._news.wait()
            self._news.clear()
            if self._is_config_due:
                self._is_config_due = False
                await self._introduce(client)
            self._facts = settled(self._current(), self._facts)
            told = status(self._state(), self._facts)
            if told != self._told:
                self._told = told
                await client.publish(self._device.status_topic, json.dumps(told), 1, retain=True)
            while self._wakes:
                await client.publish(self._device.wake_topic, json.dumps(self._wakes.popleft()), 1)

    async def _introduce(self, client: aiomqtt.Client) -> None:
        self._told = None
        if self._discovery_prefix:
            topic = config_topic(self._device, self._discovery_prefix)
            await client.publish(topic, json.dumps(config(self._device)), 1, retain=True)
        await client.publish(self._device.availability_topic, "online", 1, retain=True)

    async def _hear(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        allowance = Allowance(at_once=200, per_second=50.0)
        async for message in client.messages:
            if not allowance.takes(loop.time()):
                raise BrokerError(
                    f"The MQTT broker at {self._broker.address} sends more messages than anybody could mean: "
                    "find out who publishes them."
                )
            if not message.retain and isinstance(message.payload, bytes):
                self._take(message.topic.value, message.payload)

    def _take(self, topic: str, payload: bytes) -> None:
        if self._discovery_prefix and topic == birth_topic(self._discovery_prefix):
            if payload == b"online":
                self._is_config_due = True
                self._news.set()
        elif topic in self._commands:
            self._obey(self._commands[topic], payload)
        answer = self._answers.get(topic)
        if answer is not None and not answer.done():
            answer.set_result(payload)

    def _obey(self, name: str, payload: bytes) -> None:
        try:
            asked = command(name, payload)
        except ValueError as error:
            _log.warning('A message for "%s" over MQTT is not understood: %s', name, error)
            return
        refusal = self._refusal(asked)
        if refusal is not None:
            # What was shown there as done must be taken back.
            self._told = None
            _log.warning('The command "%s" over MQTT is not done: %s', name, refusal)
        match asked:
            case _ if refusal is not None:
                pass
            case SetVolume(level=level):
                self._set_volume(level)
            case Announce(text=text):
                self._post(SayAsked(next(self._requests), text))
            case _:
                self._post(asked)
        self._news.set()

    def _refusal(self, asked: Command) -> str | None:
        """Why a command is not done, in one sentence; None if it may be."""
        now = asyncio.get_running_loop().time()
        match asked:
            case MuteAsked(muted=False) if not self._may_unmute:
                return 'set "mqtt.may_unmute" to true to allow it.'
            case Announce():
                state = self._state()
                waiting = [known for known in state.announcements if known.request is not None and known.request < 0]
                if len(waiting) >= MOST_ANNOUNCEMENTS:
                    return f"{MOST_ANNOUNCEMENTS} announcements wait already."
                if not self._announcing.takes(now):
                    return "there may be one announcement in a second."
        return None if self._obeying.takes(now) else "there may be five commands in a second."


def _heed_cancellation() -> None:
    """Be cancelled where that was swallowed, as asyncio.wait_for may do until Python 3.11, which aiomqtt waits with."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
