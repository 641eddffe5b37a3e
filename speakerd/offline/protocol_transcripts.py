"""Which user items are being turned into words, and what the client is told of it. Pure."""

from __future__ import annotations

from speakerd.offline.protocol_effects import Transcribe
from speakerd.offline.protocol_items import Conversation, Item
from speakerd.offline.protocol_outlet import Outlet
from speakerd.offline.protocol_session import SessionSettings


class Transcripts:
    """The transcriptions under way."""

    def __init__(self, outlet: Outlet, conversation: Conversation, settings: SessionSettings) -> None:
        self._outlet = outlet
        self._conversation = conversation
        self._settings = settings
        self._under_way: dict[str, Item] = {}
        self._told: set[str] = set()

    def ask(self, item: Item, *, tell_client: bool) -> None:
        """Have an item transcribed, once; the client is told only of what came through the input audio buffer."""
        if item.item_id in self._under_way:
            return
        self._under_way[item.item_id] = item
        if tell_client and self._settings.transcribes:
            self._told.add(item.item_id)
        pcm = b"".join(bytes(item.audio[index]) for index in sorted(item.audio))
        self._outlet.ask(Transcribe(item.item_id, pcm, self._settings.tools))

    def complete(self, item_id: str, text: str) -> Item | None:
        """Put the words into the item; None when nobody waits for them any more."""
        item = self._under_way.pop(item_id, None)
        if item is None:
            return None
        item.hear(text)
        if self._is_told(item):
            head = {"item_id": item_id, "content_index": 0}
            kind = "conversation.item.input_audio_transcription"
            if text:
                self._outlet.send(f"{kind}.delta", **head, delta=text)
            usage = {"type": "duration", "seconds": item.audio_ms / 1000}
            self._outlet.send(f"{kind}.completed", **head, transcript=text, usage=usage)
        return item

    def fail(self, item_id: str, reason: str) -> Item | None:
        """Leave the item without words; None when nobody waits for them any more."""
        item = self._under_way.pop(item_id, None)
        if item is None:
            return None
        item.hear("")
        if self._is_told(item):
            error = {"type": "server_error", "code": "transcription_failed", "message": reason, "param": None}
            kind = "conversation.item.input_audio_transcription.failed"
            self._outlet.send(kind, item_id=item_id, content_index=0, error=error)
        return item

    def _is_told(self, item: Item) -> bool:
        told = item.item_id in self._told
        self._told.discard(item.item_id)
        return told and self._conversation.get(item.item_id) is item
