"""The control socket's language: one JSON object on each line, in both directions.

Requests:

    {"do": "status"}               the snapshot
    {"do": "follow"}               the snapshot, then every event until the client leaves
    {"do": "ask", "text": "…"}     what the assistant says and does, until the turn is over
    {"do": "mute"}                 nothing; changes nothing if it was muted already
    {"do": "unmute"}               nothing; changes nothing if it was not muted
    {"do": "stop"}                 nothing; ends ringing and conversation, if there are any

The answer to each but "follow" ends with {"done": true} or {"error": "one sentence"}.

Events, as the daemon publishes them:

    {"event": "phase", "phase": "listening", "light": "listening", "muted": false}
    {"event": "transcript", "talker": "user" or "assistant", "text": "…"}
    {"event": "tool", "name": "set_timer", …}
    {"event": "answered", "request": 7}     the turn that a text began is over; this ends an "ask"

The snapshot is {"event": "snapshot", …}: what the daemon tells of itself, such as "phase", "light" and "muted".
Clients ignore events and keys that they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST_LINE = 16_384
"""Bytes of one request, newline included."""
COMMANDS = ("ask", "follow", "mute", "status", "stop", "unmute")
DONE: Mapping[str, object] = {"done": True}


def encode(message: Mapping[str, object]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of a line; raises ValueError with one sentence."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested too deeply
        raise ValueError("A line must be one JSON object.") from error
    if not isinstance(message, dict):
        raise ValueError("A line must be one JSON object.")
    return message
