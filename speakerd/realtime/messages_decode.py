"""What the server says on the wire → `received`. Pure; whatever arrives, nothing but ProtocolError is raised.

Fields that we do not know are ignored, types of events that we do not know become Unknown. What is missing is an error
only where we could not go on without it, because local servers speak subsets of the protocol. Where others have other
names for the same, all are known at once: none of them means something else anywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import cast

from speakerd.core.events import Status
from speakerd.errors import ProtocolError
from speakerd.realtime import messages_usage, received
from speakerd.realtime.received import FunctionCall, ServerMessage

Table = Mapping[str, object]


def decode(raw: str | bytes) -> ServerMessage:
    """The message in one WebSocket frame; raises ProtocolError."""
    return message(parse(raw))


def parse(raw: str | bytes) -> Table:
    """The JSON object in a frame, its "type" being a string; raises ProtocolError."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The server sent a frame that is not JSON: is this a Realtime endpoint?") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise ProtocolError('The server sent JSON without a "type": is this a Realtime endpoint?')
    return event


def message(event: Table) -> ServerMessage:
    """The meaning of a parsed event; raises ProtocolError."""
    kind = cast(str, event["type"])
    read = _READERS.get(_ALIASES.get(kind, kind))
    if read is None:
        return received.Unknown(kind)
    try:
        return read(event)
    except ProtocolError as error:
        raise ProtocolError(f'The server sent a malformed "{kind}": {error}') from error


def _error(event: Table) -> received.ErrorReported:
    return _error_table(_table(event, "error"))


def _error_table(table: Table) -> received.ErrorReported:
    kind, code = _text(table, "type"), _text(table, "code")
    return received.ErrorReported(
        kind=kind,
        # speech-to-speech has the code in the type.
        code=code or ("" if kind in _BROAD else kind),
        message=_text(table, "message"),
        event_id=_text(table, "event_id"),
    )


def _response_done(event: Table) -> received.ResponseDone:
    response = _table(event, "response")
    details = _table_or_empty(response, "status_details")
    error = _table_or_empty(details, "error")
    calls = [_call(item) for item in _tables(response, "output")]
    return received.ResponseDone(
        response_id=_identity(response, "id"),
        status=_status(_text(response, "status")),
        detail=_text(details, "reason"),
        error=_error_table(error) if error else None,
        calls=tuple(call for call in calls if call is not None),
        # xAI has it beside the response.
        usage=messages_usage.response_usage(response.get("usage")) or messages_usage.response_usage(event.get("usage")),
    )


def _status(name: str) -> Status:
    if not name:
        return Status.COMPLETED
    # A status of tomorrow says at least that the response is over.
    return next((status for status in Status if status.value == name), Status.INCOMPLETE)


def _call(item: Table) -> FunctionCall | None:
    """The function call in an item; None when it is something else, or was cut off."""
    if item.get("type") != "function_call" or _text(item, "status") not in ("", "completed"):
        return None
    call_id = _text(item, "call_id") or _identity(item, "id")
    return FunctionCall(call_id, _identity(item, "name"), _text(item, "arguments"))


def _output_item_done(event: Table) -> received.OutputItemDone:
    item = _table(event, "item")
    return received.OutputItemDone(_identity(event, "response_id"), _text(item, "id"), _call(item))


def _audio_delta(event: Table) -> received.AudioDelta:
    try:
        pcm = base64.b64decode(_text(event, "delta"), validate=True)
    except ValueError as error:
        raise ProtocolError('"delta" is not base64.') from error
    return received.AudioDelta(_identity(event, "response_id"), _identity(event, "item_id"), pcm)


def _arguments_done(event: Table) -> received.ArgumentsDone | received.Unknown:
    if not _text(event, "response_id"):
        # xAI does not always say whose they are; the call comes again, in the item and in the response.
        return received.Unknown("response.function_call_arguments.done")
    call = FunctionCall(_identity(event, "call_id"), _text(event, "name"), _text(event, "arguments"))
    return received.ArgumentsDone(_identity(event, "response_id"), call)


def _input_transcribed(event: Table) -> received.InputTranscribed | received.Unknown:
    if event.get("status") == "in_progress":
        # xAI tells with the same name what it has understood up to now.
        return received.Unknown("conversation.item.input_audio_transcription.delta")
    usage = messages_usage.transcription_usage(event.get("usage"))
    return received.InputTranscribed(_text(event, "item_id"), _text(event, "transcript"), usage)


