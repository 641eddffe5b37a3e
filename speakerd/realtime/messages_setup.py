"""The session object of the set-up, as each dialect wants it. Pure; equal endpoints and tools give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint, TurnDetection

Table = dict[str, object]

_PCM = {"type": "audio/pcm", "rate": 24_000}


def session(endpoint: Endpoint, tools: Sequence[ToolSpec]) -> Mapping[str, object]:
    """The whole set-up of a session: audio in and out at 24 kHz, and what the endpoint is asked for.

    Without `endpoint.turns` the server finds no turns and answers nothing by itself: we commit each utterance and ask.
    With `endpoint.phrases`, each tool's parameters carry its example phrases as the JSON Schema annotation "x-phrases".
    """
    offered = [_tool(tool, endpoint.phrases) for tool in sorted(tools, key=lambda tool: tool.name)]
    common: Table = {"instructions": endpoint.instructions, "tools": offered, **_thinking(endpoint)}
    return _flat(endpoint, common) if endpoint.dialect.is_flat else _nested(endpoint, common)


def _nested(endpoint: Endpoint, common: Table) -> Table:
    """OpenAI's GA shape, less what the dialect does not know."""
    dialect = endpoint.dialect
    hearing: Table = {"format": _PCM, "turn_detection": _turn_detection(endpoint), **_transcription(endpoint)}
    if dialect.cleans_input:
        hearing["noise_reduction"] = endpoint.noise_reduction and {"type": endpoint.noise_reduction}
    speaking = {"format": _PCM, "voice": endpoint.voice} if endpoint.voice else {"format": _PCM}
    table: Table = {
        **common,
        "type": "realtime",
        "output_modalities": ["audio"],
        "tool_choice": "auto",
        "audio": {"input": hearing, "output": speaking},
    }
    if endpoint.model:
        table["model"] = endpoint.model
    if endpoint.max_output_tokens:
        table["max_output_tokens"] = endpoint.max_output_tokens
    if dialect.retains:
        # Drops history in large steps, so that the cached beginning stays valid for many turns.
        table["truncation"] = {"type": "retention_ratio", "retention_ratio": endpoint.retention_ratio}
    return table


def _flat(endpoint: Endpoint, common: Table) -> Table:
    """XAI's shape: voice and turn detection at the top level; the model is in the URL alone."""
    hearing: Table = {"format": _PCM}
    if endpoint.language:
        hearing["transcription"] = {"language_hint": endpoint.language}
    table: Table = {
        **common,
        "turn_detection": _turn_detection(endpoint),
        "audio": {"input": hearing, "output": {"format": _PCM}},
    }
    if endpoint.voice:
        table["voice"] = endpoint.voice
    return table


def _transcription(endpoint: Endpoint) -> Table:
    """The field that says how the input is written down; none where the server does as it likes."""
    if endpoint.dialect.names_transcription and not endpoint.transcribes:
        return {"transcription": None}
    wanted = {"model": endpoint.transcription_model, "language": endpoint.language}
    said = {key: value for key, value in wanted.items() if value}
    return {"transcription": said} if said else {}


def _turn_detection(endpoint: Endpoint) -> Table | None:
    turns = endpoint.turns
    if turns is None:
        return None
    if turns.by_meaning and endpoint.dialect.finds_meaning:
        found: Table = {"type": "semantic_vad", "eagerness": turns.eagerness}
    else:
        found = _by_silence(turns)
    # xAI always answers, and always breaks off: it has no words for it.
    answers = {} if endpoint.dialect.is_flat else {"create_response": True, "interrupt_response": turns.interrupts}
    return {**found, **answers}


def _by_silence(turns: TurnDetection) -> Table:
    sure = {"threshold": turns.threshold} if turns.threshold else {}
    return {
        "type": "server_vad",
        "prefix_padding_ms": turns.prefix_ms,
        "silence_duration_ms": turns.silence_ms,
        **sure,
    }


def _thinking(endpoint: Endpoint) -> Table:
    """What only models that reason may be told; others refuse the whole set-up for it."""
    if not endpoint.thinks or not endpoint.reasoning_effort:
        return {}
    return {"reasoning": {"effort": endpoint.dialect.efforts[endpoint.reasoning_effort]}}


def _without_examples(parameters: Mapping[str, object]) -> Table:
    """Whoever takes no phrases knows other words than the examples of them, and is paid for every token."""
    properties = parameters.get("properties")
    if not isinstance(properties, Mapping):
        return dict(parameters)
    bare = {
        name: {key: value for key, value in schema.items() if key != "examples"}
        if isinstance(schema, Mapping)
        else schema
        for name, schema in properties.items()
    }
    return {**parameters, "properties": bare}


def _tool(tool: ToolSpec, phrases: bool) -> Table:
    if phrases:
        parameters = {**tool.parameters, **({"x-phrases": list(tool.phrases)} if tool.phrases else {})}
    else:
        parameters = _without_examples(tool.parameters)
    return {"type": "function", "name": tool.name, "description": tool.description, "parameters": parameters}
