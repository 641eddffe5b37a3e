"""A server on the network: what becomes of each request is told to that request alone.

The library lets one lost request end the whole connection, and does not tell whether it was sent. Here what goes wrong
below HTTP, and the answers that mean something to us, become errors of the protocol with codes of our own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

import httpx2

NOT_SENT = -33001
"""No connection: the request was not sent."""
LOST = -33002
"""The connection broke: nobody knows whether the request was served."""
REFUSED = -33003
"""The token was not accepted."""
NO_SUCH_PAGE = -33004
"""No server of tools at this address."""
SESSION_GONE = -33005
"""The server has begun anew, and did not take the request."""

MOST_ANSWER_BYTES = 4 * 1024 * 1024
"""Longest answer that is read."""

_SESSION_HEADER = "mcp-session-id"
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 300.0
"""Above any deadline of a call; a stream of events may be silent for long, and is then begun anew."""


def web_client(token: str | None, transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client that sends the token to the server, and asks neither proxies nor the environment."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    inner = transport or httpx2.AsyncHTTPTransport(trust_env=False)
    timeout = httpx2.Timeout(_CONNECT_SECONDS, read=_READ_SECONDS)
    return httpx2.AsyncClient(headers=headers, transport=Telling(inner), timeout=timeout, trust_env=False)


class Telling(httpx2.AsyncBaseTransport):
    """Answers a message whose request failed with an error that says how."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; nothing is raised for a message."""
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return _told(request, NOT_SENT)
        except httpx2.TransportError:
            return _told(request, LOST)
        is_json = response.headers.get("content-type", "").lower().startswith("application/json")
        match response.status_code:
            case 401 | 403:
                code = REFUSED
            case 502 | 503 | 504:  # a proxy's word, which may have lost the answer
                code = LOST
            case 404 if _SESSION_HEADER in request.headers:
                code = SESSION_GONE
            case 404 | 405 if request.method == "POST" and not is_json:
                code = NO_SUCH_PAGE
            case _:
                if is_json and isinstance(response.stream, httpx2.AsyncByteStream):
                    response.stream = _Bounded(response.stream)
                return response
        await response.aclose()
        return _told(request, code)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """A body that breaks off where it is too long."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_ANSWER_BYTES
        async for piece in self._inner:
            left -= len(piece)
            if left < 0:
                raise httpx2.StreamError("The answer is too long.")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


def _told(request: httpx2.Request, code: int) -> httpx2.Response:
    """What the library takes for the server's own error; a request without a message in it has nobody to be told."""
    error: Mapping[str, object] = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "not served"}}
    body = json.dumps(error).encode()
    return httpx2.Response(400, headers={"content-type": "application/json"}, content=body, request=request)
