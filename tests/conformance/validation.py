"""Is an event what OpenAI's own types say? Strictly: the right class for its type, no unknown field, no lax conversion.

`openai.types.realtime` is the typed truth. Its models allow extra fields, so that old clients survive new servers; here
an extra field is a mistake of ours. Fields that the real server sends although the types do not know them are listed.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent, ResponseItemReference
from openai.types.realtime.realtime_session_create_response import RealtimeSessionCreateResponse
from pydantic import BaseModel, TypeAdapter

KNOWN_EXTRAS = {
    # Declared in RealtimeSessionCreateResponse, which the event classes do not use.
    "session.id",
    "session.object",
    "session.expires_at",
    # Padding against traffic analysis.
    "obfuscation",
}


def check_server_event(event: Mapping[str, Any]) -> BaseModel:
    """The event as OpenAI's class; raises ValueError (pydantic's or ours) for any other shape."""
    checked = _check(event, RealtimeServerEvent)
    if event["type"] in ("session.created", "session.updated"):
        RealtimeSessionCreateResponse.model_validate(event["session"], strict=True)
    return checked


def check_client_event(event: Mapping[str, Any]) -> BaseModel:
    """The event as OpenAI's class; raises ValueError for any other shape."""
    response = event.get("response")
    if event.get("type") == "response.create" and response and "input" in response:
        event = {**event, "response": {**response, "input": list(_without_references(response["input"]))}}
    return _check(event, RealtimeClientEvent)


def _check(event: Mapping[str, Any], union: Any) -> BaseModel:
    event_type = event.get("type")
    for kind in typing.get_args(typing.get_args(union)[0]):
        if event_type in typing.get_args(kind.model_fields["type"].annotation):
            checked: BaseModel = TypeAdapter(kind).validate_python(dict(event), strict=True)
            _refuse_extras(checked, KNOWN_EXTRAS)
            return checked
    raise ValueError(f"no such event type: {event_type!r}")


def _refuse_extras(model: BaseModel, known: set[str]) -> None:
    extras = set(_extras(model, "")) - known
    if extras:
        raise ValueError(f"fields that OpenAI's types do not have: {sorted(extras)}")


def _extras(value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _extras(inner, path)
    if isinstance(value, BaseModel):
        yield from (f"{path}{key}" for key in value.model_extra or ())
        for name in value.model_fields_set & set(type(value).model_fields):
            yield from _extras(getattr(value, name), f"{path}{name}.")


def _without_references(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        if item.get("type") == "item_reference":
            _refuse_extras(ResponseItemReference.model_validate(item, strict=True), set())
        else:
            yield item
