"""What one session's server knows from us alone: what was said in earlier sessions, and facts. Pure.

Its methods return what to send for a change.
"""

from __future__ import annotations

from collections.abc import Mapping

from speakerd.realtime import messages, messages_items
from speakerd.realtime.history import OWN, Said
from speakerd.realtime.messages import ClientEvent


class Told:
    """The items that we put in, by the ids that they were born with."""

    def __init__(self, session: int, said: Mapping[str, Said]) -> None:
        self._session = session
        self._said = dict(said)
        self._facts_told = 0
        self._facts_id = ""

    def __contains__(self, item_id: str) -> bool:
        """Whether an item of an earlier session was told."""
        return item_id in self._said

    def all_said(self) -> list[ClientEvent]:
        """Tell what was said, in order."""
        return [messages_items.told(said) for said in self._said.values()]

    def revise(self, item_id: str, now: Said | None) -> list[ClientEvent]:
        """Tell an item again, in its place, of which less is true now, or nothing."""
        before = self._said[item_id]
        if now == before:
            return []
        removal = messages.delete_item(before.item_id)
        ids = list(self._said)
        place = ids.index(item_id)
        after = self._said[ids[place - 1]].item_id if place else messages_items.FIRST
        if now is None:
            del self._said[item_id]
            return [removal]
        self._said[item_id] = now
        return [removal, messages_items.told(now, after)]

    def tell_facts(self, text: str) -> list[ClientEvent]:
        """Tell what changes from turn to turn, in place of what was told before; nothing for an empty text."""
        removal = self.forget_facts()
        if not text:
            return removal
        self._facts_told += 1
        self._facts_id = f"{OWN}facts_{self._session}_{self._facts_told}"
        return [*removal, messages_items.facts(self._facts_id, text)]

    def forget_facts(self) -> list[ClientEvent]:
        """Remove them."""
        facts_id, self._facts_id = self._facts_id, ""
        return [messages.delete_item(facts_id)] if facts_id else []
