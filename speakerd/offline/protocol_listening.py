"""How the user's audio becomes items: the input audio buffer, turns, and the idle time-out. Pure."""

from __future__ import annotations

from speakerd.offline.protocol_answering import Answering
from speakerd.offline.protocol_effects import Listen, StartEndpointing, StopEndpointing
from speakerd.offline.protocol_input import InputAudio, Utterance
from speakerd.offline.protocol_items import Conversation, decoded_audio, spoken_item
from speakerd.offline.protocol_outlet import Outlet
from speakerd.offline.protocol_session import SessionSettings, Turns
from speakerd.offline.protocol_shapes import RefusedError
from speakerd.offline.protocol_transcripts import Transcripts

LONGEST_APPEND = 15 * 1024 * 1024
"""Characters of base64 in one append."""
_SHORTEST_COMMIT_MS = 100


class Listening:
    """The ear of a session."""

    def __init__(
        self,
        outlet: Outlet,
        conversation: Conversation,
        settings: SessionSettings,
        transcripts: Transcripts,
        answering: Answering,
    ) -> None:
        self._outlet = outlet
        self._conversation = conversation
        self._settings = settings
        self._transcripts = transcripts
        self._answering = answering
        self._input = InputAudio()
        self._turns: Turns | None = None

    def awaits(self, item_id: str) -> bool:
        """Whether this id was announced for the utterance that is going on."""
        return self._input.utterance is not None and self._input.utterance.item_id == item_id

    def follow_settings(self) -> None:
        """Look for turns as the session says now."""
        before, self._turns = self._turns, self._settings.turns
        if _endpointing(before) == _endpointing(self._turns):
            return
        if self._turns is None:
            self._outlet.ask(StopEndpointing())
        self._restart_endpointing()

    def append(self, audio: str) -> None:
        """Take audio; raises RefusedError."""
        if len(audio) > LONGEST_APPEND:
            wording = f"Invalid 'audio': string too long. Expected a string with maximum length {LONGEST_APPEND}."
            raise RefusedError("string_above_max_length", wording, "audio")
        pcm = decoded_audio(audio, "audio")
        self._check_idle()
        self._outlet.ask(Listen(self._input.append(pcm, endpointing=self._turns is not None)))

    def commit(self) -> None:
        """Make an item of all that the buffer holds; raises RefusedError."""
        held_ms = self._input.held_ms
        if held_ms < _SHORTEST_COMMIT_MS:
            wording = (
                f"Expected at least {_SHORTEST_COMMIT_MS}ms of audio, but buffer only has {held_ms:.2f}ms of audio."
            )
            message = f"Error committing input audio buffer: buffer too small. {wording}"
            raise RefusedError("input_audio_buffer_commit_empty", message)
        utterance = self._input.utterance
        self._add_item(utterance.item_id if utterance else self._outlet.mint("item"), self._input.take_all())
        self._restart_endpointing()

    def clear(self) -> None:
        """Forget what the buffer holds."""
        self._input.clear()
        self._outlet.send("input_audio_buffer.cleared")
        self._restart_endpointing()

    def speech_began(self, at_ms: int) -> None:
        """The endpointer heard speech begin, by its own clock."""
        turns = self._turns
        if turns is None or self._input.utterance is not None:
            return
        position_ms = self._input.endpointing_since_ms + at_ms
        start_ms = max(position_ms - turns.prefix_ms, self._input.start_ms)
        utterance = Utterance(self._outlet.mint("item"), start_ms)
        self._input.utterance = utterance
        self._input.silent_since_ms = None
        self._outlet.send("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=utterance.item_id)
        if turns.interrupts:
            self._answering.interrupt()

    def speech_over(self, at_ms: int) -> None:
        """The endpointer heard speech end, by its own clock."""
        turns, utterance = self._turns, self._input.utterance
        if turns is None or utterance is None:
            return
        end_ms = self._input.endpointing_since_ms + at_ms
        self._input.utterance = None
        item_id = utterance.item_id
        self._outlet.send("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self._add_item(item_id, self._input.take(utterance.start_ms, end_ms))
        if turns.creates_response:
            self._respond()

    def expect_silence(self, playout_ms: int) -> None:
        """A response ended whose playout takes this long: the idle time-out counts from then on."""
        self._input.silent_since_ms = self._input.received_ms + playout_ms

    def _check_idle(self) -> None:
        idle_ms = self._turns.idle_ms if self._turns is not None else None
        start_ms, end_ms = self._input.silent_since_ms, self._input.received_ms
        busy = self._input.utterance is not None or self._answering.active is not None
        if idle_ms is None or start_ms is None or busy or end_ms - start_ms < idle_ms:
            return
        self._input.silent_since_ms = None
        item_id = self._outlet.mint("item")
        span = {"audio_start_ms": start_ms, "audio_end_ms": end_ms}
        self._outlet.send("input_audio_buffer.timeout_triggered", **span, item_id=item_id)
        self._add_item(item_id, self._input.take(start_ms, end_ms))
        self._respond()

    def _respond(self) -> None:
        try:
            self._answering.create({})
        except RefusedError as refusal:
            self._outlet.send_error(refusal, None)

    def _add_item(self, item_id: str, pcm: bytes) -> None:
        item = spoken_item(item_id, pcm)
        self._conversation.insert(item, None)
        previous = self._conversation.previous_id(item_id)
        self._outlet.send("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        self._outlet.send("conversation.item.added", item=item.shown(), previous_item_id=previous)
        self._outlet.send("conversation.item.done", item=item.shown(), previous_item_id=previous)
        self._transcripts.ask(item, tell_client=True)

    def _restart_endpointing(self) -> None:
        self._input.utterance = None
        self._input.endpointing_since_ms = self._input.received_ms
        if self._turns is not None:
            self._outlet.ask(StartEndpointing(self._turns.silence_ms, self._turns.threshold))


def _endpointing(turns: Turns | None) -> tuple[int, float] | None:
    return None if turns is None else (turns.silence_ms, turns.threshold)
