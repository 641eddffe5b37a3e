"""The client events that the server understands, as rules: the wire names of the client's side. Pure.

After `openai.types.realtime` (openai 3.54); what this server cannot do (G.711, MCP items) is refused.
"""

from __future__ import annotations

from speakerd.offline.protocol_shapes import (
    Rule,
    choice,
    either,
    flag,
    free,
    free_object,
    listing,
    mapping,
    nullable,
    number,
    record,
    tagged,
    text,
)

_EFFORT = choice("minimal", "low", "medium", "high", "xhigh")
_FORMAT = record({"type": choice("audio/pcm")}, {"rate": choice(24000)})
_VOICE = either({str: text(256), dict: record({"id": text(256)}, {})})
_PROMPT = record({"id": text()}, {"variables": nullable(mapping(text(), 256)), "version": nullable(text())})
_MODALITIES = listing(choice("text", "audio"), 2)
_TOKENS = either({int: number(1, 4096, whole=True), str: choice("inf")})

_MCP_FIELDS = (
    "allowed_callers",
    "allowed_tools",
    "authorization",
    "connector_id",
    "defer_loading",
    "headers",
    "require_approval",
    "server_description",
    "server_url",
    "tunnel_id",
)
_TOOL = tagged(
    "type",
    {
        "function": record(
            {"type": text(), "name": text(64)},
            {"description": nullable(text()), "parameters": nullable(free_object)},
        ),
        "mcp": record({"type": text(), "server_label": text()}, dict.fromkeys(_MCP_FIELDS, free)),
    },
)
_TOOL_CHOICE = either(
    {
        str: choice("none", "auto", "required"),
        dict: tagged(
            "type",
            {
                "function": record({"type": text(), "name": text(64)}, {}),
                "mcp": record({"type": text(), "server_label": text()}, {"name": nullable(text())}),
            },
        ),
    }
)

_TURN_DETECTION = tagged(
    "type",
    {
        "server_vad": record(
            {"type": text()},
            {
                "threshold": nullable(number(0.0, 1.0)),
                "prefix_padding_ms": nullable(number(0, 5000, whole=True)),
                "silence_duration_ms": nullable(number(0, 10_000, whole=True)),
                "idle_timeout_ms": nullable(number(5000, 30_000, whole=True)),
                "create_response": nullable(flag),
                "interrupt_response": nullable(flag),
            },
        ),
        "semantic_vad": record(
            {"type": text()},
            {
                "eagerness": nullable(choice("low", "medium", "high", "auto")),
                "create_response": nullable(flag),
                "interrupt_response": nullable(flag),
            },
        ),
    },
)
_TRANSCRIPTION = record(
    {},
    {
        "model": nullable(text()),
        "language": nullable(text()),
        "languages": nullable(listing(text())),
        "prompt": nullable(text()),
        "keywords": nullable(listing(text())),
        "delay": nullable(choice("minimal", "low", "medium", "high", "xhigh")),
    },
)
_NOISE_REDUCTION = record({}, {"type": nullable(choice("near_field", "far_field")), "strength": nullable(number(0, 1))})
_TRUNCATION = either(
    {
        str: choice("auto", "disabled"),
        dict: record(
            {"type": choice("retention_ratio"), "retention_ratio": number(0.0, 1.0)},
            {"token_limits": nullable(record({}, {"post_instructions": nullable(number(0, 10_000_000, whole=True))}))},
        ),
    }
)
_TRACING = either(
    {
        str: choice("auto"),
        dict: record(
            {}, {"workflow_name": nullable(text()), "group_id": nullable(text()), "metadata": nullable(free_object)}
        ),
    }
)
_AUDIO_INPUT = record(
    {},
    {
        "format": nullable(_FORMAT),
        "noise_reduction": nullable(_NOISE_REDUCTION),
        "transcription": nullable(_TRANSCRIPTION),
        "turn_detection": nullable(_TURN_DETECTION),
    },
)
_AUDIO_OUTPUT = record(
    {}, {"format": nullable(_FORMAT), "voice": nullable(_VOICE), "speed": nullable(number(0.25, 1.5))}
)

