"""The server's side of one Realtime session: client events and the brain's answers in, effects out. Pure.

Every decision of the offline endpoint is made in the protocol files. Nothing that a client sends raises: what cannot be
done is answered with an error event. Answers for a response or an item that is gone are dropped. After OpenAI's GA
protocol (`openai.types.realtime`, recorded traces).
"""

from __future__ import annotations

from collections.abc import Sequence

from speakerd.offline.brain import Part
from speakerd.offline.protocol_answering import Answering
from speakerd.offline.protocol_effects import Close, Effect, Prepare
from speakerd.offline.protocol_events import CLIENT_EVENT
from speakerd.offline.protocol_items import Conversation, client_item
from speakerd.offline.protocol_json import decoded, event_id_of
from speakerd.offline.protocol_listening import Listening
from speakerd.offline.protocol_outlet import Outlet
from speakerd.offline.protocol_responses import Response
from speakerd.offline.protocol_session import SessionSettings, Wire
from speakerd.offline.protocol_shapes import RefusedError
from speakerd.offline.protocol_transcripts import Transcripts


class SessionProtocol:
    """One session; every method returns what is to be done, in order."""

    def __init__(self, *, token: str, model: str, voice: str, silence_ms: int, expires_at: int) -> None:
        """`token` makes ids unique among sessions; `expires_at` is in Unix seconds and is only shown to the client."""
        self._outlet = Outlet(token)
        self._settings = SessionSettings(self._outlet.mint("sess"), model, voice, silence_ms, expires_at)
        self._conversation = Conversation(self._outlet.mint("conv"))
        self._transcripts = Transcripts(self._outlet, self._conversation, self._settings)
        parts = (self._outlet, self._conversation, self._settings, self._transcripts)
        self._answering = Answering(*parts, self._response_ended)
        self._listening = Listening(*parts, self._answering)

    def begin(self) -> list[Effect]:
        """The client is connected."""
        self._outlet.send("session.created", session=self._settings.wire)
        self._listening.follow_settings()
        return self._outlet.drain()

    def receive(self, message: str | bytes) -> list[Effect]:
        """A message arrived from the client."""
        culprit = None
        try:
            event = decoded(message)
            culprit = event_id_of(event)
            CLIENT_EVENT(event, "")
            self._handle(event)
        except RefusedError as refusal:
            self._outlet.send_error(refusal, culprit)
        return self._outlet.drain()

    def speech_began(self, at_ms: int) -> list[Effect]:
        """The endpointer heard speech begin, this many milliseconds after its first sample."""
        self._listening.speech_began(at_ms)
        return self._outlet.drain()

    def speech_over(self, at_ms: int) -> list[Effect]:
        """The endpointer heard speech end."""
        self._listening.speech_over(at_ms)
        return self._outlet.drain()

    def transcribed(self, item_id: str, text: str) -> list[Effect]:
        """The words of a user item."""
        item = self._transcripts.complete(item_id, text)
        if item is not None:
            self._answering.heard(item)
        return self._outlet.drain()

    def not_transcribed(self, item_id: str, reason: str) -> list[Effect]:
        """A user item could not be transcribed."""
        item = self._transcripts.fail(item_id, reason)
        if item is not None:
            self._answering.not_heard(item, reason)
        return self._outlet.drain()

    def thought(self, response_id: str, parts: Sequence[Part]) -> list[Effect]:
        """What the brain decided to say and call."""
        self._answering.take(response_id, parts)
        return self._outlet.drain()

    def spoke(self, response_id: str, pcm: bytes) -> list[Effect]:
        """A piece of the audio that was asked for: mono 16-bit PCM at 24 kHz, whole samples."""
        self._answering.play(response_id, pcm)
        return self._outlet.drain()

    def spoken(self, response_id: str) -> list[Effect]:
        """The audio that was asked for is complete."""
        self._answering.finish_message(response_id)
        return self._outlet.drain()

    def failed(self, response_id: str, reason: str) -> list[Effect]:
        """The brain failed at a response."""
        self._answering.fail(response_id, reason)
        return self._outlet.drain()

    def expire(self, limit_minutes: int) -> list[Effect]:
        """The session has lasted as long as one may."""
        message = f"Your session hit the maximum duration of {limit_minutes} minutes."
        self._outlet.send_error(RefusedError("session_expired", message), None)
        self._outlet.ask(Close(1001, message))
        return self._outlet.drain()

    def _handle(self, event: Wire) -> None:
        match event["type"]:
            case "session.update":
                self._settings.update(event["session"], audio_was_output=self._answering.audio_was_output)
                self._outlet.send("session.updated", session=self._settings.wire)
                self._outlet.ask(Prepare(self._settings.tools))
                self._listening.follow_settings()
            case "input_audio_buffer.append":
                self._listening.append(event["audio"])
            case "input_audio_buffer.commit":
                self._listening.commit()
            case "input_audio_buffer.clear":
                self._listening.clear()
            case "conversation.item.create":
                self._create_item(event["item"], event.get("previous_item_id"))
            case "conversation.item.delete":
                self._conversation.remove(event["item_id"])
                self._outlet.send("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.retrieve":
                item = self._conversation.find(event["item_id"], "retrieve")
                self._outlet.send("conversation.item.retrieved", item=item.shown(with_audio=True))
            case "conversation.item.truncate":
                where = {key: event[key] for key in ("content_index", "audio_end_ms")}
                self._conversation.find(event["item_id"], "truncate").truncate(**where)
                self._outlet.send("conversation.item.truncated", item_id=event["item_id"], **where)
            case "response.create":
                self._answering.create(event.get("response") or {})
            case _:  # response.cancel: CLIENT_EVENT lets no other type through
                self._answering.cancel(event.get("response_id"))

    def _create_item(self, given: Wire, previous_item_id: str | None) -> None:
        item_id = given.get("id") or self._outlet.mint("item")
        if self._listening.awaits(item_id):
            wording = f"Error adding item: an item with id '{item_id}' already exists in the conversation."
            raise RefusedError("item_create_duplicate_item_id", wording, "item.id")
        item = client_item(given, item_id)
        self._conversation.insert(item, previous_item_id)
        self._outlet.reserve(item_id)
        previous = self._conversation.previous_id(item_id)
        self._outlet.send("conversation.item.added", item=item.shown(), previous_item_id=previous)
        self._outlet.send("conversation.item.done", item=item.shown(), previous_item_id=previous)

    def _response_ended(self, response: Response) -> None:
        self._listening.expect_silence(response.audio_ms)
