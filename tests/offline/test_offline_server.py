from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from offline_brain import SILENCE, SPEECH, FakeBrain, hosting, passed, unix_client
from speakerd.errors import SpeechError
from speakerd.offline.brain import Call, Part, Say
from speakerd.offline.connection import Received


async def test_a_spoken_turn() -> None:
    async with hosting() as host, host.client() as client:
        await client.append(SPEECH + SILENCE)
        response = (await client.until("response.done"))["response"]
        assert response["status"] == "completed"
        assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "you said hello"}]
        audio = b"".join(
            base64.b64decode(each["delta"]) for each in client.events if each["type"] == "response.output_audio.delta"
        )
        assert audio == b"\x02\x00" * 7200


async def test_all_audio_is_heard_even_in_one_event() -> None:
    heard: list[int] = []

    def hears(pcm: bytes) -> str:
        heard.append(len(pcm) // 48)
        return "hello"

    async with hosting(FakeBrain(hears=hears)) as host, host.client() as client:
        audio = (SILENCE + SPEECH + SILENCE) * 2
        await client.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())
        await client.until("response.done")
        await client.until("input_audio_buffer.committed")
        await client.until("response.done")
    # 300 ms before each beginning, 500 ms of speech, 700 ms of silence.
    assert heard == [1500, 1500]


async def test_a_function_call_and_its_report() -> None:
    def thinks(text: str) -> Sequence[Part]:
        return [Say("one moment"), Call("clock", {}), Say("so")]

    async with hosting(FakeBrain(thinks=thinks)) as host, host.client() as client:
        await client.say("time")
        call = await client.until("response.function_call_arguments.done")
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "noon"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        response = (await client.until("response.done"))["response"]
        assert response["output"][0]["content"][0]["transcript"] == "clock noon"


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "offline.sock"
    async with hosting(address=path) as host, unix_client(path) as client:
        assert host.url == f"ws+unix:{path}"
        await client.say("hi")
        assert (await client.until("response.done"))["response"]["status"] == "completed"
    assert not path.exists()


async def test_clients_have_sessions_of_their_own() -> None:
    fake = FakeBrain()
    async with hosting(fake) as host, host.client() as first, host.client() as second:
        fake.voice_open.clear()
        await first.say("one")
        await first.until("response.output_audio.delta")
        await second.send("response.create", response={"output_modalities": ["text"]})
        assert (await second.until("response.done"))["response"]["usage"]["input_tokens"] == 0
        fake.voice_open.set()
        assert (await first.until("response.done"))["response"]["status"] == "completed"
        ids = [{each["event_id"] for each in client.events} for client in (first, second)]
        assert ids[0].isdisjoint(ids[1])


async def test_a_cancelled_response_stops_the_voice() -> None:
    fake = FakeBrain()
    async with hosting(fake) as host, host.client() as client:
        fake.voice_open.clear()
        await client.say("word " * 1000)
        await client.until("response.output_audio.delta")
        await client.send("response.cancel")
        response = (await client.until("response.done"))["response"]
        assert response["status_details"]["reason"] == "client_cancelled"
        fake.voice_open.set()
        await passed(fake.voice_left)
        assert fake.pieces == 2
        await client.say("hi")
        assert (await client.until("response.done"))["response"]["status"] == "completed"
    audio = [each for each in client.events if each["type"] == "response.output_audio.delta"]
    assert len(audio) == 1 + 3


async def test_barge_in_while_the_voice_is_at_work() -> None:
    fake = FakeBrain()
    async with hosting(fake) as host, host.client() as client:
        fake.voice_open.clear()
        await client.say("one two three")
        await client.until("response.output_audio.delta")
        await client.append(SPEECH)
        assert (await client.until("response.done"))["response"]["status_details"]["reason"] == "turn_detected"
        fake.voice_open.set()
        await client.append(SILENCE)
        assert (await client.until("response.done"))["response"]["status"] == "completed"


