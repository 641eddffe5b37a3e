"""What is said: the wake words, what only sounds like them, commands, and long texts."""

from __future__ import annotations

import re
from pathlib import Path

WAKE_WORDS = {"hey_jarvis": "hey jarvis", "alexa": "alexa", "hey_mycroft": "hey mycroft"}
COMMANDS = (
    "what time is it",
    "turn on the light in the kitchen",
    "set a timer for ten minutes",
    "how is the weather tomorrow",
)
HARD_NEGATIVES = (
    "hey Charles",
    "hey Jervis",
    "hey Jar",
    "Jarvis",
    "hey Travis",
    "hey Harvest",
    "hey Marvin",
    "hey Jasper",
    "hey jealous",
    "a jar of this",
    "pay the service",
    "they serve us",
    "He said hey. Jarvis was not there.",
    "We say hey to everyone. Jars of honey are on the shelf.",
    "I asked Jarvis about it yesterday.",
    "hey Siri",
    "ok Google",
    "computer",
    "Alex is here",
    "I like Texas",
    "a lexicon of words",
    "hey Microsoft",
    "hey Michael",
    "my croft is in Scotland",
    *COMMANDS,
)
_TEXTS = ("GPL-3", "Artistic", "MPL-2.0", "Apache-2.0", "LGPL-2.1", "GFDL-1.3", "MPL-1.1", "GPL-1")
_TEXT_FOLDER = Path("/usr/share/common-licenses")


def long_text() -> list[str]:
    """Paragraphs of the licences that Debian has on every machine, each of 80 to 1200 characters of plain ASCII."""
    texts = [(_TEXT_FOLDER / name).read_text(errors="replace") for name in _TEXTS if (_TEXT_FOLDER / name).exists()]
    paragraphs = [" ".join(part.split()) for text in texts for part in re.split(r"\n\s*\n", text)]
    readable = [re.sub(r"[^A-Za-z0-9 ,.;:()'-]", " ", part) for part in paragraphs]
    return [part for part in readable if 80 <= len(part) <= 1200]
