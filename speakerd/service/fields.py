"""The fields of the journal beside the message, as `journalctl -u speakerd -o json` shows them: all of them are here.

They are ids, kinds and figures; never what was said, asked of a tool, or a key. Outside systemd there are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "EVENT": "what has happened, by its name in the code, such as SessionOpened",
    "PHASE": "what the speaker does after it: idle, opening, listening, thinking or speaking",
    "SESSION": "the number of the session with an endpoint that it is about; it counts up from 1",
    "ENDPOINT": "the endpoint that it is about, by its name in the settings",
    "ITEM": "the endpoint's id of what is being said",
    "TOOL": "the tool that was called",
    "DECISION": "what became of a call: allowed, refused or waiting",
    "REASON": "why: policy, too many calls, button, a wrong code, …",
    "ASKER": "who wanted it: voice, text (the control socket), or word (a wake word that calls a tool)",
    "COST_USD": "dollars: of the conversation that is over, or of what has reached its limit",
    "LATENCY_MS": "milliseconds that were waited: for the first sound of an answer, from when the end of your turn was "
    "noticed, or for a tool",
    "FAULT": "why something failed, in one of the words that `speakerd status` has",
}
"""Name → what it tells."""

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


def identifier(text: str) -> str | None:
    """An id or a name from elsewhere if it looks like one; None for what may be anything."""
    return text if _ID.fullmatch(text) else None


def fields(**known: object) -> Mapping[str, str]:
    """What to hand to a logger as `extra`: the names in capitals, without those that are None."""
    return {name.upper(): str(value) for name, value in known.items() if value is not None}