_SESSION = record(
    {"type": choice("realtime")},
    {
        "model": nullable(text(256)),
        "output_modalities": nullable(_MODALITIES),
        "instructions": nullable(text()),
        "tools": nullable(listing(_TOOL, 1024)),
        "tool_choice": nullable(_TOOL_CHOICE),
        "parallel_tool_calls": nullable(flag),
        "reasoning": nullable(record({}, {"effort": nullable(_EFFORT)})),
        "max_output_tokens": nullable(_TOKENS),
        "truncation": nullable(_TRUNCATION),
        "tracing": nullable(_TRACING),
        "prompt": nullable(_PROMPT),
        "include": nullable(listing(choice("item.input_audio_transcription.logprobs"))),
        "audio": nullable(record({}, {"input": nullable(_AUDIO_INPUT), "output": nullable(_AUDIO_OUTPUT)})),
    },
)

_INPUT_TEXT = record({"type": text(), "text": text()}, {})
_USER_CONTENT = tagged(
    "type",
    {
        "input_text": _INPUT_TEXT,
        "input_audio": record({"type": text(), "audio": text()}, {"transcript": nullable(text())}),
        "input_image": record({"type": text(), "image_url": text()}, {"detail": nullable(free)}),
    },
)
_ITEM_HEAD: dict[str, Rule] = {
    "id": nullable(text(256)),
    "object": nullable(choice("realtime.item")),
    "status": nullable(choice("completed", "incomplete", "in_progress")),
}


def _message(content: Rule) -> Rule:
    return record({"type": text(), "role": text(), "content": listing(content)}, _ITEM_HEAD)


_ITEMS: dict[str, Rule] = {
    "message": tagged(
        "role",
        {
            "system": _message(tagged("type", {"input_text": _INPUT_TEXT})),
            "user": _message(_USER_CONTENT),
            # A client cannot insert assistant audio.
            "assistant": _message(tagged("type", {"output_text": _INPUT_TEXT})),
        },
    ),
    "function_call": record(
        {"type": text(), "name": text(), "arguments": text()}, {"call_id": nullable(text(256)), **_ITEM_HEAD}
    ),
    "function_call_output": record({"type": text(), "call_id": text(256), "output": text()}, _ITEM_HEAD),
}
_INPUT_ITEM = tagged("type", {**_ITEMS, "item_reference": record({"type": text(), "id": text(256)}, {})})

_RESPONSE = record(
    {},
    {
        "conversation": nullable(choice("auto", "none")),
        "input": nullable(listing(_INPUT_ITEM)),
        "instructions": nullable(text()),
        "metadata": nullable(mapping(text(512), 16)),
        "output_modalities": nullable(_MODALITIES),
        "tools": nullable(listing(_TOOL, 1024)),
        "tool_choice": nullable(_TOOL_CHOICE),
        "parallel_tool_calls": nullable(flag),
        "reasoning": nullable(record({}, {"effort": nullable(_EFFORT)})),
        "max_output_tokens": nullable(_TOKENS),
        "prompt": nullable(_PROMPT),
        "audio": nullable(
            record({}, {"output": nullable(record({}, {"format": nullable(_FORMAT), "voice": nullable(_VOICE)}))})
        ),
    },
)


def _event(required: dict[str, Rule] | None = None, optional: dict[str, Rule] | None = None) -> Rule:
    return record({"type": text(), **(required or {})}, {"event_id": nullable(text(512)), **(optional or {})})


_ITEM_ID: dict[str, Rule] = {"item_id": text(256)}
_FAR: float = 2**53
"""Beyond any position in a session; JSON numbers are exact up to here."""

CLIENT_EVENT = tagged(
    "type",
    {
        "session.update": _event({"session": _SESSION}),
        "input_audio_buffer.append": _event({"audio": text()}),
        "input_audio_buffer.commit": _event(),
        "input_audio_buffer.clear": _event(),
        "conversation.item.create": _event({"item": tagged("type", _ITEMS)}, {"previous_item_id": nullable(text(256))}),
        "conversation.item.delete": _event(_ITEM_ID),
        "conversation.item.retrieve": _event(_ITEM_ID),
        "conversation.item.truncate": _event(
            {**_ITEM_ID, "content_index": number(0, _FAR, whole=True), "audio_end_ms": number(0, _FAR, whole=True)}
        ),
        "response.create": _event(optional={"response": nullable(_RESPONSE)}),
        "response.cancel": _event(optional={"response_id": nullable(text(256))}),
    },
)
"""The rule for a whole client event."""
