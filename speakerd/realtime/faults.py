"""Why a session ended → the core's fault and one sentence for its owner. Pure.

A sentence names the endpoint and says what to do. It never holds the key, so a server's own words are quoted only
where the fault is not the key, and shortened.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, WebSocketException

from speakerd.core.events import Fault
from speakerd.errors import ProtocolError
from speakerd.realtime import messages_errors
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.received import ErrorReported

_LONGEST_QUOTE = 200
_WRITTEN_SECONDS = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED in openssl/x509_vfy.h.
_NOT_YET_VALID = 9
_EXPIRED = 10


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended that we did not close."""

    fault: Fault
    reason: str
    """One sentence for the owner."""


def not_connected(
    error: OSError | WebSocketException, endpoint: Endpoint, connect_seconds: float, now_seconds: float
) -> Ending:
    """The ending of a connection that did not come about: network, name, TLS, time-out, or refused upgrade.

    `now_seconds` is the time since 1970, as far as this machine knows it.
    """
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return _ending(
            messages_errors.http_fault(status, bytes(error.response.body or b"")), endpoint, f"HTTP {status}"
        )
    if isinstance(error, InvalidHandshake) and not isinstance(error, InvalidMessage):
        return _ending(Fault.REFUSED, endpoint, "it does not speak WebSocket")
    if isinstance(error, ssl.SSLCertVerificationError) and _clock_is_wrong(error, now_seconds):
        date = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%d")
        advice = "wait until timesyncd has set the clock (timedatectl tells), or set it by hand"
        reason = f"{endpoint.where} cannot be trusted because this machine believes that it is {date}: {advice}."
        return Ending(Fault.CLOCK_NOT_SET, reason)
    obstacle, advice = _obstacle(error, endpoint, connect_seconds)
    return Ending(Fault.NO_NETWORK, f"{endpoint.where} could not be reached, {obstacle}: {advice}.")


def _clock_is_wrong(error: ssl.SSLCertVerificationError, now_seconds: float) -> bool:
    """Whether a certificate was refused because this machine does not know the date.

    No certificate of today was valid before this program was written, and none is issued for the future.
    """
    return now_seconds < _WRITTEN_SECONDS or error.verify_code == _NOT_YET_VALID


def _obstacle(error: OSError | WebSocketException, endpoint: Endpoint, connect_seconds: float) -> tuple[str, str]:
    """What stood in the way, and what to do about it."""
    check_server = (
        "restart speakerd and read its log" if endpoint.unix_socket else "check endpoint.url and that the server runs"
    )
    match error:
        case socket.gaierror():
            return "its name is not known", "check the network, and the name server (DNS)"
        case ssl.SSLCertVerificationError(verify_code=code) if code == _EXPIRED:
            return "its certificate has expired", "check the clock with timedatectl, then the server's certificate"
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted", "check endpoint.url, and that nothing stands between"
        case ssl.SSLError():
            return "TLS failed", "check that endpoint.url is right and that the server speaks TLS"
        case TimeoutError():
            return f"nothing came within {connect_seconds:g} s", "check the network"
        case ConnectionRefusedError():
            return "nothing listens there", check_server
        case FileNotFoundError():
            return "its socket does not exist", check_server
        case PermissionError():
            return "access is denied", check_server
        case OSError():
            return _quote(error.strerror or str(error)) or "it hung up", "check the network"
        case _:
            return "it hung up during the handshake", check_server


def silent(endpoint: Endpoint, awaited: str, connect_seconds: float) -> Ending:
    """The ending of a set-up whose deadline passed after the connection stood."""
    reason = f"{endpoint.where} did not confirm {awaited} within {connect_seconds:g} s: try again, or check the server."
    return Ending(Fault.NO_ANSWER, reason)


def stuck(endpoint: Endpoint, seconds: float) -> Ending:
    """The ending of a session in which an answer was begun and not gone on with."""
    return _ending(Fault.NO_ANSWER, endpoint, f"nothing came for {seconds:g} s in the middle of an answer")


def rejected(error: ErrorReported, endpoint: Endpoint) -> Ending:
    """The ending of a session because of an error that it cannot go on after."""
    fault = messages_errors.error_fault(error) or Fault.REFUSED
    return _ending(fault, endpoint, error.code or error.kind, error.message)


def closed(close: ConnectionClosed, endpoint: Endpoint) -> Ending:
    """The ending of a session whose connection was closed, by the other side or by breaking."""
    if close.rcvd is not None and close.rcvd_then_sent is not False:
        code, reason = close.rcvd.code, close.rcvd.reason
        return _ending(messages_errors.close_fault(code, reason), endpoint, f"close code {code}", reason)
    if close.sent is not None and close.sent.code in (1002, 1003, 1007, 1009):
        return _ending(Fault.SERVER_ERROR, endpoint, f"it broke the WebSocket protocol, {close.sent.code}")
    return Ending(Fault.NO_NETWORK, f"The connection to {endpoint.where} broke: check the network.")


def nonsense(error: ProtocolError, endpoint: Endpoint, fault: Fault) -> Ending:
    """The ending of a session in which the server sent what is not the protocol."""
    return _ending(fault, endpoint, _quote(str(error)).rstrip("."))


def unread(endpoint: Endpoint, seconds: float) -> Ending:
    """The ending of a session whose peer takes no more audio."""
    reason = f"{endpoint.where} has not taken {seconds:g} s of audio: check the network, its upload is too slow."
    return Ending(Fault.NO_NETWORK, reason)


def _ending(fault: Fault, endpoint: Endpoint, detail: str, message: str = "") -> Ending:
    # A message about a bad key quotes parts of it.
    quoted = f": {_quote(message)}" if message and fault is not Fault.BAD_KEY else ""
    return Ending(fault, f"{endpoint.where} {_SENTENCES[fault].format(f'({detail}{quoted})')}")


_SENTENCES = {
    Fault.NO_NETWORK: "could not be reached {}: check the network.",
    Fault.BAD_KEY: "refused the API key {}: put a valid one into the file that endpoint.key_file names.",
    Fault.NO_CREDIT: "has no credit or quota left for this key {}: add credit in the provider's console.",
    Fault.REFUSED: "refused the session {}: check endpoint.model, endpoint.voice and endpoint.url.",
    Fault.SERVER_ERROR: "failed {}: try again in a moment.",
    Fault.NO_ANSWER: "did not answer {}: try again in a moment.",
}


def _quote(text: str) -> str:
    """A stranger's words in one short printable line."""
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", text).split())[:_LONGEST_QUOTE]
