"""How errors are judged by the event that they name, and when a response need not be asked for."""

from __future__ import annotations

import pytest

from speakerd.core.events import Fault
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.messages_dialects import LOCALAI, OPENAI, Dialect
from speakerd.realtime.received import ErrorReported
from speakerd.realtime.requests import Requests

BUSY = "conversation_already_has_active_response"


def requests(dialect: Dialect = OPENAI) -> Requests:
    return Requests(Endpoint("e", "ws://lan/", {}, "m", dialect=dialect))


@pytest.mark.parametrize(
    ("code", "kind", "event_id", "refused", "fault"),
    [
        ("invalid_value", "invalid_request_error", "told", False, None),
        ("server_error", "server_error", "told", False, None),
        ("", "server_error", "", False, Fault.SERVER_ERROR),
        ("session_expired", "invalid_request_error", "", False, Fault.SERVER_ERROR),
        ("invalid_value", "invalid_request_error", "asked", False, Fault.REFUSED),
        ("invalid_value", "invalid_request_error", "other", False, None),
        ("insufficient_quota", "insufficient_quota", "other", False, Fault.NO_CREDIT),
        (BUSY, "invalid_request_error", "asked", True, None),
        (BUSY, "invalid_request_error", "", True, None),
        (BUSY, "invalid_request_error", "other", False, None),
    ],
)
def test_an_error(code: str, kind: str, event_id: str, refused: bool, fault: Fault | None) -> None:
    ours = requests()
    ours.asked("asked")
    ours.retold({"told"})
    error = ErrorReported(kind, code, "", event_id)
    ending = ours.ending(error)
    assert (ending and ending.fault) == fault
    assert ours.is_refused(error) is refused


def test_nothing_was_asked_for_that_could_be_refused() -> None:
    assert not requests().is_refused(ErrorReported("invalid_request_error", BUSY, "", ""))


def test_memory_is_bounded() -> None:
    ours = requests()
    for n in range(1000):
        ours.asked(f"e{n}")
    assert ours.is_refused(ErrorReported("", BUSY, "", "e999"))
    assert not ours.is_refused(ErrorReported("", BUSY, "", "e0"))


@pytest.mark.parametrize(("dialect", "asks"), [(OPENAI, [True, True, True]), (LOCALAI, [False, True, True])])
def test_some_servers_answer_what_is_committed(dialect: Dialect, asks: list[bool]) -> None:
    ours = requests(dialect)
    ours.committed()
    asked = [ours.must_ask(), ours.must_ask()]
    ours.committed()
    ours.created()
    assert [*asked, ours.must_ask()] == asks
