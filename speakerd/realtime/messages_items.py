"""The wire form of what we put into a conversation ourselves: what was said in an earlier session, and facts.

The item ids are ours, so that we can name the items later without waiting for the server.
"""

from __future__ import annotations

from speakerd.core.events import Talker
from speakerd.realtime.history import Call, Output, Said, Words
from speakerd.realtime.messages import ClientEvent

FIRST = "root"
"""In the place of the item before: the conversation begins here."""


def told(said: Said, after: str | None = None) -> ClientEvent:
    """Tells what was said, behind another item (FIRST for none) or at the end."""
    place = {} if after is None else {"previous_item_id": after}
    return {"type": "conversation.item.create", "item": {"id": said.item_id, **_content(said)}, **place}


def facts(item_id: str, text: str) -> ClientEvent:
    """Tells the model what nobody said."""
    return {"type": "conversation.item.create", "item": {"id": item_id, **_message("system", "input_text", text)}}


def _content(said: Said) -> dict[str, object]:
    match said:
        case Words(_, talker, text):
            is_user = talker is Talker.USER
            return _message("user", "input_text", text) if is_user else _message("assistant", "output_text", text)
        case Call(_, call):
            arguments = {"name": call.name, "arguments": call.arguments}
            return {"type": "function_call", "call_id": call.call_id, **arguments}
        case Output(_, call_id, output):
            return {"type": "function_call_output", "call_id": call_id, "output": output}


def _message(role: str, kind: str, text: str) -> dict[str, object]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
