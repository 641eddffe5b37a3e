"""Stories of a session: what the server emits, what the core and the player are told, in order."""

from __future__ import annotations

import pytest

from fake_server import (
    SET_UP,
    Emit,
    Wire,
    arguments_done,
    audio,
    audio_done,
    call_item,
    error,
    fake_server,
    item_done,
    response_created,
    response_done,
    speech,
    transcript_done,
    user_transcript,
)
from realtime_stage import CALLED, COMPLETED, CREATED, MARK, MARKED, OPENED, STARTED, TICK, TOCK, custom, stage
from speakerd.core import events
from speakerd.core.events import Fault, Status, Talker
from speakerd.realtime.responses import Finish, Play

STORIES: list[tuple[str, list[Wire], list[object]]] = [
    ("set-up only", [], []),
    (
        "a turn: the user speaks, the answer sounds, transcripts come when they like",
        [
            *speech(),
            response_created(),
            audio(TICK),
            transcript_done("It is noon."),
            audio(TOCK),
            audio_done(),
            item_done({"type": "message", "id": "item_1", "role": "assistant", "status": "completed"}),
            response_done(),
            user_transcript("What time is it?"),
        ],
        [
            events.SpeechStarted(1, "user_1"),
            events.SpeechStopped(1, "user_1"),
            CREATED,
            STARTED,
            Play("item_1", TICK),
            events.Transcribed(1, "item_1", Talker.ASSISTANT, "It is noon."),
            Play("item_1", TOCK),
            Finish("item_1"),
            COMPLETED,
            events.Transcribed(1, "user_1", Talker.USER, "What time is it?"),
        ],
    ),
    (
        "two audio items in one response",
        [response_created(), audio(TICK), audio_done(), audio(TOCK, "item_2"), audio_done("item_2"), response_done()],
        [
            CREATED,
            STARTED,
            Play("item_1", TICK),
            Finish("item_1"),
            events.AnswerStarted(1, "resp_1", "item_2"),
            Play("item_2", TOCK),
            Finish("item_2"),
            COMPLETED,
        ],
    ),
    (
        "an item that goes on after its end starts anew",
        [audio(TICK), audio_done(), audio(TOCK), response_done()],
        [STARTED, Play("item_1", TICK), Finish("item_1"), STARTED, Play("item_1", TOCK), Finish("item_1"), COMPLETED],
    ),
    (
        "samples cut by the border of a frame are put together",
        [audio(b"\x01"), audio(b"\x02\x03"), audio(b""), audio(b"\x04\x05"), audio_done(), response_done()],
        [STARTED, Play("item_1", b"\x01\x02"), Play("item_1", b"\x03\x04"), Finish("item_1"), COMPLETED],
    ),
    (
        "a function call, told by all three events that can",
        [
            response_created(),
            arguments_done("c1", "clock", "{}"),
            item_done(call_item("c1", "clock", "{}")),
            response_done(output=[call_item("c1", "clock", "{}")]),
        ],
        [CREATED, CALLED, COMPLETED],
    ),
    ("a function call, told by its arguments only", [arguments_done("c1", "clock", "{}"), MARK], [CALLED, MARKED]),
    (
        "a function call, told by its item only, though its arguments are no JSON",
        [item_done(call_item("c1", "clock", "{no")), response_done()],
        [events.ToolCalled(1, "resp_1", "c1", "clock", "{no"), COMPLETED],
    ),
    (
        "a function call, told by the end of its response only",
        [response_done(output=[call_item("c1", "clock", "{}")])],
        [CALLED, COMPLETED],
    ),
    (
        "arguments without a name wait for the item",
        [{**arguments_done("c1", "", "{}"), "name": None}, MARK, item_done(call_item("c1", "clock", "{}"))],
        [MARKED, CALLED],
    ),
    (
        "a call that was cut off is not made",
        [
            arguments_done("c1", "clock", '{"zone": "Euro'),
            item_done(call_item("c1", "clock", '{"zone": "Euro', "incomplete")),
            response_done("cancelled", output=[call_item("c1", "clock", "{}")]),
        ],
        [events.ResponseEnded(1, "resp_1", Status.CANCELLED)],
    ),
    (
        "several calls after a spoken message",
        [
            response_created(),
            audio(TICK),
            audio_done(),
            arguments_done("c1", "clock", "{}"),
            arguments_done("c2", "clock", '{"zone": "UTC"}'),
            response_done(),
        ],
        [
            CREATED,
            STARTED,
            Play("item_1", TICK),
            Finish("item_1"),
            CALLED,
            events.ToolCalled(1, "resp_1", "c2", "clock", '{"zone": "UTC"}'),
            COMPLETED,
        ],
    ),
    (
        "barge-in: the server cancels, the half item is finished, what is late is dropped",
        [
            audio(TICK),
            speech("user_2")[0],
            response_done("cancelled", status_details={"reason": "turn_detected"}),
            audio(TOCK),
            arguments_done("c1", "clock", "{}"),
            MARK,
        ],
        [
            STARTED,
            Play("item_1", TICK),
            events.SpeechStarted(1, "user_2"),
            Finish("item_1"),
            events.ResponseEnded(1, "resp_1", Status.CANCELLED),
            MARKED,
        ],
    ),
    (
        "barge-in after the end: nothing is cancelled",
        [audio(TICK), audio_done(), response_done(), speech("user_2")[0]],
        [STARTED, Play("item_1", TICK), Finish("item_1"), COMPLETED, events.SpeechStarted(1, "user_2")],
    ),
    (
        "too long an answer is incomplete",
        [audio(TICK), response_done("incomplete", status_details={"reason": "max_output_tokens"})],
        [STARTED, Play("item_1", TICK), Finish("item_1"), events.ResponseEnded(1, "resp_1", Status.INCOMPLETE)],
    ),
    (
        "a response fails because of the rate limit",
        [response_done("failed", status_details={"error": {"code": "rate_limit_exceeded", "type": "x"}})],
        [events.ResponseEnded(1, "resp_1", Status.FAILED, Fault.SERVER_ERROR)],
    ),
    (
        "a response fails because the money is spent",
        [response_done("failed", status_details={"error": {"code": "insufficient_quota", "type": "x"}})],
        [events.ResponseEnded(1, "resp_1", Status.FAILED, Fault.NO_CREDIT)],
    ),
    (
        "a response fails without a reason",
        [response_done("failed")],
        [events.ResponseEnded(1, "resp_1", Status.FAILED, Fault.SERVER_ERROR)],
    ),
    (
        "harmless errors, confirmations and unknown events mean nothing",
        [
            error("response_cancel_not_active"),
            error("invalid_value", "Audio content of 2650ms is already shorter than 9100ms"),
            error("item_truncate_invalid_item_id"),
            error("code_of_tomorrow"),
            error("conversation_already_has_active_response"),
            {"type": "event.of.tomorrow"},
            {"type": "conversation.item.truncated", "item_id": "item_1", "audio_end_ms": 3},
            {"type": "rate_limits.updated", "rate_limits": []},
            {"type": "conversation.item.added", "item": {"id": "item_1", "type": "message"}},
            {"type": "conversation.item.input_audio_transcription.failed", "item_id": "user_1"},
            MARK,
        ],
        [MARKED],
    ),
]


@pytest.mark.parametrize(("emitted", "told"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
async def test_stories(emitted: list[Wire], told: list[object]) -> None:
    async with fake_server(*SET_UP, Emit([*emitted, user_transcript("", "end")])) as server, stage(custom(server)) as s:
        await s.opened()
        while (await s.until(events.Transcribed)).item_id != "end":
            pass
        assert s.story == [OPENED, *told, events.Transcribed(1, "end", Talker.USER, "")]
        assert server.kinds() == ["session.update"]
        assert server.received[0]["session"]["tools"][0]["name"] == "clock"