def _rate_limits(event: Table) -> received.RateLimitsUpdated:
    return received.RateLimitsUpdated(
        tuple(
            received.RateLimit(_text(limit, "name"), _count(limit, "remaining"), _number(limit, "reset_seconds"))
            for limit in _tables(event, "rate_limits")
        )
    )


_BROAD = ("invalid_request_error", "server_error", "error")
"""Types of errors that are no codes."""

_ALIASES = {
    # xAI says this, and for long said nothing else, when it accepts a connection.
    "conversation.created": "session.created",
    # speech-to-speech, and all servers that speak the protocol as it was before GA.
    "conversation.item.created": "conversation.item.added",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
}

_READERS: dict[str, Callable[[Table], ServerMessage]] = {
    "session.created": lambda event: received.SessionCreated(),
    "session.updated": lambda event: received.SessionUpdated(),
    "error": _error,
    "input_audio_buffer.speech_started": lambda event: received.SpeechStarted(
        _text(event, "item_id"), _position(event, "audio_start_ms")
    ),
    "input_audio_buffer.speech_stopped": lambda event: received.SpeechStopped(
        _text(event, "item_id"), _position(event, "audio_end_ms")
    ),
    "input_audio_buffer.committed": lambda event: received.Committed(_text(event, "item_id")),
    "response.created": lambda event: received.ResponseCreated(_identity(_table(event, "response"), "id")),
    "response.done": _response_done,
    "response.output_item.added": lambda event: received.OutputItemAdded(
        _identity(event, "response_id"), _text(_table(event, "item"), "id")
    ),
    "response.output_item.done": _output_item_done,
    "response.output_audio.delta": _audio_delta,
    "response.output_audio.done": lambda event: received.AudioDone(
        _identity(event, "response_id"), _identity(event, "item_id")
    ),
    "response.output_audio_transcript.delta": lambda event: received.TranscriptDelta(
        _text(event, "item_id"), _text(event, "delta")
    ),
    "response.output_audio_transcript.done": lambda event: received.TranscriptDone(
        _text(event, "item_id"), _text(event, "transcript")
    ),
    # An answer in text alone is the assistant's words like any other.
    "response.output_text.delta": lambda event: received.TranscriptDelta(
        _text(event, "item_id"), _text(event, "delta")
    ),
    "response.output_text.done": lambda event: received.TranscriptDone(_text(event, "item_id"), _text(event, "text")),
    "conversation.item.added": lambda event: received.ItemAdded(_text(_table_or_empty(event, "item"), "id")),
    "conversation.item.input_audio_transcription.completed": _input_transcribed,
    "conversation.item.input_audio_transcription.failed": lambda event: received.TranscriptionFailed(
        _text(event, "item_id")
    ),
    "response.function_call_arguments.done": _arguments_done,
    "conversation.item.truncated": lambda event: received.ItemTruncated(
        _identity(event, "item_id"), _count(event, "audio_end_ms")
    ),
    "conversation.item.deleted": lambda event: received.ItemDeleted(_text(event, "item_id")),
    "rate_limits.updated": _rate_limits,
}


def _text(table: Table, key: str) -> str:
    """A string; empty when it is missing or null."""
    value = table.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProtocolError(f'"{key}" is not a string.')
    return value


def _identity(table: Table, key: str) -> str:
    """A string without which we could not go on."""
    value = _text(table, key)
    if not value:
        raise ProtocolError(f'"{key}" is missing.')
    return value


def _table(table: Table, key: str) -> Table:
    value = table.get(key)
    if not isinstance(value, dict):
        raise ProtocolError(f'"{key}" is not an object.')
    return value


def _table_or_empty(table: Table, key: str) -> Table:
    return {} if table.get(key) is None else _table(table, key)


def _tables(table: Table, key: str) -> list[Table]:
    values = table.get(key)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ProtocolError(f'"{key}" is not a list of objects.')
    return values


def _number(table: Table, key: str) -> float:
    value = table.get(key)
    return value if isinstance(value, int | float) and value >= 0 else 0


def _count(table: Table, key: str) -> int:
    """A whole number that is not negative; 0 when the server has no such number."""
    value = table.get(key)
    return value if isinstance(value, int) and value >= 0 else 0


def _position(table: Table, key: str) -> int | None:
    """A place in milliseconds; None when the server has none."""
    value = table.get(key)
    return value if isinstance(value, int) and value >= 0 else None
