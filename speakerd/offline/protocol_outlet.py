"""Where a session's protocol puts what it wants done, and where its ids come from. Pure."""

from __future__ import annotations

from typing import Any

from speakerd.offline.protocol_effects import Effect, Send
from speakerd.offline.protocol_shapes import RefusedError


class Outlet:
    """Effects in order, and ids that are unique in the session."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._minted = 0
        self._effects: list[Effect] = []
        self._reserved: set[str] = set()

    def mint(self, kind: str) -> str:
        """A new id, such as item_4f2a00000c."""
        while True:
            self._minted += 1
            minted = f"{kind}_{self._token}{self._minted:06x}"
            if minted not in self._reserved:
                return minted

    def reserve(self, client_id: str) -> None:
        """Never mint this id: a client used it."""
        self._reserved.add(client_id)

    def send(self, event_type: str, **fields: Any) -> None:
        """Send a server event."""
        self._effects.append(Send({"type": event_type, "event_id": self.mint("event"), **fields}))

    def send_error(self, refusal: RefusedError, culprit: str | None, error_type: str = "invalid_request_error") -> None:
        """Send an error event; `culprit` is the `event_id` that the client gave to the event at fault."""
        error = {
            "type": error_type,
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "event_id": culprit,
        }
        self.send("error", error=error)

    def ask(self, effect: Effect) -> None:
        """Ask for something other than an event."""
        self._effects.append(effect)

    def drain(self) -> list[Effect]:
        """The effects since the last time."""
        effects, self._effects = self._effects, []
        return effects
