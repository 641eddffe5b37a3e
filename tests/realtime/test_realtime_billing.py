"""What is booked: each response and each transcription once, however it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.core.events import Status
from speakerd.core.usage import Billed, Usage
from speakerd.realtime import received
from speakerd.realtime.billing import Billing
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.received import FunctionCall, ServerMessage

OPENAI = Endpoint("openai", "wss://host/", {}, "gpt-x", transcription_model="gpt-t")
USAGE = Usage(text_in=9, audio_in=20, cached_audio_in=5, text_out=3, audio_out=40)
BOOKED = Billed(4, 2, "openai", "gpt-x", "r1", "response", USAGE)
CLOCK, TIMER = FunctionCall("c1", "clock", "{}"), FunctionCall("c2", "timer", "{}")
SECOND = bytes(48_000)


def done(
    response_id: str = "r1",
    status: Status = Status.COMPLETED,
    calls: tuple[FunctionCall, ...] = (),
    usage: Usage | None = USAGE,
) -> received.ResponseDone:
    return received.ResponseDone(response_id, status, "", None, calls, usage)


def estimate(status: str, seconds_in: int, seconds_out: int, **more: object) -> Billed:
    usage = Usage(audio_in=10 * seconds_in, audio_out=20 * seconds_out)
    return replace(BOOKED, usage=usage, status=status, estimated=True, **more)  # type: ignore[arg-type]


STORIES: list[tuple[str, list[ServerMessage | int], list[Billed]]] = [
    ("nothing", [5], []),
    ("a response", [received.ResponseCreated("r1"), done()], [BOOKED]),
    ("its end told twice", [done(), done()], [BOOKED]),
    ("a response of which only the end is told", [done()], [BOOKED]),
    ("cut off by the user", [done(status=Status.CANCELLED)], [replace(BOOKED, status="cancelled")]),
    (
        "the tools that it called, once each",
        [
            received.ArgumentsDone("r1", FunctionCall("c1", "", "{}")),
            received.OutputItemDone("r1", "i1", CLOCK),
            received.OutputItemDone("r1", "i2", None),
            received.ArgumentsDone("r1", CLOCK),
            done(calls=(CLOCK, TIMER)),
        ],
        [replace(BOOKED, tools=("clock", "timer"))],
    ),
    (
        "a server that does not count",
        [3, received.ResponseCreated("r1"), received.AudioDelta("r1", "i1", SECOND * 2), done(usage=None)],
        [estimate("completed", 3, 2)],
    ),
    (
        "the connection breaks in the answer",
        [
            *(3, received.ResponseCreated("r1"), 4, received.AudioDelta("r1", "i1", SECOND)),
            *(received.AudioDelta("r1", "i2", SECOND), received.ArgumentsDone("r1", CLOCK)),
        ],
        [estimate("lost", 3, 2, tools=("clock",))],
    ),
    (
        "a second begun is paid whole",
        [received.AudioDelta("r1", "i1", SECOND + b"\1\1")],
        [replace(estimate("lost", 0, 1), usage=Usage(audio_out=21))],
    ),
    (
        "sound counts for the response that follows it",
        [
            *(3, received.ResponseCreated("r0"), done("r0"), 2, received.ResponseCreated("r1")),
            received.ResponseCreated("r1"),
        ],
        [replace(BOOKED, response_id="r0"), estimate("lost", 2, 0)],
    ),
    ("what comes late of a response", [done(), received.AudioDelta("r1", "i1", SECOND)], [BOOKED]),
    (
        "a transcription by tokens, told twice",
        [received.InputTranscribed("u1", "hello", Usage(audio_in=7))] * 2,
        [replace(BOOKED, model="gpt-t", response_id="u1", kind="transcription", usage=Usage(audio_in=7))],
    ),
    (
        "a transcription by time",
        [received.InputTranscribed("u1", "", Usage(seconds=1.5)), received.InputTranscribed("u2", "free")],
        [replace(BOOKED, model="gpt-t", response_id="u1", kind="transcription", usage=Usage(seconds=1.5))],
    ),
]


@pytest.mark.parametrize(("story", "booked"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_what_is_booked(story: list[ServerMessage | int], booked: list[Billed]) -> None:
    billing = Billing(4, 2, OPENAI)
    found = []
    for told in story:
        if isinstance(told, int):
            billing.sent(told * len(SECOND))
        elif (billed := billing.take(told)) is not None:
            found.append(billed)
    assert found + billing.lost() == booked
    assert billing.lost() == []


def test_what_costs_nothing_is_booked_as_that() -> None:
    billed = Billing(1, 1, replace(OPENAI, bills=False)).take(done())
    assert billed is not None
    assert not billed.bills


def test_memory_is_bounded() -> None:
    billing = Billing(1, 1, OPENAI)
    assert sum(billing.take(done(f"r{n}")) is not None for n in range(1000)) == 1000
    assert len(billing._booked) == 256
    assert not billing._open
