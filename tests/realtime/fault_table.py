"""The faults by what they may cost: nothing, a moment, or the owner's help; each with a name."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fault_kinds import (
    AfterLongOne,
    Before,
    CloseWith,
    Cut,
    Delay,
    FailResponse,
    Fault,
    HalfOpen,
    Http,
    InFragments,
    Raw,
    SendError,
    Silent,
    SlowReader,
    Swapped,
    Twice,
    Wire,
    error,
)

SECRET = "sk-zebra-0123456789"  # noqa: S105 - opens nothing
"""The key in this story; a server quotes it in what it says about it."""

_EVENT_OF_TOMORROW = json.dumps({"type": "response.output_smell.delta", "event_id": "x", "delta": "AAAA"})

BENIGN: Mapping[str, Wire] = {
    "cancel, none active": error("response_cancel_not_active"),
    "commit of nothing": error("input_audio_buffer_commit_empty"),
    "response active": error("conversation_already_has_active_response"),
    "truncated too long": error("invalid_value", message="Audio content of 2650ms is already shorter than 9100ms"),
    "truncated what is gone": error("item_truncate_invalid_item_id"),
    "deleted what is gone": error("item_delete_invalid_item_id"),
    "doubled item": error("item_create_duplicate_item_id"),
    "an error of tomorrow": error("zeal_exceeded", kind="tomorrow_error"),
}
"""Errors after which the session goes on."""

HARMLESS: Mapping[str, Fault] = {"doubled": Twice(), "after the next": Swapped(), "late": Delay(2.0)}
"""Nobody notices them, except for the time that they take; like all that follow, but for those that are ALSO_, they are
shown at every step."""

ALSO_HARMLESS: Mapping[str, Fault] = {
    "an event of tomorrow": Before(_EVENT_OF_TOMORROW),
    "a message of 15 MiB": AfterLongOne(15),
    "in fragments": InFragments(),
    "reads slowly": SlowReader(2.0),
}

_EXPIRED = error("session_expired", message="Your session hit the maximum duration of 60 minutes.")

BREAKING: Mapping[str, Fault] = {
    "line cut": Cut(),
    "60 minutes": CloseWith(1001, "Your session hit the maximum duration of 60 minutes.", _EXPIRED),
    "failed response": FailResponse("server_error"),
}
"""The session cannot go on, another one can."""

ALSO_BREAKING: Mapping[str, Fault] = {
    "closed by an error": CloseWith(1011, "internal error"),
    "server error": SendError(error("server_error", kind="server_error")),
    "rate limit": FailResponse("rate_limit_exceeded"),
    "closed for maintenance": CloseWith(1012),
    "closed without a reason": CloseWith(1000),
    "overloaded": CloseWith(1013, "server_error.overloaded"),
    "a message of more than 16 MiB": AfterLongOne(16),
}

NONSENSE: Mapping[str, Fault] = {
    "garbage": Before("{"),
    "not UTF-8": Before(Raw(b'{"type": "\xff\xfe"}')),
    "JSON that is no event": Before("[]"),
}

DUMB: Mapping[str, Fault] = {
    "silent": Silent(),
    "half-open": HalfOpen(),
    "very late": Delay(120.0),
}
"""Nothing comes any more; only time tells."""

FATAL: Mapping[str, Fault] = {
    "bad key": CloseWith(
        3000,
        "invalid_request_error.invalid_api_key",
        error("invalid_api_key", message=f"Incorrect API key provided: {SECRET}."),
    ),
}
"""The same endpoint would only say it again."""

ALSO_FATAL: Mapping[str, Fault] = {
    "no credit": CloseWith(1013, "insufficient_quota.insufficient_quota"),
    "no credit, as an error": SendError(error("insufficient_quota", kind="insufficient_quota")),
    "no such model": CloseWith(4004, "invalid_request_error.model_not_found"),
}

FOR_EVER: Mapping[str, Fault] = {"line cut": Cut()}

UPGRADES: Mapping[str, Fault] = {
    "401": Http(401, json.dumps({"error": {"code": "invalid_api_key", "message": SECRET}})),
    "403": Http(403),
    "404": Http(404),
    "429, no credit": Http(429, json.dumps({"error": {"code": "insufficient_quota"}})),
    "429": Http(429),
    "500": Http(500),
    "503": Http(503, "<html>no</html>"),
}
"""Refusals of the upgrade."""
