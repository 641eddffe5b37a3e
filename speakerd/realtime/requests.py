"""What we asked a server for: by this its errors are judged, and what it does unasked. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from speakerd.realtime import faults, messages_errors
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.faults import Ending
from speakerd.realtime.received import ErrorReported

_MOST_CREATIONS = 16


class Requests:
    """Our events, by their ids, as far as it matters what becomes of them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._creations: list[str] = []
        self._retelling: frozenset[str] = frozenset()
        self._is_committed = False

    def committed(self) -> None:
        """An utterance was committed, and a response to it not yet asked for."""
        self._is_committed = True

    def must_ask(self) -> bool:
        """Whether a response that is wanted now has to be asked for: some endpoints answer a committed utterance."""
        comes_by_itself = self._is_committed and self._endpoint.dialect.answers_commits
        self._is_committed = False
        return not comes_by_itself

    def created(self) -> None:
        """A response began: the next one has to be asked for."""
        self._is_committed = False

    def asked(self, event_id: str) -> None:
        """This event asked for a response."""
        self._creations = [*self._creations, event_id][-_MOST_CREATIONS:]

    def retold(self, event_ids: Iterable[str]) -> None:
        """These events told what was said in an earlier session."""
        self._retelling = frozenset(event_ids)

    def is_refused(self, error: ErrorReported) -> bool:
        """Whether our request for a response came while another one was active."""
        if error.code != messages_errors.ACTIVE_RESPONSE or not self._creations:
            return False
        return error.event_id in ("", *self._creations)

    def ending(self, error: ErrorReported) -> Ending | None:
        """The ending that an error means; None when the session goes on."""
        if error.code == messages_errors.ACTIVE_RESPONSE or error.event_id in self._retelling:
            return None
        # After an error about our response.create no answer would ever come.
        if error.event_id in self._creations or messages_errors.error_fault(error) is not None:
            return faults.rejected(error, self._endpoint)
        return None
