"""The demonstration's story, in real time: what a user says and does, and what must have happened before he goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from speakerd.core.state import Card, Idle, Listening, Speaking
from speakerd.demo.recording import Recording
from speakerd.demo.room import Room, Spoken

COMMAND = "turn on the kitchen light"
FOLLOW_UP = "set a timer for five minutes"
LONG_QUESTIONS = ("tell me a story", "how does a rainbow form")
WAKE_WORD = "hey jarvis"

_BREATH_SECONDS = 0.6
_PATIENCE_SECONDS = 3.0
"""How long the user listens to a long answer."""


@dataclass
class Told:
    """When the user said what."""

    turns: list[Spoken] = field(default_factory=list)
    """Those that were answered, in order."""


async def tell(room: Room, recording: Recording) -> Told:
    """Play the story to its end; raises TimeoutError where the speaker does not do its part."""
    told = Told()
    for sentence in (f"{WAKE_WORD}, {COMMAND}", FOLLOW_UP, *LONG_QUESTIONS, WAKE_WORD):
        await asyncio.to_thread(room.learn, sentence)
    await recording.until(lambda: recording.state.card is Card.UP)
    await asyncio.sleep(2 * _BREATH_SECONDS)
    for sentence in (f"{WAKE_WORD}, {COMMAND}", FOLLOW_UP):
        told.turns.append(await _say(room, recording, sentence))
        await recording.until(lambda: isinstance(recording.state.phase, Speaking))
        await recording.until(lambda: isinstance(recording.state.phase, Listening))
    told.turns.append(await _ask_at_length(room, recording, LONG_QUESTIONS[0]))
    room.press()
    await recording.until(lambda: isinstance(recording.state.phase, Listening))
    told.turns.append(await _ask_at_length(room, recording, LONG_QUESTIONS[1]))
    await _say(room, recording, WAKE_WORD)
    await recording.until(lambda: isinstance(recording.state.phase, Listening))
    await recording.until(lambda: isinstance(recording.state.phase, Idle))
    await asyncio.sleep(_BREATH_SECONDS)
    return told


async def _ask_at_length(room: Room, recording: Recording, question: str) -> Spoken:
    spoken = await _say(room, recording, question)
    await recording.until(lambda: isinstance(recording.state.phase, Speaking))
    await asyncio.sleep(_PATIENCE_SECONDS)
    return spoken


async def _say(room: Room, recording: Recording, sentence: str) -> Spoken:
    await asyncio.sleep(_BREATH_SECONDS)
    recording.say(f'room: the user says "{sentence}"')
    return room.say(sentence)
