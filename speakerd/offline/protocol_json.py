"""A client's message as a JSON object, or a refusal: whatever comes, nothing else is raised. Pure."""

from __future__ import annotations

import json
import math

from speakerd.offline.protocol_session import Wire
from speakerd.offline.protocol_shapes import RefusedError


def decoded(message: str | bytes) -> Wire:
    """The JSON object in a text message; raises RefusedError."""
    if isinstance(message, bytes):
        raise RefusedError(
            "invalid_value", "Binary messages are not supported: send each event as JSON in a text message."
        )
    try:
        value = json.loads(message, parse_constant=_no_constant, parse_float=_finite)
        if "\\ud" in message or "\\uD" in message:
            # Half a surrogate pair is fine for JSON, but no program can be given it as text.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        wording = "We could not parse the JSON body of your event: each event must be one JSON object."
        raise RefusedError("invalid_json", wording) from None
    if not isinstance(value, dict):
        raise RefusedError("invalid_json", "Each event must be a JSON object.")
    return value


def event_id_of(event: Wire) -> str | None:
    """The id that the client gave to its event, to name it in an error."""
    event_id = event.get("event_id")
    return event_id[:512] if isinstance(event_id, str) else None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(digits)
    return value
