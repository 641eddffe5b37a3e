"""Announcements: spoken by the real espeak-ng, handed to a player of ours in the loop's thread, and always ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from fakes import FakePlayer, Told
from speakerd.audio.pcm import SESSION_RATE_HZ, samples_of
from speakerd.core.effects import announcement_item
from speakerd.core.events import Event, PlayoutEnded
from speakerd.errors import SpeechError
from speakerd.offline.announcer import SpokenAnnouncer
from speakerd.offline.brain import Voice
from speakerd.offline.speaking import voice
from speakerd.settings import OfflineSettings

SENTENCE = "I cannot reach the network."


class Loudspeaker(FakePlayer):
    """Keeps what it is given, and by whom."""

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        self.pcm = b""
        self.threads: set[threading.Thread] = set()
        self.finished = asyncio.Event()

    def play(self, item_id: str, pcm: bytes) -> None:
        super().play(item_id, pcm)
        self.pcm += pcm
        self.threads.add(threading.current_thread())

    def finish(self, item_id: str) -> None:
        super().finish(item_id)
        self.finished.set()


@dataclass
class Gated:
    """A voice that says a piece each time it is let, and fails at the end if it is to."""

    pieces: int = 2
    failure: SpeechError | None = None
    let: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: int = 0

    def speak(self, text: str) -> Iterator[bytes]:
        for _ in range(self.pieces):
            self.let.acquire(timeout=10)
            self.asked += 1
            yield b"\1\0" * 240
        if self.failure:
            raise self.failure


@dataclass
class Two:
    """Two voices, by the text that is to be spoken."""

    voices: Mapping[str, Voice]

    def speak(self, text: str) -> Iterator[bytes]:
        return self.voices[text].speak(text)


class Room:
    """An announcer with all that is around it."""

    def __init__(self, speaking: Callable[[], Voice]) -> None:
        self.told = Told()
        self.player = Loudspeaker(self.told)
        self.posted: asyncio.Queue[Event] = asyncio.Queue()
        self.announcer = SpokenAnnouncer(speaking, self.player, self.posted.put_nowait)

    async def threads_end(self) -> None:
        """Wait until no announcement's thread is left, and what they left for the loop is done."""
        for thread in threading.enumerate():
            if thread.name.startswith("announcement-"):
                await asyncio.to_thread(thread.join, 10)
                assert not thread.is_alive()
        await asyncio.sleep(0)


async def test_a_sentence_is_spoken_in_the_device_s_voice_by_the_loop() -> None:
    room = Room(lambda: voice(OfflineSettings()))
    room.announcer.announce(3, SENTENCE)
    async with asyncio.timeout(20):
        await room.player.finished.wait()
    item = announcement_item(3)
    assert {line.rsplit(" ", 1)[0] for line in room.told.lines[:-1]} == {f"play {item}"}
    assert room.told.lines[-1] == f"finish {item}"
    samples = samples_of(room.player.pcm)
    assert 0.8 < len(samples) / SESSION_RATE_HZ < 4
    assert np.abs(samples).max() > 3000
    assert room.player.threads == {threading.current_thread()}
    await room.threads_end()
    assert room.posted.empty(), "the player tells the end of what it was given"


async def test_the_loop_does_not_wait_for_a_voice() -> None:
    slow = Gated(pieces=1)
    room = Room(lambda: slow)
    room.announcer.announce(1, SENTENCE)
    assert room.told.lines == []
    slow.let.release()
    async with asyncio.timeout(10):
        await room.player.finished.wait()
    assert room.told.lines == ["play announcement 1 480", "finish announcement 1"]


async def test_nothing_follows_a_stop_before_the_first_sound() -> None:
    slow = Gated(pieces=5)
    room = Room(lambda: slow)
    room.announcer.announce(1, SENTENCE)
    room.announcer.stop(1)
    slow.let.release(5)
    await room.threads_end()
    assert (room.told.lines, room.posted.empty()) == ([], True)
    assert slow.asked == 1, "the rest is not even synthesised"


async def test_what_is_ready_but_not_handed_over_is_dropped_by_a_stop() -> None:
    quick = Gated(pieces=3)
    quick.let.release(3)
    room = Room(lambda: quick)
    room.announcer.announce(1, SENTENCE)
    for thread in threading.enumerate():
        if thread.name == "announcement-1":
            thread.join(10)  # the loop stands still meanwhile: all pieces wait for it
    room.announcer.stop(1)
    await room.threads_end()
    assert (quick.asked, room.told.lines, room.posted.empty()) == (3, [], True)


async def test_a_stop_of_an_older_one_changes_nothing() -> None:
    quick = Gated(pieces=1)
    quick.let.release()
    room = Room(lambda: quick)
    room.announcer.announce(2, SENTENCE)
    room.announcer.stop(1)
    async with asyncio.timeout(10):
        await room.player.finished.wait()


async def test_the_next_one_speaks_although_a_stopped_one_still_synthesises() -> None:
    slow, quick = Gated(pieces=1), Gated(pieces=1)
    room = Room(lambda: Two({"slow": slow, "quick": quick}))
    room.announcer.announce(1, "slow")
    room.announcer.stop(1)
    quick.let.release()
    room.announcer.announce(2, "quick")
    async with asyncio.timeout(10):
        await room.player.finished.wait()
    slow.let.release()
    await room.threads_end()
    assert room.told.lines == ["play announcement 2 480", "finish announcement 2"]


BROKEN = SpeechError("espeak-ng is not installed: run apt install espeak-ng.")


def missing() -> Voice:
    raise BROKEN


async def test_a_voice_that_is_missing_ends_the_announcement_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(missing)
    room.announcer.announce(7, SENTENCE)
    async with asyncio.timeout(10):
        assert await room.posted.get() == PlayoutEnded(announcement_item(7), 0, cut_short=True)
    await room.threads_end()
    assert room.told.lines == []
    assert [record.getMessage() for record in caplog.records] == [f"An announcement cannot be spoken: {BROKEN}"]


async def test_a_voice_that_fails_in_between_is_heard_as_far_as_it_came() -> None:
    failing = Gated(pieces=1, failure=BROKEN)
    failing.let.release()
    room = Room(lambda: failing)
    room.announcer.announce(1, SENTENCE)
    async with asyncio.timeout(10):
        await room.player.finished.wait()
    await room.threads_end()
    assert room.told.lines == ["play announcement 1 480", "finish announcement 1"]
    assert room.posted.empty()


async def test_a_text_of_which_nothing_can_be_spoken_ends_at_once() -> None:
    room = Room(lambda: voice(OfflineSettings()))
    room.announcer.announce(1, "  ")
    async with asyncio.timeout(10):
        assert await room.posted.get() == PlayoutEnded(announcement_item(1), 0, cut_short=True)


def test_a_voice_that_outlives_the_loop_is_harmless() -> None:
    slow = Gated(pieces=1)

    async def begin() -> None:
        Room(lambda: slow).announcer.announce(1, SENTENCE)

    asyncio.run(begin())
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "announcement-1")
    slow.let.release()
    thread.join(10)
    assert not thread.is_alive()
