"""What is asked of the server during a turn: facts, answers of another kind, and how much of them was heard."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from fake_server import (
    SET_UP,
    Emit,
    Expect,
    Wire,
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
from realtime_stage import COMPLETED, CREATED, MARK, OPENED, TICK, TOCK, custom, stage
from speakerd.core import events
from speakerd.core.events import Status, Talker
from speakerd.realtime import messages
from speakerd.realtime.messages_dialects import LOCALAI, XAI
from speakerd.realtime.responses import Finish, Play
from test_realtime_continuing import mark, settled, told
from test_realtime_messages import checked

LATER = {"type": "conversation.item.truncated", "event_id": "e", "content_index": 0}


async def test_facts_are_told_and_forgotten() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.tell_facts(1)
        s.sessions.forget_facts(1)
        s.facts.append("It is 18:42.")
        s.sessions.tell_facts(1)
        s.facts.append("It is 18:43.")
        s.sessions.tell_facts(1)
        s.sessions.forget_facts(1)
        s.sessions.forget_facts(1)
        sent = await settled(s, 1, server)
        assert told(sent) == [("system", "It is 18:42."), ("system", "It is 18:43.")]
        assert [event["type"].rpartition(".")[2] for event in sent] == ["create", "delete", "create", "delete"]
        assert sent[1]["item_id"] == sent[0]["item"]["id"]
        assert sent[3]["item_id"] == sent[2]["item"]["id"]


async def test_facts_are_told_to_nobody_and_to_no_later_session() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        s.facts.append("It is 18:42.")
        s.sessions.tell_facts(1)
        s.sessions.open(1)
        s.sessions.tell_facts(1)
        await s.until(events.SessionOpened)
        s.sessions.tell_facts(1)
        s.sessions.close(1)
        s.sessions.open(2, continues=1)
        await s.until(events.SessionOpened)
        assert await settled(s, 2, server) == []


async def test_answers_of_another_kind() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.create_response(1)
        s.sessions.create_response(1, aloud=False)
        s.sessions.create_response(1, resume=True)
        s.sessions.create_response(1, aloud=False, resume=True)
        sent = await settled(s, 1, server)
        for event in sent:
            checked(messages.encode(event, "e"))
        plain, text, rest, rest_in_text = (event.get("response", {}) for event in sent)
        assert plain == {}
        assert text == {"output_modalities": ["text"]}
        assert rest["instructions"].startswith("Be brief.\n\nYour last answer was interrupted")
        assert rest_in_text == {**text, **rest}


async def test_an_answer_in_text_is_told_and_not_played() -> None:
    head = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0, "event_id": "e"}
    written = [
        {"type": "response.output_text.delta", "delta": "It is", **head},
        {"type": "response.output_text.done", "text": "It is noon.", **head},
    ]
    script = [*SET_UP, Emit([response_created(), *written, response_done(), MARK])]
    async with fake_server(*script, then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await mark(s)
        answer = events.Transcribed(1, "item_1", Talker.ASSISTANT, "It is noon.")
        assert s.story[:-1] == [OPENED, CREATED, answer, COMPLETED]
        s.sessions.close(1)
        s.sessions.open(2, continues=1)
        await s.until(events.SessionOpened)
        assert ("assistant", "It is noon.") in told(await settled(s, 2, server))


async def test_an_endpoint_that_cannot_write_is_not_heard() -> None:
    answers = [
        *(response_created("resp_1"), audio(TICK), transcript_done("One."), audio_done(), response_done()),
        *(response_created("resp_2"), audio(TOCK, "item_2", "resp_2"), response_done(response="resp_2"), MARK),
    ]
    script = [*SET_UP, Expect("response.create"), Emit(answers)]
    async with fake_server(*script) as server, stage(replace(custom(server), dialect=XAI)) as s:
        await s.opened()
        s.sessions.create_response(1, aloud=False)
        await mark(s)
        assert "response" not in (await settled(s, 1, server))[0]
        assert s.story[1:-1] == [
            CREATED,
            events.Transcribed(1, "item_1", Talker.ASSISTANT, "One."),
            COMPLETED,
            events.ResponseCreated(1, "resp_2"),
            events.AnswerStarted(1, "resp_2", "item_2"),
            Play("item_2", TOCK),
            Finish("item_2"),
            events.ResponseEnded(1, "resp_2", Status.COMPLETED),
        ]


async def test_an_endpoint_that_forgets_nothing_is_not_asked_to() -> None:
    script = [*SET_UP, Emit([audio(TICK), MARK])]
    async with fake_server(*script) as server, stage(replace(custom(server), dialect=LOCALAI)) as s:
        await s.opened()
        await mark(s)
        s.facts.append("It is 18:42.")
        s.sessions.tell_facts(1)
        s.sessions.truncate(1, "item_1", 5)
        s.sessions.delete_item(1, "item_1")
        s.sessions.commit_utterance(1)
        s.sessions.create_response(1)
        s.sessions.send_text(1, "end")
        await server.until_received(3)
        assert server.kinds()[1:] == ["input_audio_buffer.commit", "conversation.item.create"]


CUTS: list[tuple[str, list[Wire], list[int], list[int]]] = [
    ("once", [], [20], [20]),
    ("never behind what was received", [], [9000], [30]),
    ("not twice", [], [20, 20, 25], [20]),
    ("again where less was heard", [], [20, 10], [20, 10]),
    ("the server has cut it before", [{**LATER, "item_id": "item_1", "audio_end_ms": 15}], [20, 15], []),
    ("the server has cut it behind", [{**LATER, "item_id": "item_1", "audio_end_ms": 25}], [20], [20]),
    ("the server has cut another one", [{**LATER, "item_id": "item_2", "audio_end_ms": 15}], [20], [20]),
]


@pytest.mark.parametrize(("told", "heard", "sent"), [row[1:] for row in CUTS], ids=[row[0] for row in CUTS])
async def test_an_item_is_cut_where_the_user_stopped_listening(
    told: list[Wire], heard: list[int], sent: list[int]
) -> None:
    async with (
        fake_server(*SET_UP, Emit([audio(TICK), audio(TOCK), *told, MARK])) as server,
        stage(custom(server)) as s,
    ):
        await s.opened()
        await mark(s)
        for played_ms in heard:
            s.sessions.truncate(1, "item_1", played_ms)
        cuts = await settled(s, 1, server)
        assert [event["audio_end_ms"] for event in cuts] == sent
        assert {event["item_id"] for event in cuts} <= {"item_1"}


async def test_several_items_of_one_response_are_cut_each_by_itself() -> None:
    answer = [response_created(), audio(TOCK), audio_done(), audio(TOCK, "item_2"), audio(TOCK, "item_3")]
    async with fake_server(*SET_UP, Emit([*answer, MARK]), then=[SET_UP]) as server, stage(custom(server)) as s:
        await s.opened()
        await mark(s)
        s.sessions.cancel_response(1, "resp_1")
        s.sessions.truncate(1, "item_2", 5)
        s.sessions.delete_item(1, "item_3")
        sent = await settled(s, 1, server)
        assert [(event["type"].rpartition(".")[2], event.get("item_id")) for event in sent] == [
            ("cancel", None),
            ("truncate", "item_2"),
            ("delete", "item_3"),
        ]


async def test_a_noise_that_was_no_speech_is_told_as_that() -> None:
    async with fake_server(*SET_UP, Emit([*speech(), user_transcript(""), MARK])) as server, stage(custom(server)) as s:
        await s.opened()
        await mark(s)
        assert events.Transcribed(1, "user_1", Talker.USER, "") in s.story


async def test_harmless_errors_are_logged_once_per_session(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    codes = ["invalid_value", "item_delete_invalid_item_id", "invalid_value", "response_cancel_not_active"]
    async with (
        fake_server(*SET_UP, Emit([*(error(code) for code in codes), MARK])) as server,
        stage(custom(server)) as s,
    ):
        for session in (1, 2):
            s.sessions.open(session)
            await mark(s)
        logged = [record.getMessage() for record in caplog.records if "ignored error" in record.getMessage()]
        assert len(logged) == 6
        assert all(record.levelno == logging.INFO for record in caplog.records if record.name.startswith("speakerd"))


async def test_nothing_is_sent_over_a_session_that_waits_for_somebody() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        assert await settled(s, 1, server) == []
        s.sessions.close(1)
        assert await server.until_closed() == 1000
