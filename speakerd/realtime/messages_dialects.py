"""How families of servers depart from OpenAI's GA protocol in what they want to be told. Pure.

What they say needs no dialect: their names for events are unmistakable, so `messages_decode` knows all of them always.
Sources: realtime-protocol.md, "Other endpoints"; for xAI also pipecat's and LiveKit's clients; for LocalAI and
speech-to-speech the servers' own code, all of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

_SAME = MappingProxyType({effort: effort for effort in ("minimal", "low", "medium", "high", "xhigh")})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a family of servers knows."""

    name: str
    is_flat: bool = False
    """Voice and turn detection are at the top level of the session, and it has few other fields."""
    finds_meaning: bool = True
    """It can decide by the meaning of what was said whether it was all (semantic_vad)."""
    names_transcription: bool = True
    """It wants to be told which model writes the input down, else it writes nothing down."""
    cleans_input: bool = True
    """It can be told about noise reduction."""
    retains: bool = True
    """It can be told how much of an overlong conversation to keep."""
    truncates: bool = True
    """It can cut an item to what was heard of it; else nothing is sent, and it remembers what nobody heard."""
    deletes: bool = True
    """It can remove an item; else nothing that is meant to be removed may be added."""
    answers_commits: bool = False
    """It answers a committed utterance by itself, so that asking for a response would ask for a second one."""
    writes: bool = True
    """It can answer in text alone."""
    efforts: Mapping[str, str] = field(default_factory=lambda: _SAME)
    """Its word for each effort of reasoning."""
    thinking_models: tuple[str, ...] = ("gpt-realtime-2",)
    """How the names begin of the models that reason, and that alone may be told how much."""


OPENAI = Dialect("openai")

# The model's name is the owner's name of a deployment, so it does not tell what the model can.
AZURE = Dialect("azure", thinking_models=("",))

# Naming a transcription model makes xAI send other events; it writes the input down anyway.
XAI = Dialect(
    "xai",
    is_flat=True,
    finds_meaning=False,
    names_transcription=False,
    cleans_input=False,
    retains=False,
    writes=False,
    efforts=MappingProxyType(
        {"minimal": "none", "low": "none", "medium": "high", "high": "high", "xhigh": "high"},
    ),
    thinking_models=("grok-voice-think", "grok-voice-latest"),
)

SPEECH_TO_SPEECH = Dialect(
    "speech-to-speech",
    finds_meaning=False,
    names_transcription=False,
    cleans_input=False,
    retains=False,
    truncates=False,
    deletes=False,
    thinking_models=(),
)

LOCALAI = replace(SPEECH_TO_SPEECH, name="localai", answers_commits=True)
