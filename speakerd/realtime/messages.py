"""What we say on the wire.

Wire names live in realtime/messages*.py alone, so that another dialect is another set of these files.
Builders return events without an id; `encode` gives them one, because an `error` names the event that it answers by it.
Source: the Realtime GA API, as typed in `openai.types.realtime`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from speakerd.ports import ToolSpec

ClientEvent = Mapping[str, object]

_PCM = {"type": "audio/pcm", "rate": 24_000}
_TURN_DETECTION = {"type": "semantic_vad", "create_response": True, "interrupt_response": True}


def encode(event: ClientEvent, event_id: str) -> str:
    """The frame to send: ASCII JSON, byte for byte the same for equal events and ids."""
    # Sorted keys keep tools and instructions byte-stable, which prompt caching needs; `dict` opens other mappings.
    return json.dumps({**event, "event_id": event_id}, sort_keys=True, separators=(",", ":"), default=dict)


def session(
    *,
    model: str,
    instructions: str,
    voice: str,
    transcription_model: str,
    tools: Sequence[ToolSpec],
    phrases: bool,
    finds_turns: bool = True,
) -> Mapping[str, object]:
    """The whole set-up of a session: audio in and out at 24 kHz, the server detects turns and answers by itself.

    With `finds_turns` false it does neither: we commit each utterance and ask for its answer.
    With `phrases`, each tool's parameters carry its example phrases as the JSON Schema annotation "x-phrases".
    """
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": instructions,
        "tools": [_tool(tool, phrases) for tool in sorted(tools, key=lambda tool: tool.name)],
        "tool_choice": "auto",
        "audio": {
            "input": {
                "format": _PCM,
                "noise_reduction": {"type": "far_field"},
                "transcription": {"model": transcription_model},
                "turn_detection": _TURN_DETECTION if finds_turns else None,
            },
            "output": {"format": _PCM, "voice": voice},
        },
        # Drops history in large steps, so that the cached beginning stays valid for many turns.
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    }


def session_update(session: Mapping[str, object]) -> ClientEvent:
    """Sets the session up; the server takes all of it or, with an error, nothing."""
    return {"type": "session.update", "session": session}


def append_audio(pcm: bytes) -> ClientEvent:
    """Microphone audio: mono 16-bit little-endian PCM at 24 kHz."""
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode("ascii")}


def commit_audio() -> ClientEvent:
    """Makes a user message of the audio that was sent since the last one; too little of it is an error."""
    return {"type": "input_audio_buffer.commit"}


def user_text(text: str) -> ClientEvent:
    """A user message in words."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}


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
    """The event for a trace: of audio only its length in base64 remains. Works for both directions."""
    field = _AUDIO_FIELDS.get(str(event.get("type")))
    return event if field is None else {**event, field: len(str(event.get(field)))}


_AUDIO_FIELDS = {"input_audio_buffer.append": "audio", "response.output_audio.delta": "delta"}


def _tool(tool: ToolSpec, phrases: bool) -> Mapping[str, object]:
    annotation = {"x-phrases": list(tool.phrases)} if phrases and tool.phrases else {}
    parameters = {**tool.parameters, **annotation}
    return {"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters}
