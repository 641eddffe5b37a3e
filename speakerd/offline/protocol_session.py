"""The session object: its defaults, how an update changes it, and what the brain must know of it. Pure.

Only the fields that are present in an update change; null puts a field back to its default, and turn detection off.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speakerd.offline.protocol_shapes import RefusedError
from speakerd.ports import ToolSpec

Wire = dict[str, Any]
"""A JSON object as it is on the wire."""

_PHRASES = "x-phrases"
"""JSON Schema annotation in which our client tells what users say for a tool."""

_EAGERNESS_MS = {"low": 500, "medium": 0, "auto": 0, "high": -300}
"""Silence that semantic_vad waits for, added to the setting: eager means short."""
_SHORTEST_SILENCE_MS = 200


@dataclass(frozen=True, slots=True)
class Turns:
    """How turns are found in the audio."""

    silence_ms: int
    threshold: float
    prefix_ms: int
    creates_response: bool
    interrupts: bool
    idle_ms: int | None


class SessionSettings:
    """The session object of one connection."""

    def __init__(self, session_id: str, model: str, voice: str, silence_ms: int, expires_at: int) -> None:
        self._silence_ms = silence_ms
        self._defaults = _defaults(model, voice, silence_ms)
        self._identity: Wire = {"id": session_id, "object": "realtime.session", "expires_at": expires_at}
        self._values: Wire = copy.deepcopy(self._defaults)

    @property
    def wire(self) -> Wire:
        """The whole session object; a copy."""
        return copy.deepcopy({**self._values, **self._identity})

    def update(self, patch: Wire, *, audio_was_output: bool) -> None:
        """Apply a checked `session.update` whole; raises RefusedError, and then nothing is changed."""
        values = _patched(copy.deepcopy(self._values), patch, self._defaults)
        hears, speaks = values["audio"]["input"], values["audio"]["output"]
        speaks["voice"] = _name(speaks["voice"])
        if audio_was_output and speaks["voice"] != self._values["audio"]["output"]["voice"]:
            wording = "Cannot update a conversation's voice if assistant audio is present."
            raise RefusedError("cannot_update_voice", wording, "session.audio.output.voice")
        if audio_was_output and values["model"] != self._values["model"]:
            raise RefusedError("invalid_value", "The model cannot be changed after audio was output.", "session.model")
        one_modality(values["output_modalities"], "session.output_modalities")
        if hears["turn_detection"] is not None:
            hears["turn_detection"] = _filled(hears["turn_detection"], self._silence_ms)
        self._values = values

    @property
    def turns(self) -> Turns | None:
        """How turns are found; None means push to talk."""
        detection = self._values["audio"]["input"]["turn_detection"]
        if detection is None:
            return None
        by_eagerness = self._silence_ms + _EAGERNESS_MS[detection.get("eagerness", "auto")]
        return Turns(
            silence_ms=max(detection.get("silence_duration_ms", by_eagerness), _SHORTEST_SILENCE_MS),
            threshold=float(detection.get("threshold", 0.5)),
            prefix_ms=detection.get("prefix_padding_ms", 300),
            creates_response=detection["create_response"],
            interrupts=detection["interrupt_response"],
            idle_ms=detection.get("idle_timeout_ms"),
        )

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The functions that the session offers."""
        return tool_specs(self._values["tools"], self._values["tool_choice"])

    @property
    def transcribes(self) -> bool:
        """The client wants to be told the user's words."""
        return self._values["audio"]["input"]["transcription"] is not None

    def for_response(self, overrides: Wire) -> Wire:
        """What a response is made with: the session's values and over them those of `response.create`."""
        values = {key: self._values[key] for key in _SHARED}
        values["voice"] = self._values["audio"]["output"]["voice"]
        values.update({key: value for key, value in overrides.items() if key in _SHARED and value is not None})
        output = (overrides.get("audio") or {}).get("output") or {}
        values["voice"] = _name(output.get("voice") or values["voice"])
        return values


_SHARED = ("instructions", "tools", "tool_choice", "output_modalities", "max_output_tokens")
"""Fields that session and response.create have in common and that this server acts upon."""


def one_modality(modalities: Sequence[str], path: str) -> str:
    """The only modality, audio or text; raises RefusedError for none or both."""
    if len(modalities) != 1:
        wording = f"Invalid modalities: {modalities!r}. Supported combinations are: ['text'] and ['audio']."
        raise RefusedError("invalid_value", wording, path)
    return modalities[0]


def tool_specs(tools: Sequence[Wire], tool_choice: str | Wire) -> tuple[ToolSpec, ...]:
    """The functions that the brain may call."""
    if tool_choice == "none":
        return ()
    functions = [tool for tool in tools if tool["type"] == "function"]
    if isinstance(tool_choice, Mapping):
        functions = [tool for tool in functions if tool["name"] == tool_choice.get("name")]
    return tuple(_tool_spec(tool) for tool in functions)


def _tool_spec(tool: Wire) -> ToolSpec:
    parameters = dict(tool.get("parameters") or {})
    phrases = parameters.pop(_PHRASES, [])
    if not isinstance(phrases, list):
        phrases = []
    words = tuple(phrase for phrase in phrases if isinstance(phrase, str))
    return ToolSpec(tool["name"], tool.get("description") or "", parameters, words)


def _name(voice: str | Wire) -> str:
    """A voice's name or id: the server's events show no voice object."""
    return voice if isinstance(voice, str) else str(voice["id"])


def _patched(values: Wire, patch: Wire, defaults: Wire) -> Wire:
    result = dict(values)
    for key, value in patch.items():
        if value is None:
            result[key] = None if key == "turn_detection" else copy.deepcopy(defaults[key])
        elif key in _MERGED:
            result[key] = _patched(values[key], value, defaults[key])
        else:
            result[key] = copy.deepcopy(value)
    return result


_MERGED = ("audio", "input", "output")


def _filled(detection: Wire, silence_ms: int) -> Wire:
    present = {key: value for key, value in detection.items() if value is not None}
    if detection["type"] == "semantic_vad":
        return {"eagerness": "auto", "create_response": True, "interrupt_response": True} | present
    return _server_vad(silence_ms) | present


def _server_vad(silence_ms: int) -> Wire:
    return {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": silence_ms,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def _defaults(model: str, voice: str, silence_ms: int) -> Wire:
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": None,
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": _server_vad(silence_ms),
            },
            "output": {"format": pcm, "voice": voice, "speed": 1.0},
        },
    }
