"""The player without a card: the test plays the card's process."""

from __future__ import annotations

import asyncio

import pytest

from speakerd.audio import wire
from speakerd.audio.cues import cue_samples, ringing_samples
from speakerd.audio.pcm import bytes_of
from speakerd.audio.player import CardPlayer
from speakerd.core.effects import Cue, PlayoutLevel
from speakerd.core.events import CueEnded, Event, PlayoutEnded
from speakerd.settings import AudioSettings

SECOND = bytes(48_000)


class Card:
    """What the player says to the card's process, and what it posts."""

    def __init__(self, tail_ms: int = 0, is_plugged: bool = True) -> None:
        self.commands: list[wire.Command] = []
        self.events: list[Event] = []
        self._posted = asyncio.Event()
        self.player = CardPlayer(AudioSettings(volume=1.0, tail_ms=tail_ms, lead_in_ms=300), self.post)
        if is_plugged:
            self.player.attach(self)

    def send(self, command: wire.Command) -> None:
        self.commands.append(command)

    def flush(self, number: int) -> None:
        self.commands.append(wire.Flush(number))

    def post(self, event: Event) -> None:
        self.events.append(event)
        self._posted.set()

    async def next_event(self) -> Event:
        self._posted.clear()
        async with asyncio.timeout(5):
            await self._posted.wait()
        return self.events[-1]

    def played(self, item: int) -> bytes:
        return b"".join(c.pcm for c in self.commands if isinstance(c, wire.Play) and c.item == item)


def ended(item_id: str, played_ms: int, cut_short: bool) -> PlayoutEnded:
    return PlayoutEnded(item_id, played_ms, cut_short)


async def test_an_answer_is_sent_in_short_pieces_and_ends_when_it_was_heard() -> None:
    card = Card()
    card.player.play("a", SECOND)
    card.player.finish("a")
    assert card.played(1) == SECOND
    assert max(len(c.pcm) for c in card.commands if isinstance(c, wire.Play)) == 4_800
    assert card.commands[-1] == wire.Finish(1)
    card.player.item_over(1, 24_000, 0.0)
    assert await card.next_event() == ended("a", 1000, cut_short=False)


async def test_the_end_waits_for_the_sound_on_its_way_and_for_the_room() -> None:
    card = Card(tail_ms=60)
    card.player.play("a", SECOND)
    card.player.finish("a")
    began_at = asyncio.get_running_loop().time()
    card.player.item_over(1, 24_000, 0.05)
    assert card.events == []
    await card.next_event()
    assert asyncio.get_running_loop().time() - began_at >= 0.109


async def test_pcm_that_is_split_within_a_sample_is_put_together() -> None:
    card = Card()
    pcm = bytes(range(100))
    for start in range(0, 100, 7):
        card.player.play("a", pcm[start : start + 7])
    assert card.played(1) == pcm


async def test_an_item_without_sound_ends_at_once() -> None:
    card = Card(tail_ms=200)
    card.player.finish("a")
    assert card.events == [ended("a", 0, cut_short=False)]
    card.player.finish("a")
    assert len(card.events) == 1


async def test_stop_reports_each_item_once_in_order_when_the_card_has_said_how_much() -> None:
    card = Card()
    card.player.play("a", SECOND)
    card.player.finish("a")
    card.player.play("b", SECOND)
    card.player.stop()
    card.player.stop()
    assert card.commands[-1] == wire.Flush(1)
    assert card.events == []
    card.player.item_over(2, 0, 0.0)
    card.player.item_over(1, 12_024, 0.0)
    card.player.flushed(1)
    card.player.flushed(1)
    assert card.events == [ended("a", 501, cut_short=True), ended("b", 0, cut_short=True)]


async def test_an_item_in_its_tail_is_cut_short_too_and_ends_once() -> None:
    card, bugs = Card(tail_ms=1), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, bug: bugs.append(bug))
    card.player.play("a", SECOND)
    card.player.finish("a")
    card.player.item_over(1, 24_000, 0.0)
    card.player.stop()
    card.player.flushed(1)
    card.player.play("b", b"\0\0")
    card.player.finish("b")
    card.events.clear()
    card.player.item_over(2, 1, 0.02)
    await card.next_event()
    assert card.events == [ended("b", 0, cut_short=False)]
    assert bugs == []


@pytest.mark.parametrize("handed", [24_001, 1 << 40])
async def test_never_more_was_heard_than_received(handed: int) -> None:
    card = Card()
    card.player.play("a", SECOND)
    card.player.stop()
    card.player.item_over(1, handed, 0.0)
    card.player.flushed(1)
    assert card.events == [ended("a", 1000, cut_short=True)]


