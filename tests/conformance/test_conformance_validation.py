"""The validator itself: what it must let through and what it must not."""

from __future__ import annotations

from typing import Any

import pytest

from validation import check_client_event, check_server_event

Wire = dict[str, Any]

DELTA: Wire = {
    "type": "response.output_audio.delta",
    "event_id": "e",
    "response_id": "r",
    "item_id": "i",
    "output_index": 0,
    "content_index": 0,
    "delta": "AAAA",
}
MESSAGE: Wire = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
ADDED: Wire = {"type": "conversation.item.added", "event_id": "e", "item": MESSAGE, "previous_item_id": None}
SESSION: Wire = {"type": "realtime", "object": "realtime.session", "id": "s"}
CREATED: Wire = {"type": "session.created", "event_id": "e", "session": SESSION}
REFERENCE: Wire = {"type": "item_reference", "id": "i"}
ASK: Wire = {"type": "response.create", "response": {"input": [REFERENCE, MESSAGE]}}


@pytest.mark.parametrize("event", [DELTA, {**DELTA, "obfuscation": "x"}, ADDED, CREATED])
def test_server_events_that_are_right(event: Wire) -> None:
    assert check_server_event(event).type == event["type"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {**DELTA, "type": "response.audio.delta"},
        {**DELTA, "item_id": None},
        {**DELTA, "output_index": "0"},
        {**DELTA, "delta": b"AAAA"},
        {**DELTA, "extra": 1},
        {key: value for key, value in DELTA.items() if key != "event_id"},
        {**ADDED, "item": {**MESSAGE, "role": "robot"}},
        {**ADDED, "item": {**MESSAGE, "content": [{"type": "audio"}]}},
        {**ADDED, "item": {**MESSAGE, "mood": "good"}},
        {**ADDED, "item": {**MESSAGE, "content": [{"type": "output_text", "texts": "x"}]}},
        {**CREATED, "session": {**SESSION, "object": "session"}},
        {**CREATED, "session": {**SESSION, "voice": "marin"}},
        {"type": "response.create"},
    ],
)
def test_server_events_that_are_wrong(event: Wire) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_server_event(event)


@pytest.mark.parametrize("event", [ASK, {"type": "response.create"}, {"type": "response.cancel", "response_id": "r"}])
def test_client_events_that_are_right(event: Wire) -> None:
    assert check_client_event(event).type == event["type"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.created"},
        {"type": "response.cancel", "id": "r"},
        {"type": "response.create", "response": {"input": [{**REFERENCE, "x": 1}]}},
        {"type": "response.create", "response": {"modalities": ["audio"]}},
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 1.5},
    ],
)
def test_client_events_that_are_wrong(event: Wire) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_client_event(event)
