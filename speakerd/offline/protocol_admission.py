"""Who gets a session. Pure.

As OpenAI does it, the WebSocket is accepted first and then closed with a code that says why.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, urlsplit

from speakerd.offline.protocol_effects import Close, Send

PATH = "/v1/realtime"
"""Where the endpoint is; another path is answered with HTTP 404 during the handshake."""


def is_endpoint(target: str) -> bool:
    """Whether an HTTP request target names the Realtime endpoint."""
    return urlsplit(target).path == PATH


def model_of(target: str) -> str:
    """The model that the client asks for; empty when it asks for none."""
    return parse_qs(urlsplit(target).query).get("model", [""])[0][:256]


def refusal(target: str, authorization: str, required_key: str | None) -> tuple[Send, Close] | None:
    """What to tell a client that gets no session; None when it gets one."""
    wanted = f"Bearer {required_key}"
    if required_key is not None and not hmac.compare_digest(authorization.encode(), wanted.encode()):
        return _refused("invalid_api_key", "Incorrect API key provided.", 3000)
    if not model_of(target):
        return _refused("missing_model", "You must provide a model parameter.", 4000)
    return None


def _refused(code: str, message: str, close_code: int) -> tuple[Send, Close]:
    kind = "invalid_request_error"
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    event = {"type": "error", "event_id": "event_0", "error": error}
    return Send(event), Close(close_code, f"{kind}.{code}")
