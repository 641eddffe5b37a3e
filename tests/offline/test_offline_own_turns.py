"""Our own session with our own endpoint, where the speaker finds the ends of utterances by itself."""

from __future__ import annotations

from pathlib import Path

from offline_brain import SILENCE, SPEECH, FakeBrain, hosting
from realtime_stage import stage
from speakerd.core import events
from speakerd.core.events import Status, Talker
from speakerd.realtime.endpoints import endpoint
from speakerd.realtime.responses import Play
from speakerd.settings import EndpointSettings


async def test_two_turns_whose_ends_we_find_are_heard_whole_and_answered() -> None:
    heard: list[bytes] = []

    def hears(pcm: bytes) -> str:
        heard.append(pcm)
        return f"words {len(heard)}"

    async with hosting(FakeBrain(hears=hears)) as host:
        where = endpoint(EndpointSettings(name="custom", url=host.url), Path("/none"), {})
        async with stage(where, finds_turns=False) as s:
            await s.opened()
            for turn in (1, 2):
                s.sessions.append_audio(1, SPEECH + SILENCE + SPEECH)
                s.sessions.commit_utterance(1)
                s.sessions.create_response(1)
                ended = await s.until(events.ResponseEnded)
                assert ended.status is Status.COMPLETED
                said = [e.text for e in s.story if isinstance(e, events.Transcribed) and e.talker is Talker.USER]
                assert said == [f"words {number}" for number in range(1, turn + 1)]
    assert heard == [SPEECH + SILENCE + SPEECH] * 2
    assert not [event for event in s.story if isinstance(event, events.SpeechStarted | events.SpeechStopped)]
    assert sum(len(event.pcm) for event in s.story if isinstance(event, Play)) == 2 * 4 * 4800
