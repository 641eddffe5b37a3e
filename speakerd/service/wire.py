"""The control socket's language: one JSON object on each line, in both directions.

Requests:

    {"do": "status"}               the snapshot
    {"do": "follow"}               the snapshot, then every event until the client leaves
    {"do": "ask", "text": "…", "aloud": true}
                                   what the assistant says and does, until the turn is over; "aloud" may be left out,
                                   and false means that the answer is text alone
    {"do": "say", "text": "…"}     nothing; the speaker says it in its own voice as soon as nothing else goes on, and
                                   this ends when it has been heard; with "everywhere": true the other speakers of the
                                   home say it, too, and if they cannot be told nobody does
    {"do": "retry"}                nothing; endpoints that were given up are tried again
    {"do": "mute"}                 nothing; changes nothing if it was muted already
    {"do": "unmute"}               nothing; changes nothing if it was not muted
    {"do": "stop"}                 nothing; ends ringing and conversation, if there are any
    {"do": "volume", "percent": 40} or {"do": "volume", "by": -10}
                                   {"event": "volume", "percent": 40}: how loud it is then; with neither it only tells
    {"do": "tools"}                {"event": "tools", "tools": […]}: what a model may call now, see below
    {"do": "scores"}               the snapshot, then a "score" for each frame of 80 ms until the client leaves
    {"do": "tune", "word": "hey_jarvis", "threshold": 0.6}
                                   nothing; changes the detection until the next restart

A "tune" has one or more of "threshold" (0.01 to 1), "night_threshold" (0 to 1; 0 means as by day) and "voice_gate"
(true or false); without a "word" it means the first one.

The answer to each but "follow" and "scores" ends with {"done": true} or {"error": "one sentence"}.

Events, as the daemon publishes them:

    {"event": "phase", "phase": "listening", "light": "listening", "muted": false}
    {"event": "transcript", "talker": "user" or "assistant", "text": "…"}
    {"event": "tool", "name": "set_timer", …}
    {"event": "answered", "request": 7}     the turn that a text began, or what was to be said, is over

To those alone who asked for "scores":

    {"event": "score", "scores": {"hey_jarvis": 0.02}, "thresholds": {"hey_jarvis": 0.5}, "end_sample": 1280,
     "level_dbfs": -41.5, "detected": null or "hey_jarvis"}

A tool is {"name": "set_light", "description": "…", "verdict": "allow", "confirm", "button" or "deny"} with "rules",
those for some calls that go before it: [{"verdict": "deny", "where": ["domain=switch"], "unless": ["name=a|b"]}].

The snapshot is {"event": "snapshot", …}: what the daemon tells of itself, such as "phase", "light", "muted",
and of its sound, as far as that is known: "volume_percent", "mic_frame_age_seconds", "frames", "overruns",
"underruns", "restarts" (of the sound card's process), "capture_ppm" (how much faster than its nominal rate the card
runs), "echo_delay_ms", ….
It has "endpoint", the name of the one that serves or would serve next (null if the budget allows none), and of all

    "endpoints": [{"name": "openai", "state": "up", "down", "given up" or "over budget", "fault": null or "bad key"}]
    "budget": {"day": "2026-11-26", "today_usd": 0.41, "month_usd": 5.1, "conversation_usd": 0.02,
               "caps": {"warning_usd": null, "today_usd": 1.0, "month_usd": 20.0, "conversation_usd": null}}
    "servers": [{"name": "home", "state": "connecting", "up" or "down", "tools": 11, "reason": "" or why it is down}]

where null means that nothing is known or limited, and "announcing": whether something is said in its own voice.
Clients ignore events and keys that they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

LONGEST_LINE = 16_384
"""Bytes of one request, newline included."""
LONGEST_SAID = 2000
"""Characters that are spoken on one request: two or three minutes."""
COMMANDS = ("ask", "follow", "mute", "retry", "say", "scores", "status", "stop", "tools", "tune", "unmute", "volume")
DONE: Mapping[str, object] = {"done": True}
LOWEST_DBFS = -100.0
"""What the level of silence is on the wire: JSON has no infinity."""


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


def text_refusal(request: Mapping[str, object]) -> str | None:
    """What is wrong with an "ask" or a "say", in one sentence; None if nothing is."""
    text = request.get("text")
    if not isinstance(text, str) or not text.strip():
        return f'{"An" if request["do"] == "ask" else "A"} "{request["do"]}" needs a "text" that is not empty.'
    if request["do"] == "ask" and not isinstance(request.get("aloud", True), bool):
        return '"aloud" must be true or false.'
    if request["do"] == "say" and not isinstance(request.get("everywhere", False), bool):
        return '"everywhere" must be true or false.'
    if request["do"] == "say" and len(text) > LONGEST_SAID:
        return f"At most {LONGEST_SAID} characters can be said at once, and these are {len(text)}: say them in parts."
    return None


def text_of(request: Mapping[str, Any]) -> str:
    """The text of an "ask" or a "say" that is right; JSON can hold halves of characters, which nobody else can."""
    return str(request["text"]).strip().encode(errors="replace").decode()


def volume_refusal(change: Mapping[str, object]) -> str | None:
    """What is wrong with a "volume", its "do" aside, in one sentence; None if nothing is."""
    match change:
        case {"percent": int(level)} if len(change) == 1 and _is_number(level, 0, 100):
            return None
        case {"by": int(level)} if len(change) == 1 and _is_number(level, -100, 100):
            return None
    return None if not change else 'A "volume" needs a "percent" from 0 to 100, or a "by" from -100 to 100.'


def tune_refusal(changes: Mapping[str, object]) -> str | None:
    """What is wrong with a "tune", its "do" aside, in one sentence; None if nothing is."""
    if not changes.keys() & (_TUNABLE.keys() - {"word"}):
        return 'A "tune" needs a "threshold", a "night_threshold" or a "voice_gate".'
    for key, value in changes.items():
        if key not in _TUNABLE:
            return f'A "tune" cannot change "{key}".'
        is_right, wanted = _TUNABLE[key]
        if not is_right(value):
            return f'"{key}" must be {wanted}.'
    return None


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


_TUNABLE: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "word": (lambda value: isinstance(value, str), "the name of a wake word"),
    "threshold": (lambda value: _is_number(value, 0.01, 1), "a number from 0.01 to 1"),
    "night_threshold": (lambda value: _is_number(value, 0, 1), "a number from 0 to 1; 0 means as by day"),
    "voice_gate": (lambda value: isinstance(value, bool), "true or false"),
}
"""For each key whether a value is right, and what is."""
