"""What one session is to pay for: each response and each transcription once, however it ends. Pure.

A response whose end is never told costs money all the same: it is estimated from the sound that went both ways.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from speakerd.core.usage import Billed, Usage
from speakerd.realtime import received
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.received import FunctionCall, ServerMessage

LOST = "lost"
"""In the place of a status: the connection broke before the response was over."""

_BYTES_PER_SECOND = 48_000
_TOKENS_PER_SECOND_IN = 10
_TOKENS_PER_SECOND_OUT = 20
_REMEMBERED = 256


@dataclass(slots=True)
class _Response:
    heard_bytes: int
    """Sound of the user's, sent since the response before."""
    sound_bytes: int = 0
    calls: dict[str, str] = field(default_factory=dict)
    """Names by call id."""

    def note(self, call: FunctionCall) -> None:
        if call.name:
            self.calls[call.call_id] = call.name

    def estimate(self) -> Usage:
        return Usage(
            audio_in=_tokens(self.heard_bytes, _TOKENS_PER_SECOND_IN),
            audio_out=_tokens(self.sound_bytes, _TOKENS_PER_SECOND_OUT),
        )


class Billing:
    """Turns messages into what is to be booked."""

    def __init__(self, session: int, root: int, endpoint: Endpoint) -> None:
        self._session = session
        self._root = root
        self._endpoint = endpoint
        self._heard_bytes = 0
        self._open: dict[str, _Response] = {}
        self._booked: dict[str, None] = {}

    def sent(self, count_bytes: int) -> None:
        """Count sound that was sent: mono 16-bit PCM at 24 kHz."""
        self._heard_bytes += count_bytes

    def take(self, message: ServerMessage) -> Billed | None:
        """What is to be booked because of a message."""
        match message:
            case received.ResponseCreated(response_id):
                self._response(response_id)
            case received.AudioDelta(response_id, _, pcm):
                self._response(response_id).sound_bytes += len(pcm)
            case received.ArgumentsDone(response_id, call) | received.OutputItemDone(
                response_id, _, FunctionCall() as call
            ):
                self._response(response_id).note(call)
            case received.ResponseDone():
                return self._end(message)
            case received.InputTranscribed(item_id, usage=Usage() as usage) if self._is_new(item_id):
                model = self._endpoint.transcription_model
                return self._billed(item_id, "transcription", model, usage)
        return None

    def lost(self) -> list[Billed]:
        """What is to be booked when nothing more can come; nothing the second time."""
        lost = [self._estimated(response_id, response, LOST) for response_id, response in self._open.items()]
        self._open.clear()
        return lost

    def _end(self, done: received.ResponseDone) -> Billed | None:
        response = self._response(done.response_id)
        if not self._is_new(done.response_id):
            return None
        self._open.pop(done.response_id, None)
        for call in done.calls:
            response.note(call)
        if done.usage is None:
            return self._estimated(done.response_id, response, done.status.value)
        billed = self._billed(done.response_id, "response", self._endpoint.model, done.usage)
        return replace(billed, status=done.status.value, tools=tuple(response.calls.values()))

    def _response(self, response_id: str) -> _Response:
        """What is known of a response; of one that was booked already nothing is kept."""
        if response_id in self._open or response_id in self._booked:
            return self._open.get(response_id) or _Response(0)
        response = self._open[response_id] = _Response(self._heard_bytes)
        self._heard_bytes = 0
        return response

    def _is_new(self, billed_id: str) -> bool:
        """Whether something was not booked before; from now on it was."""
        if billed_id in self._booked:
            return False
        self._booked[billed_id] = None
        while len(self._booked) > _REMEMBERED:
            del self._booked[next(iter(self._booked))]
        return True

    def _estimated(self, response_id: str, response: _Response, status: str) -> Billed:
        billed = self._billed(response_id, "response", self._endpoint.model, response.estimate())
        return replace(billed, status=status, tools=tuple(response.calls.values()), estimated=True)

    def _billed(self, billed_id: str, kind: Literal["response", "transcription"], model: str, usage: Usage) -> Billed:
        return Billed(
            session=self._session,
            continues_root=self._root,
            endpoint=self._endpoint.name,
            model=model,
            response_id=billed_id,
            kind=kind,
            usage=usage,
            bills=self._endpoint.bills,
        )


def _tokens(count_bytes: int, tokens_per_second: int) -> int:
    """Tokens of so much sound, the last one begun counted whole."""
    return -(-count_bytes * tokens_per_second // _BYTES_PER_SECOND)
