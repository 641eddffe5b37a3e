"""A conversation goes on in another session: what is told there, what is sent again, and what is forgotten."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence

import pytest

from fake_server import (
    SET_UP,
    Close,
    Cut,
    Emit,
    Expect,
    FakeServer,
    Step,
    Wire,
    arguments_done,
    audio,
    audio_done,
    error,
    fake_server,
    response_created,
    response_done,
    speech,
    transcript_done,
    user_transcript,
)
from realtime_stage import MARK, TICK, Stage, custom, stage
from speakerd.core import events
from speakerd.core.events import Fault

SECOND = bytes(range(240)) * 200
ANSWERED: list[Wire] = [
    *speech(),
    response_created(),
    audio(SECOND),
    transcript_done("one two three four"),
    audio_done(),
    response_done(),
    user_transcript("Count to four."),
]
QUESTION, ANSWER = ("user", "Count to four."), ("assistant", "one two three four")


async def mark(s: Stage) -> None:
    """Wait until the server has said everything."""
    while (await s.until(events.Transcribed)).item_id != "mark":
        pass


async def lost(s: Stage) -> None:
    """Wait until session 1 is over."""
    assert (await s.until(events.SessionClosed)).session == 1


async def up(s: Stage, session: int) -> None:
    assert (await s.until(events.SessionOpened)).session == session


async def settled(s: Stage, session: int, server: FakeServer) -> list[Wire]:
    """All that this session sent after its set-up, up to now."""
    s.sessions.delete_item(session, "the end")
    connection = server.connections[-1]
    while not any(event.get("item_id") == "the end" for event in connection):
        await server.until_received(len(server.received) + 1)
    return connection[1:-1]


def told(sent: Sequence[Wire]) -> list[tuple[str, ...]]:
    """Who said what, of the items that were created."""
    return [_short(event["item"]) for event in sent if event["type"] == "conversation.item.create"]


def _short(item: Wire) -> tuple[str, ...]:
    match item["type"]:
        case "function_call":
            return "call", item["call_id"], item["name"], item["arguments"]
        case "function_call_output":
            return "output", item["call_id"], item["output"]
        case _:
            [part] = item["content"]
            kinds = {"user": "input_text", "system": "input_text", "assistant": "output_text"}
            assert part["type"] == kinds[item["role"]]
            return item["role"], part["text"]


def heard(sent: Sequence[Wire]) -> bytes:
    """The sound that was sent."""
    pieces = [event["audio"] for event in sent if event["type"] == "input_audio_buffer.append"]
    return b"".join(base64.b64decode(piece) for piece in pieces)


async def test_after_a_break_the_next_session_is_told_everything_before_it_is_opened() -> None:
    async with fake_server(*SET_UP, Emit(ANSWERED), Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2, continues=1)
        await up(s, 2)
        s.sessions.append_audio(2, TICK)
        sent = await settled(s, 2, server)
        assert told(sent) == [QUESTION, ANSWER]
        kinds = [event["type"] for event in sent]
        assert kinds == ["conversation.item.create"] * 2 + ["input_audio_buffer.append"]


async def test_half_an_answer_is_told_as_half() -> None:
    half = [*ANSWERED[:5], {**transcript_done(""), "type": "response.output_audio_transcript.delta", "delta": "one tw"}]
    script = [*SET_UP, Emit([*half, user_transcript("Count to four.")]), Cut()]
    async with fake_server(*script, then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2, continues=1, resend=True)
        await up(s, 2)
        sent = await settled(s, 2, server)
        assert told(sent) == [QUESTION, ("assistant", "one tw")]
        assert heard(sent) == b""


async def test_what_was_not_heard_is_not_told_also_when_that_is_known_after_the_break() -> None:
    async with fake_server(*SET_UP, Emit(ANSWERED), Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2, continues=1, after_seconds=0.01)
        s.sessions.truncate(2, "item_1", 500)
        await up(s, 2)
        assert told(await settled(s, 2, server)) == [QUESTION, ("assistant", "one two")]


async def test_or_after_it_was_told() -> None:
    async with fake_server(*SET_UP, Emit(ANSWERED), Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2, continues=1)
        await up(s, 2)
        s.sessions.truncate(2, "item_1", 500)
        s.sessions.truncate(2, "item_1", 600)
        s.sessions.delete_item(1, "user_1")
        sent = await settled(s, 2, server)
        question, answer = (event["item"]["id"] for event in sent[:2])
        assert told(sent) == [QUESTION, ANSWER, ("assistant", "one two")]
        assert [event.get("item_id") for event in sent] == [None, None, answer, None, question]
        assert sent[3]["item"]["id"] == answer
        assert sent[3]["previous_item_id"] == question


async def test_a_tool_that_still_runs_answers_in_the_next_session() -> None:
    calls = [arguments_done("c1", "clock", "{}"), arguments_done("c2", "clock", '{"zone": "UTC"}'), response_done()]
    async with fake_server(*SET_UP, Emit([*calls, MARK]), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await mark(s)
        s.sessions.send_tool_output(1, "c1", "noon")
        s.sessions.close(1)
        s.sessions.open(2, continues=1)
        await up(s, 2)
        s.sessions.send_tool_output(1, "c2", "one")
        sent = await settled(s, 2, server)
        assert told(sent) == [
            ("call", "c1", "clock", "{}"),
            ("call", "c2", "clock", '{"zone": "UTC"}'),
            ("user", "mark"),
            ("output", "c1", "noon"),
            ("output", "c2", "one"),
        ]


async def test_what_happens_between_two_sessions_counts_too() -> None:
    calls = [*ANSWERED, arguments_done("c1", "clock", "{}", "resp_2"), MARK]
    async with fake_server(*SET_UP, Emit(calls), Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        await asyncio.gather(*s.sessions._tasks.values())
        assert not s.sessions._links
        s.sessions.send_tool_output(1, "c1", "noon")
        s.sessions.truncate(1, "item_1", 500)
        s.sessions.delete_item(1, "mark")
        s.sessions.open(2, continues=1)
        await up(s, 2)
        assert told(await settled(s, 2, server)) == [
            QUESTION,
            ("assistant", "one two"),
            ("call", "c1", "clock", "{}"),
            ("output", "c1", "noon"),
        ]


async def test_words_go_from_session_to_session_also_over_one_that_failed() -> None:
    tries: list[Sequence[Step]] = [[Close(1011)], [*SET_UP, Expect("conversation.item.create"), Cut()], SET_UP]
    async with fake_server(*SET_UP, then=tries) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.send_text(1, "one")
        s.sessions.close(1)
        s.sessions.open(2, continues=1)
        assert (await s.until(events.SessionClosed)).session == 2
        s.sessions.open(3, continues=2)
        await up(s, 3)
        s.sessions.send_text(3, "two")
        assert (await s.until(events.SessionClosed)).session == 3
        s.sessions.open(4, continues=3)
        await up(s, 4)
        sent = await settled(s, 4, server)
        assert told(sent) == [("user", "one"), ("user", "two")]
        assert [event["item"]["id"] for event in sent] == ["own_said_1_1", "own_said_1_2"]


async def test_a_stranger_is_told_nothing() -> None:
    async with fake_server(*SET_UP, Emit(ANSWERED), Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2)
        await up(s, 2)
        s.sessions.open(3, continues=1)
        await up(s, 3)
        assert told(await settled(s, 3, server)) == []


async def test_a_session_that_was_made_ready_takes_nothing_from_the_one_that_goes_on() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.send_text(1, "one")
        s.sessions.open(2)
        await up(s, 2)
        assert await settled(s, 2, server) == []
        s.sessions.close(1)
        s.sessions.open(3, continues=1)
        await up(s, 3)
        assert told(await settled(s, 3, server)) == [("user", "one")]


UNANSWERED: list[tuple[str, list[Wire], bool]] = [
    ("while the user speaks", speech()[:1], True),
    ("when it was said", speech(), True),
    ("when it was written down", [*speech(), user_transcript("Count to four.")], True),
    ("when an answer was begun", [*speech(), response_created(), user_transcript("Count to four.")], True),
    ("when an answer failed", [*speech(), response_created(), response_done("failed")], True),
    ("when an answer was heard", [*speech(), response_created(), audio(TICK)], False),
    ("when an answer was written", [*speech(), response_created(), response_done()], False),
    ("when a tool was called", [*speech(), response_created(), arguments_done("c1", "clock", "{}")], False),
]


@pytest.mark.parametrize("resend", [True, False])
@pytest.mark.parametrize(("emitted", "kept"), [row[1:] for row in UNANSWERED], ids=[row[0] for row in UNANSWERED])
async def test_what_was_not_answered_is_sent_again(emitted: list[Wire], kept: bool, resend: bool) -> None:
    append = Expect("input_audio_buffer.append")
    script = [*SET_UP, append, append, Emit([*emitted, MARK]), Cut()]
    async with fake_server(*script, then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.append_audio(1, SECOND[:43_200])
        s.sessions.append_audio(1, SECOND[43_200:])
        await mark(s)
        await lost(s)
        s.sessions.open(2, continues=1, resend=resend)
        await up(s, 2)
        s.sessions.append_audio(2, TICK)
        sent = await settled(s, 2, server)
        before = SECOND if kept and resend else b""
        # Where it was answered, what was sent after the end of the utterance is kept: the last 100 ms.
        after = SECOND[43_200:] if resend and not kept else b""
        assert heard(sent) == before + after + TICK
        words = [said for said in told(sent) if said == QUESTION]
        assert len(words) == (1 if "transcript" in emitted[-1] and not resend else 0)
        sizes = [len(event["audio"]) for event in sent if event["type"] == "input_audio_buffer.append"]
        assert max(sizes) <= 6400


async def test_it_is_sent_once_more_when_that_session_breaks_too() -> None:
    append = Expect("input_audio_buffer.append")
    tries: list[Sequence[Step]] = [[Cut()], [*SET_UP, append, Emit([speech("user_2")[0]]), append, Cut()], SET_UP]
    script = [*SET_UP, append, Emit([speech()[0]]), Cut()]
    async with fake_server(*script, then=tries) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.append_audio(1, SECOND[:4800])
        await lost(s)
        s.sessions.open(2, continues=1, resend=True)
        assert (await s.until(events.SessionClosed)).session == 2
        s.sessions.open(3, continues=2, resend=True)
        await up(s, 3)
        await s.until(events.SpeechStarted)
        s.sessions.append_audio(3, TICK)
        assert (await s.until(events.SessionClosed)).session == 3
        s.sessions.open(4, continues=3, resend=True)
        await up(s, 4)
        assert heard(await settled(s, 4, server)) == SECOND[:4800] + TICK


async def test_what_the_microphone_hears_after_the_break_is_sent_too() -> None:
    async with fake_server(*SET_UP, Cut(), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.append_audio(1, TICK)
        s.sessions.open(2, continues=1, resend=True)
        await up(s, 2)
        assert heard(await settled(s, 2, server)) == TICK


async def test_a_session_that_is_closed_for_its_age_hands_over_what_was_said_last() -> None:
    script = [*SET_UP, Expect("conversation.item.delete"), Emit([MARK])]
    async with fake_server(*script, then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.append_audio(1, SECOND)
        s.sessions.delete_item(1, "x")
        s.sessions.close(1)
        s.sessions.append_audio(1, TICK)
        s.sessions.open(2, continues=1, resend=True)
        await up(s, 2)
        assert heard(await settled(s, 2, server)) == SECOND + TICK


async def test_an_endpoint_that_finds_no_turns_is_sent_the_utterance_that_we_committed() -> None:
    script = [*SET_UP, Expect("input_audio_buffer.commit"), Emit([speech()[2], MARK]), Cut()]
    async with fake_server(*script, then=[SET_UP]) as server, stage(custom(server), finds_turns=False) as s:
        await s.opened()
        s.sessions.append_audio(1, SECOND)
        s.sessions.commit_utterance(1)
        await lost(s)
        s.sessions.open(2, continues=1, resend=True)
        await up(s, 2)
        s.sessions.commit_utterance(2)
        sent = await settled(s, 2, server)
        assert heard(sent) == SECOND
        assert sent[-1]["type"] == "input_audio_buffer.commit"


async def test_what_the_user_cancelled_is_not_sent_again() -> None:
    script = [*SET_UP, Expect("input_audio_buffer.append"), Emit([*speech(), response_created()])]
    async with (
        fake_server(*script, Expect("response.cancel"), Cut(), then=[SET_UP]) as server,
        stage(custom(server)) as s,
    ):
        await s.opened()
        s.sessions.append_audio(1, SECOND[:43_200])
        await s.until(events.ResponseCreated)
        s.sessions.cancel_response(1, "resp_1")
        await lost(s)
        s.sessions.open(2, continues=1, resend=True)
        await up(s, 2)
        assert heard(await settled(s, 2, server)) == b""


async def test_an_item_that_cannot_be_told_is_no_reason_to_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    create = Expect("conversation.item.create")
    refusal = Emit([error("server_error", "private words", "$event_id", kind="server_error")])
    later = [*SET_UP, create, refusal, create, refusal, Emit([MARK])]
    async with fake_server(*SET_UP, Emit(ANSWERED), Cut(), then=[later]) as server, stage(custom(server)) as s:
        await s.opened()
        await lost(s)
        s.sessions.open(2, continues=1)
        await mark(s)
        assert sum("server_error" in record.getMessage() for record in caplog.records) == 1
        assert "private words" not in caplog.text
        assert "Count to four" not in caplog.text
        assert s.story[-1] == events.Transcribed(2, "mark", events.Talker.USER, "mark")


async def test_an_answer_that_breaks_off_is_booked_as_an_estimate_before_the_end_is_told() -> None:
    script = [*SET_UP, Expect("input_audio_buffer.append"), Emit([response_created(), audio(SECOND)]), Cut()]
    async with (
        fake_server(*script, then=[[*SET_UP, Emit([response_done(response="resp_2", usage={"x": 1})])]]) as server,
        stage(custom(server)) as s,
    ):
        await s.opened()
        s.sessions.append_audio(1, SECOND)
        await lost(s)
        s.sessions.open(2, continues=1)
        await s.until(events.ResponseEnded)
        (billed, story_length), (other, _) = s.usages
        assert (billed.session, billed.continues_root, billed.status, billed.estimated) == (1, 1, "lost", True)
        assert (billed.usage.audio_in, billed.usage.audio_out) == (10, 20)
        assert isinstance(s.story[story_length], events.SessionClosed)
        assert (other.session, other.continues_root) == (2, 1)


async def test_an_answer_that_we_hang_up_on_is_booked_too() -> None:
    async with fake_server(*SET_UP, Emit([response_created(), audio(SECOND)])) as server, stage(custom(server)) as s:
        await s.opened()
        await s.until(events.AnswerStarted)
        s.sessions.close(1)
        await server.until_closed()
        await s.sessions.close_all()
        assert [(billed.status, billed.usage.audio_out) for billed, _ in s.usages] == [("lost", 20)]


async def test_each_endpoint_is_reached_by_its_place() -> None:
    async with fake_server(*SET_UP) as one, fake_server(*SET_UP) as other, stage(custom(one), custom(other)) as s:
        s.sessions.open(1, 1)
        await up(s, 1)
        assert (len(one.requests), len(other.requests)) == (0, 1)
        s.sessions.send_text(1, "hello")
        s.sessions.close(1)
        s.sessions.open(2, 0, continues=1)
        await up(s, 2)
        assert told(await settled(s, 2, one)) == [("user", "hello")]


async def test_an_endpoint_is_set_up_with_the_same_bytes_each_time() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        for session in (1, 2):
            s.sessions.open(session)
            await up(s, session)
        first, second = ({**sent[0], "event_id": ""} for sent in server.connections)
        assert first == second


@pytest.mark.parametrize(("chance", "waits"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
async def test_the_wait_before_a_try_varies_by_a_quarter(chance: float, waits: float) -> None:
    async with stage(chance=chance) as s:
        s.sessions._endpoints, s.sessions._setups = (custom(FakeServer([[]], url="ws://127.0.0.1:1/")),), [{}]
        s.sessions.open(1, after_seconds=1000.0)
        assert s.sessions._links[1]._opening.wait_seconds == pytest.approx(1000.0 * waits)


async def test_a_session_that_waits_is_closed_without_a_try() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        s.sessions.open(1, after_seconds=1000.0)
        s.sessions.close(1)
        s.sessions.open(2, after_seconds=0.001)
        await up(s, 2)
        assert len(server.requests) == 1


async def test_the_time_to_connect_counts_from_the_end_of_the_wait() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server), connect_seconds=0.2) as s:
        s.sessions.open(1, after_seconds=0.3)
        await up(s, 1)


async def test_memory_does_not_outlive_its_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.realtime.session._KEPT_SECONDS", 0.0)
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.send_text(1, "one")
        s.sessions.close(1)
        await server.until_closed()
        s.sessions.open(2)
        await up(s, 2)
        assert set(s.sessions._memories) == {2}
        s.sessions.open(3, continues=2)
        s.sessions.close(2)
        await server.until_closed()
        await up(s, 3)
        assert set(s.sessions._memories) == {2, 3}


async def test_a_session_that_cannot_be_opened_has_no_words() -> None:
    async with stage(custom(FakeServer([[]], url="ws://127.0.0.1:1/"))) as s:
        s.sessions.open(1, continues=7, resend=True)
        assert (await s.until(events.SessionClosed)).fault is Fault.NO_NETWORK
