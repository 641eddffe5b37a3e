"""A card's process that was started ahead of the plane's owner."""

from __future__ import annotations

import asyncio
from pathlib import Path

from audio_room import AudioRoom
from speakerd.core.events import CardFound, CardLost
from speakerd.demo.card import FakeCard
from speakerd.settings import AudioSettings

CARD = AudioSettings(input="fakecard", output="fakecard", canceller="none")


async def test_it_is_taken_over_by_the_owner(tmp_path: Path) -> None:
    room = AudioRoom(FakeCard(tmp_path / "card"), CARD)
    room.plane.begin()
    pid = room.plane.child_pid
    assert pid is not None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(room.plane.run())
        await room.found()
        assert room.plane.child_pid == pid
        await room.plane.close()
    assert (len(room.of(CardFound)), room.of(CardLost), room.plane.health.restarts) == (1, [], 0)

    room = AudioRoom(FakeCard(tmp_path / "card"), CARD)
    room.plane.begin()
    pid = room.plane.child_pid
    assert pid is not None
    assert _exists(pid)
    await room.plane.close()
    assert not _exists(pid)
    assert room.plane.child_pid is None
    assert room.events == []
    await room.plane.close()


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
