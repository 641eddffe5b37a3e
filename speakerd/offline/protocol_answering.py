"""The responses of a session: when one may begin, what it is asked, and who ends it. Pure.

At most one response writes to the default conversation at a time; others run beside it, out of band.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from speakerd.offline.brain import Part
from speakerd.offline.protocol_effects import Think, Words
from speakerd.offline.protocol_items import Conversation, Item, client_item, context_tokens, question, text_tokens
from speakerd.offline.protocol_outlet import Outlet
from speakerd.offline.protocol_responses import Plan, Reason, Response
from speakerd.offline.protocol_session import SessionSettings, Wire, one_modality, tool_specs
from speakerd.offline.protocol_shapes import RefusedError
from speakerd.offline.protocol_transcripts import Transcripts

_MOST_RESPONSES = 16
"""Responses at once; more are a client in a loop."""


class Answering:
    """The responses that are under way."""

    def __init__(
        self,
        outlet: Outlet,
        conversation: Conversation,
        settings: SessionSettings,
        transcripts: Transcripts,
        ended: Callable[[Response], None],
    ) -> None:
        self.audio_was_output = False
        """Some response has spoken: voice and model are frozen."""
        self._outlet = outlet
        self._conversation = conversation
        self._settings = settings
        self._transcripts = transcripts
        self._ended = ended
        self._responses: dict[str, Response] = {}

    @property
    def active(self) -> Response | None:
        """The response that writes to the default conversation."""
        return next((each for each in self._responses.values() if each.plan.conversation is not None), None)

    def create(self, overrides: Wire) -> None:
        """Begin a response; raises RefusedError."""
        in_band = (overrides.get("conversation") or "auto") == "auto"
        if in_band and self.active is not None:
            wording = f"Conversation already has an active response in progress: {self.active.response_id}. "
            advice = "Wait until the response is finished before creating a new one."
            raise RefusedError("conversation_already_has_active_response", wording + advice)
        if len(self._responses) >= _MOST_RESPONSES:
            raise RefusedError(
                "rate_limit_exceeded", f"More than {_MOST_RESPONSES} responses at once are not possible."
            )
        context = self._context(overrides.get("input"))
        plan = self._plan(overrides, context, self._conversation if in_band else None)
        response = Response(self._outlet.mint("resp"), plan, self._outlet)
        self._responses[response.response_id] = response
        asked = question(context)
        if isinstance(asked, Item):
            response.waits_for = asked
            self._transcripts.ask(asked, tell_client=False)
        else:
            self._outlet.ask(Think(response.response_id, asked, plan.tools))

    def cancel(self, response_id: str | None) -> None:
        """Cancel a response, or the active one; raises RefusedError."""
        response = self._responses.get(response_id) if response_id is not None else self.active
        if response is None:
            raise RefusedError("response_cancel_not_active", "Cancellation failed: no active response found")
        self._end(response, "cancelled", "client_cancelled")

    def interrupt(self) -> None:
        """The user speaks: cancel the active response."""
        if self.active is not None:
            self._end(self.active, "cancelled", "turn_detected")

    def heard(self, item: Item) -> None:
        """The words of an item are known."""
        for response in list(self._responses.values()):
            if response.waits_for is item:
                response.waits_for = None
                self._outlet.ask(Think(response.response_id, Words(item.transcript), response.plan.tools))

    def not_heard(self, item: Item, reason: str) -> None:
        """The words of an item will never be known."""
        for response in list(self._responses.values()):
            if response.waits_for is item:
                self.fail(response.response_id, reason)

    def take(self, response_id: str, parts: Sequence[Part]) -> None:
        """The brain decided."""
        self._advance(response_id, lambda response: response.take(parts))

    def play(self, response_id: str, pcm: bytes) -> None:
        """A piece of audio is ready."""
        self._advance(response_id, lambda response: response.play(pcm))

    def finish_message(self, response_id: str) -> None:
        """The text that was to be spoken is spoken."""
        self._advance(response_id, Response.finish_message)

    def fail(self, response_id: str, reason: str) -> None:
        """The brain failed."""
        response = self._responses.get(response_id)
        if response is not None:
            self._end(response, "failed", None, {"type": "server_error", "code": "server_error", "message": reason})

    def _end(self, response: Response, status: str, reason: Reason | None, error: Wire | None = None) -> None:
        self._advance(response.response_id, lambda each: each.end(status, reason, error))

    def _advance(self, response_id: str, change: Callable[[Response], None]) -> None:
        response = self._responses.get(response_id)
        if response is None:
            return
        change(response)
        self.audio_was_output = self.audio_was_output or response.audio_ms > 0
        if response.over:
            del self._responses[response_id]
            if response.plan.conversation is not None:
                self._conversation.save_memory()
                self._ended(response)

    def _context(self, given: Sequence[Wire] | None) -> Sequence[Item]:
        if given is None:
            return self._conversation.items
        return [self._input_item(wire, f"response.input[{index}]") for index, wire in enumerate(given)]

    def _input_item(self, wire: Wire, path: str) -> Item:
        if wire["type"] != "item_reference":
            return client_item(wire, wire.get("id") or self._outlet.mint("item"))
        item = self._conversation.get(wire["id"])
        if item is None:
            raise RefusedError(
                "invalid_value", f"Item with id '{wire['id']}' not found in the conversation.", f"{path}.id"
            )
        return item

    def _plan(self, overrides: Wire, context: Sequence[Item], conversation: Conversation | None) -> Plan:
        values = self._settings.for_response(overrides)
        text, audio = context_tokens(context)
        tools = text_tokens(json.dumps(values["tools"])) if values["tools"] else 0
        return Plan(
            tools=tool_specs(values["tools"], values["tool_choice"]),
            modality=one_modality(values["output_modalities"], "response.output_modalities"),
            most_tokens=values["max_output_tokens"],
            metadata=overrides.get("metadata"),
            voice=values["voice"],
            input_text_tokens=text_tokens(values["instructions"]) + tools + text,
            input_audio_tokens=audio,
            conversation=conversation,
            reports=tuple(item for item in context if item.kind == "function_call_output"),
        )