async def test_what_arrives_of_a_stopped_item_is_dropped() -> None:
    card = Card()
    card.player.play("a", SECOND)
    card.player.stop()
    sent = len(card.commands)
    card.player.play("a", SECOND)
    card.player.finish("a")
    assert len(card.commands) == sent
    card.player.flushed(1)
    card.player.play("a", SECOND)
    card.player.play("b", b"\1\0")
    assert card.played(2) == b"\1\0"
    assert card.events == [ended("a", 0, cut_short=True)]


async def test_what_arrives_after_the_end_is_dropped() -> None:
    card = Card()
    card.player.play("a", b"\1\0")
    card.player.finish("a")
    card.player.play("a", b"\2\0")
    card.player.finish("a")
    assert card.played(1) == b"\1\0"
    assert card.commands.count(wire.Finish(1)) == 1
    card.player.item_over(1, 1, 0.0)
    await card.next_event()
    card.player.play("a", b"\2\0")
    assert card.played(1) == b"\1\0"


async def test_a_lost_card_cuts_everything_short_where_it_was() -> None:
    card = Card()
    card.player.play("a", SECOND)
    card.player.stop()
    card.player.progressed(1, 2_400)
    card.player.play("b", SECOND)
    card.player.play("c", SECOND)
    card.player.progressed(2, 4_800)
    card.player.lose()
    assert card.events == [
        ended("a", 100, cut_short=True),
        ended("b", 200, cut_short=True),
        ended("c", 0, cut_short=True),
    ]
    card.player.flushed(1)
    card.player.item_over(2, 9_999, 0.0)
    card.player.lose()
    assert len(card.events) == 3


async def test_without_a_card_an_answer_ends_unheard() -> None:
    card = Card(is_plugged=False)
    card.player.play("a", SECOND)
    card.player.play("a", SECOND)
    card.player.finish("a")
    card.player.cue(Cue.NO_NETWORK)
    card.player.stop()
    assert card.events == [ended("a", 0, cut_short=True), CueEnded(Cue.NO_NETWORK)]


async def test_a_cue_ends_once_when_it_was_heard_and_outlives_what_is_stopped() -> None:
    card = Card(tail_ms=20)
    card.player.play("a", SECOND)
    card.player.cue(Cue.DONE)
    card.player.stop()
    card.player.flushed(1)
    card.events.clear()
    began_at = asyncio.get_running_loop().time()
    card.player.item_over(2, 0, 0.01)
    assert card.events == []
    assert await card.next_event() == CueEnded(Cue.DONE)
    assert asyncio.get_running_loop().time() - began_at >= 0.029
    card.player.lose()
    assert len(card.events) == 1


async def test_a_lost_card_ends_its_cues() -> None:
    card, bugs = Card(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, bug: bugs.append(bug))
    card.player.cue(Cue.DONE)
    card.player.cue(Cue.FAILED)
    card.player.item_over(1, 0, 0.001)
    card.player.lose()
    assert card.events == [CueEnded(Cue.DONE), CueEnded(Cue.FAILED)]
    card.player.attach(card)
    card.player.cue(Cue.MUTED)
    card.player.item_over(3, 0, 0.01)
    await card.next_event()
    assert card.events[2:] == [CueEnded(Cue.MUTED)]
    assert bugs == []


async def test_a_new_card_gets_the_volume() -> None:
    card = Card(is_plugged=False)
    card.player.set_volume(0.5)
    assert card.commands == []
    card.player.attach(card)
    assert card.commands == [wire.SetSink(300, is_kept_awake=False), wire.SetGain(0.125), wire.SetLevel(0)]


async def test_a_level_is_sent_at_once_and_to_a_new_card() -> None:
    card = Card()
    card.player.set_level(PlayoutLevel.HELD)
    assert card.commands[-1] == wire.SetLevel(2)
    card.player.lose()
    card.player.set_level(PlayoutLevel.DUCKED)
    assert card.commands[-1] == wire.SetLevel(2)
    card.player.attach(card)
    assert card.commands[-1] == wire.SetLevel(1)


@pytest.mark.parametrize(
    ("volume", "kept", "gain"), [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (-1.0, 0.0, 0.0), (7, 1.0, 1.0)]
)
async def test_the_volume_keeps_within_its_range(volume: float, kept: float, gain: float) -> None:
    card = Card()
    card.player.set_volume(volume)
    assert card.player.volume == kept
    assert card.commands[-1] == wire.SetGain(gain)


async def test_cues_and_ringing_are_sent_as_sound() -> None:
    card = Card()
    card.player.cue(Cue.BAD_KEY)
    card.player.start_ringing()
    card.player.stop_ringing()
    assert card.commands[3:] == [
        wire.PlayCue(1, bytes_of(cue_samples(Cue.BAD_KEY))),
        wire.Ring(bytes_of(ringing_samples())),
        wire.Ring(b""),
    ]