@pytest.mark.parametrize("gate", ["hearing", "voice"])
async def test_a_client_that_vanishes_is_forgotten(gate: str) -> None:
    fake = FakeBrain()
    async with hosting(fake) as host:
        (fake.hearing_open if gate == "hearing" else fake.voice_open).clear()
        async with host.client() as client:
            await client.append(SPEECH + SILENCE)
            await passed(fake.hearing_entered if gate == "hearing" else fake.voice_entered)
            client.socket.transport.abort()
        assert (await host.report()).received.received_samples == 24 * 1500
        fake.hearing_open.set()
        fake.voice_open.set()
        async with host.client() as other:
            await other.say("hi")
            assert (await other.until("response.done"))["response"]["status"] == "completed"
    assert len(host.reports) == 2


async def test_the_report_counts_what_was_received() -> None:
    async with hosting() as host:
        async with host.client() as client:
            await client.append(SPEECH + SILENCE)
            await client.until("response.done")
        report = await host.report()
    assert (report.session, report.received) == (1, Received(24 * 1500, hashlib.sha256(SPEECH + SILENCE).hexdigest()))


async def test_the_report_counts_push_to_talk_too() -> None:
    async with hosting() as host:
        async with host.client() as client:
            audio = {"input": {"turn_detection": None}}
            await client.send("session.update", session={"type": "realtime", "audio": audio})
            await client.append(SPEECH)
            await client.send("input_audio_buffer.commit")
            await client.send("response.create")
            await client.until("response.done")
        report = await host.report()
    assert report.received == Received(24 * 500, hashlib.sha256(SPEECH).hexdigest())


async def test_the_session_expires() -> None:
    async with hosting(session_seconds=0.2) as host, host.client() as client:
        assert (await client.until("error"))["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


async def test_a_mute_brain_fails_the_response() -> None:
    async with hosting(FakeBrain(mute=True)) as host, host.client() as client:
        await client.say("hi")
        response = (await client.until("response.done"))["response"]
        assert response["status"] == "failed"
        assert response["status_details"]["error"]["message"] == "espeak-ng is missing: install it."


async def test_a_deaf_brain_fails_the_response() -> None:
    def hears(pcm: bytes) -> str:
        raise SpeechError("pocketsphinx is missing: install it.")

    async with hosting(FakeBrain(hears=hears)) as host, host.client() as client:
        await client.append(SPEECH + SILENCE)
        assert (await client.until("response.done"))["response"]["status"] == "failed"


async def test_a_brain_without_wits_fails_the_response() -> None:
    def thinks(text: str) -> Sequence[Part]:
        raise SpeechError("The phrasebook is empty.")

    async with hosting(FakeBrain(thinks=thinks)) as host, host.client() as client:
        await client.say("hi")
        assert (await client.until("response.done"))["response"]["status"] == "failed"


async def test_a_bug_ends_only_the_session_in_which_it_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    def thinks(text: str) -> Sequence[Part]:
        if text == "bug":
            raise ZeroDivisionError
        return [Say("fine")]

    async with hosting(FakeBrain(thinks=thinks)) as host, host.client() as client, host.client() as other:
        await client.say("bug")
        with pytest.raises(ConnectionClosed) as closed:
            await client.until("response.done")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert (await host.report()).session == 1
        await other.say("hi")
        assert (await other.until("response.done"))["response"]["status"] == "completed"


async def test_shutdown_closes_sessions_that_are_at_work() -> None:
    fake = FakeBrain()
    async with asyncio.timeout(15):
        async with hosting(fake) as host:
            context = host.client()
            client = await context.__aenter__()
            fake.voice_open.clear()
            await client.say("one two three")
            await passed(fake.voice_entered)
            fake.voice_open.set()
        with pytest.raises(ConnectionClosed) as closed:
            await client.until("nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        await context.__aexit__(None, None, None)
    assert len(host.reports) == 1
