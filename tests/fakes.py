"""Fakes of the ports: each writes down what it was told, in one common list."""

from __future__ import annotations

from dataclasses import dataclass, field

from speakerd.core.effects import Cue, PlayoutLevel
from speakerd.core.lights import Light
from speakerd.daemon import Devices


@dataclass
class Told:
    """What all fakes of one set were told, in order."""

    lines: list[str] = field(default_factory=list)

    def note(self, *words: object) -> None:
        self.lines.append(" ".join(str(word) for word in words))


class FakeSessions:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def open(
        self,
        session: int,
        endpoint: int = 0,
        *,
        continues: int | None = None,
        resend: bool = False,
        after_seconds: float = 0.0,
    ) -> None:
        words = [f"at {endpoint}"] if endpoint else []
        words += [f"continues {continues}"] if continues else []
        words += ["resend"] if resend else []
        words += [f"after {after_seconds:g}"] if after_seconds else []
        self._note("open session", session, *words)

    def close(self, session: int) -> None:
        self._note("close session", session)

    def append_audio(self, session: int, pcm: bytes) -> None:
        self._note("append audio", session, len(pcm))

    def send_text(self, session: int, text: str) -> None:
        self._note("send text", session, text)

    def send_tool_output(self, session: int, call_id: str, output: str) -> None:
        self._note("send tool output", session, call_id, output)

    def send_note(self, session: int, text: str) -> None:
        self._note("send note", session, text)

    def commit_utterance(self, session: int) -> None:
        self._note("commit utterance", session)

    def create_response(self, session: int, *, aloud: bool = True, resume: bool = False) -> None:
        self._note("create response", session, *([] if aloud else ["silently"]), *(["resume"] if resume else []))

    def cancel_response(self, session: int, response_id: str) -> None:
        self._note("cancel response", session, response_id)

    def truncate(self, session: int, item_id: str, played_ms: int) -> None:
        self._note("truncate", session, item_id, played_ms)

    def delete_item(self, session: int, item_id: str) -> None:
        self._note("delete item", session, item_id)

    def tell_facts(self, session: int) -> None:
        self._note("tell facts", session)

    def forget_facts(self, session: int) -> None:
        self._note("forget facts", session)


class FakeCapture:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def open(self) -> None:
        self._note("open capture")

    def close(self) -> None:
        self._note("close capture")

    def open_uplink(self, session: int, since_sample: int | None) -> None:
        self._note("open uplink", session, since_sample)

    def close_uplink(self) -> None:
        self._note("close uplink")

    def mark_uplink(self) -> None:
        self._note("mark uplink")


class FakePlayer:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def play(self, item_id: str, pcm: bytes) -> None:
        self._note("play", item_id, len(pcm))

    def finish(self, item_id: str) -> None:
        self._note("finish", item_id)

    def stop(self) -> None:
        self._note("stop playout")

    def set_level(self, level: PlayoutLevel) -> None:
        self._note("level", level.name.lower())

    def cue(self, cue: Cue) -> None:
        self._note("cue", cue.value)

    def start_ringing(self) -> None:
        self._note("start ringing")

    def stop_ringing(self) -> None:
        self._note("stop ringing")


class FakeTools:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def run(self, session: int, call_id: str, name: str, arguments: str) -> None:
        self._note("run tool", session, call_id, name, arguments)

    def cancel(self, call_id: str) -> None:
        self._note("cancel tool", call_id)


class FakeLights:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def show(self, light: Light) -> None:
        self._note("light", light.value)


class FakeControl:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def refuse(self, request: int, reason: str) -> None:
        self._note("refuse", request)


class FakeWake:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def judge(self, word: str, was_wanted: bool, sample: int) -> None:
        self._note("judge wake", word, "wanted" if was_wanted else "not wanted", sample)


class FakeAudit:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def note(self, tool: str, decision: str, reason: str, asker: str) -> None:
        self._note("audit", tool, decision, reason, asker)


class FakeAnnouncer:
    def __init__(self, told: Told) -> None:
        self._note = told.note

    def announce(self, number: int, text: str) -> None:
        self._note("announce", number, text)

    def stop(self, number: int) -> None:
        self._note("stop announcing", number)


def fake_devices(told: Told) -> Devices:
    """One of each."""
    return Devices(
        FakeSessions(told),
        FakeCapture(told),
        FakePlayer(told),
        FakeTools(told),
        FakeLights(told),
        FakeControl(told),
        FakeWake(told),
        FakeAnnouncer(told),
        FakeAudit(told),
    )
