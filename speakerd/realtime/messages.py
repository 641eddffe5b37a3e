"""What we say on the wire.

Wire names live in realtime/messages*.py alone, so that another dialect is another set of these files.
Builders return events without an id; `encode` gives them one, because an `error` names the event that it answers by it.
Source: the Realtime GA API, as typed in `openai.types.realtime`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

ClientEvent = Mapping[str, object]


def encode(event: ClientEvent, event_id: str) -> str:
    """The frame to send: ASCII JSON, byte for byte the same for equal events and ids."""
    # Sorted keys keep tools and instructions byte-stable, which prompt caching needs; `dict` opens other mappings.
    return json.dumps({**event, "event_id": event_id}, sort_keys=True, separators=(",", ":"), default=dict)


def session_update(session: Mapping[str, object]) -> ClientEvent:
    """Sets the session up; the server takes all of it or, with an error, nothing."""
    return {"type": "session.update", "session": session}


def append_audio(pcm: bytes) -> ClientEvent:
    """Microphone audio: mono 16-bit little-endian PCM at 24 kHz."""
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode("ascii")}


def commit_audio() -> ClientEvent:
    """Makes a user message of the audio that was sent since the last one; too little of it is an error."""
    return {"type": "input_audio_buffer.commit"}


def tool_output(call_id: str, output: str) -> ClientEvent:
    """The answer to a function call."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return {"type": "conversation.item.create", "item": item}


def truncate_item(item_id: str, audio_end_ms: int) -> ClientEvent:
    """Cuts an assistant item to what was heard of it; more than it holds is an error."""
    return {
        "type": "conversation.item.truncate",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": audio_end_ms,
    }


def delete_item(item_id: str) -> ClientEvent:
    """Removes an item from the conversation."""
    return {"type": "conversation.item.delete", "item_id": item_id}


def create_response(*, aloud: bool = True, instructions: str = "") -> ClientEvent:
    """Asks for a response with the session's own settings; text alone unless aloud, and with other instructions."""
    changes: dict[str, object] = {} if aloud else {"output_modalities": ["text"]}
    if instructions:
        changes["instructions"] = instructions
    return {"type": "response.create", "response": changes} if changes else {"type": "response.create"}


def cancel_response(response_id: str) -> ClientEvent:
    """Cancels one response and no other."""
    return {"type": "response.cancel", "response_id": response_id}


def without_audio(event: Mapping[str, object]) -> Mapping[str, object]:
    """The event for a trace: of audio only its length in base64 remains. Works for both directions and all servers."""
    is_audio = event.get("type") in _AUDIO_DELTAS
    return {
        key: _silenced("audio" if is_audio and key == "delta" else key, value, _DEEPEST) for key, value in event.items()
    }


_AUDIO_DELTAS = ("response.output_audio.delta", "response.audio.delta")

_DEEPEST = 6
"""Nesting of what is shown: that of a content part in a response."""


def _silenced(key: str, value: object, levels: int) -> object:
    """A value in which nothing that is called audio is text: some servers send whole utterances in their items."""
    match value:
        case str() if key == "audio":
            return len(value)
        case dict() if levels:
            return {inner: _silenced(inner, each, levels - 1) for inner, each in value.items()}
        case list() if levels:
            return [_silenced("", each, levels - 1) for each in value]
        case dict() | list():
            return "..."
        case _:
            return value
