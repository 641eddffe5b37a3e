"""Laws of what one session remembers: whatever the order of messages, each item is opened, fed and ended in turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core import events
from speakerd.core.events import Status
from speakerd.realtime import received
from speakerd.realtime.received import FunctionCall, ServerMessage
from speakerd.realtime.responses import Finish, Play, Responses, Unheard

RESPONSE_IDS = st.sampled_from(["r1", "r2"])
ITEM_IDS = st.sampled_from(["i1", "i2", "i3"])
CALLS = st.builds(FunctionCall, st.sampled_from(["c1", "c2"]), st.just("clock"), st.sampled_from(["{}", "{"]))
DONES = st.builds(
    received.ResponseDone,
    RESPONSE_IDS,
    st.sampled_from(Status),
    st.just(""),
    st.none(),
    st.lists(CALLS, max_size=2).map(tuple),
    st.none(),
)
MESSAGES: st.SearchStrategy[ServerMessage] = st.one_of(
    st.builds(received.AudioDelta, RESPONSE_IDS, ITEM_IDS, st.binary(max_size=5)),
    st.builds(received.AudioDone, RESPONSE_IDS, ITEM_IDS),
    st.builds(received.OutputItemDone, RESPONSE_IDS, ITEM_IDS, st.none() | CALLS),
    st.builds(received.ArgumentsDone, RESPONSE_IDS, CALLS),
    DONES,
)


@given(st.lists(MESSAGES, max_size=30))
def test_any_order_of_messages(messages: list[ServerMessage]) -> None:
    responses = Responses(1)
    happenings = [happening for message in messages for happening in responses.take(message)]
    happenings += responses.finish_all()
    sounding: set[str] = set()
    ended: set[str] = set()
    samples: dict[str, int] = {}
    for before, happening in zip([None, *happenings], happenings, strict=False):
        match happening:
            case events.AnswerStarted(item_id=item_id, response_id=response_id):
                assert item_id not in sounding
                assert response_id not in ended
                sounding.add(item_id)
            case Play(item_id, pcm):
                assert item_id in sounding
                assert pcm
                assert len(pcm) % 2 == 0
                samples[item_id] = samples.get(item_id, 0) + len(pcm) // 2
            case Finish(item_id):
                sounding.remove(item_id)
            case events.ResponseEnded(response_id=response_id):
                ended.add(response_id)
        if isinstance(before, events.AnswerStarted):
            assert isinstance(happening, Play)
            assert happening.item_id == before.item_id
    assert not sounding
    calls = [happening.call_id for happening in happenings if isinstance(happening, events.ToolCalled)]
    assert len(calls) == len(set(calls))
    assert all(responses.truncation_ms(item, 10**9) == count // 24 for item, count in samples.items())


@given(st.lists(st.binary(max_size=7), max_size=20))
def test_no_byte_of_an_item_is_lost(pieces: list[bytes]) -> None:
    responses = Responses(1)
    played = b""
    for piece in pieces:
        for happening in responses.take(received.AudioDelta("r", "i", piece)):
            if isinstance(happening, Play):
                played += happening.pcm
    whole = b"".join(pieces)
    assert played == whole[: len(whole) & ~1]


def test_memory_is_bounded() -> None:
    responses = Responses(1)
    for n in range(1000):
        responses.take(received.AudioDelta(f"r{n}", f"i{n}", bytes(480)))
        responses.take(received.OutputItemDone(f"r{n}", f"i{n}", FunctionCall(f"c{n}", "clock", "{}")))
        responses.cancel(f"r{n}")
    assert responses.truncation_ms("i999", 99) == 10
    assert responses.truncation_ms("i0", 99) is None
    assert max(len(memory) for memory in (responses._items, responses._over, responses._reported_calls)) == 256


def done(status: Status, *calls: FunctionCall) -> received.ResponseDone:
    return received.ResponseDone("r1", status, "", None, calls, None)


SOUND = received.AudioDelta("r1", "i1", b"\1\0")
ADDED = received.OutputItemAdded("r1", "i1")
CALL = FunctionCall("c1", "clock", "{}")
CALLED = received.OutputItemDone("r1", "i1", CALL)


@pytest.mark.parametrize(
    ("before", "is_cancelled", "after", "unheard"),
    [
        ([ADDED], True, [SOUND, done(Status.CANCELLED)], ["i1"]),
        ([ADDED], True, [SOUND, done(Status.COMPLETED)], ["i1"]),
        ([ADDED], False, [done(Status.CANCELLED)], ["i1"]),
        ([], True, [ADDED, SOUND, done(Status.CANCELLED), done(Status.CANCELLED)], ["i1"]),
        ([ADDED], True, [CALLED, done(Status.COMPLETED, CALL)], ["i1"]),
        ([ADDED, SOUND], True, [done(Status.CANCELLED)], []),
        ([ADDED, CALLED], True, [done(Status.CANCELLED)], []),
        ([ADDED, received.ArgumentsDone("r1", CALL)], True, [CALLED, done(Status.CANCELLED)], []),
        ([ADDED], False, [done(Status.COMPLETED)], []),
        ([ADDED], False, [done(Status.INCOMPLETE)], []),
    ],
)
def test_what_was_cancelled_unheard_is_removed(
    before: list[ServerMessage], is_cancelled: bool, after: list[ServerMessage], unheard: list[str]
) -> None:
    responses = Responses(1)
    happenings = [happening for message in before for happening in responses.take(message)]
    if is_cancelled:
        responses.cancel("r1")
    happenings += [happening for message in after for happening in responses.take(message)]
    assert [happening.item_id for happening in happenings if isinstance(happening, Unheard)] == unheard
