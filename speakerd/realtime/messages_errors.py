"""The error codes and close codes of the wire, and what each means for the conversation. Pure.

BAD_KEY, NO_CREDIT and REFUSED are fatal: the same would happen again. All other faults are recoverable: a new session
may work. No fault at all is benign: the session goes on. Source: realtime-protocol.md, "Connect" and "Errors".
"""

from __future__ import annotations

import json

from speakerd.core.events import Fault
from speakerd.realtime.received import ErrorReported

ACTIVE_RESPONSE = "conversation_already_has_active_response"
"""Our response.create came while another response was active."""

BENIGN = frozenset(
    {
        ACTIVE_RESPONSE,
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "item_create_duplicate_item_id",
        "invalid_value",  # a truncation longer than the item; a wrong set-up is judged by its event id
    }
)
"""Codes of races that are lost without harm."""

_FAULTS = {
    # Fatal.
    "invalid_api_key": Fault.BAD_KEY,
    "authentication_error": Fault.BAD_KEY,
    "permission_error": Fault.BAD_KEY,
    "insufficient_permissions": Fault.BAD_KEY,
    "account_deactivated": Fault.BAD_KEY,
    "insufficient_quota": Fault.NO_CREDIT,
    "credit_balance_exhausted": Fault.NO_CREDIT,
    "billing_hard_limit_reached": Fault.NO_CREDIT,
    "billing_not_active": Fault.NO_CREDIT,
    "model_not_found": Fault.REFUSED,
    "beta_api_shape_disabled": Fault.REFUSED,
    "unsupported_country_region_territory": Fault.REFUSED,
    # Recoverable.
    "session_expired": Fault.SERVER_ERROR,
    "rate_limit_exceeded": Fault.SERVER_ERROR,
    "session_limit_reached": Fault.SERVER_ERROR,  # speech-to-speech: it serves as many as it can
    "server_error": Fault.SERVER_ERROR,
    "internal_error": Fault.SERVER_ERROR,
}

_CLOSE_FAULTS = {
    1002: Fault.REFUSED,
    1003: Fault.REFUSED,
    1007: Fault.REFUSED,
    1008: Fault.REFUSED,
    1009: Fault.REFUSED,
    1010: Fault.REFUSED,
    3000: Fault.BAD_KEY,
    3003: Fault.BAD_KEY,
    4000: Fault.REFUSED,
    4004: Fault.REFUSED,
}

_HTTP_FAULTS = {401: Fault.BAD_KEY, 403: Fault.BAD_KEY, 408: Fault.SERVER_ERROR, 429: Fault.SERVER_ERROR}


def error_fault(error: ErrorReported) -> Fault | None:
    """What an error means for a session that is up; None when the session goes on."""
    # Some local servers put the code into the type.
    return _FAULTS.get(error.code) or _FAULTS.get(error.kind)


def close_fault(code: int, reason: str) -> Fault:
    """What the server's close frame means; the reason (`type.code`) is read first, as 1013 can also be "no credit"."""
    for word in reversed(reason.split(".")):
        if word in _FAULTS:
            return _FAULTS[word]
    if reason.startswith("invalid_request_error"):
        return Fault.REFUSED
    return _CLOSE_FAULTS.get(code, Fault.SERVER_ERROR)


def http_fault(status: int, body: bytes) -> Fault:
    """What a refused upgrade means: the code in its JSON body is read before the status, as 429 is also "no credit"."""
    code, kind = _body_codes(body)
    named = _FAULTS.get(code) or _FAULTS.get(kind)
    if named is not None:
        return named
    return _HTTP_FAULTS.get(status, Fault.REFUSED if status < 500 else Fault.SERVER_ERROR)


def _body_codes(body: bytes) -> tuple[str, str]:
    try:
        error = json.loads(body)["error"]
        return str(error.get("code")), str(error.get("type"))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return "", ""
