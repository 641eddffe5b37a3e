"""What users call their timers and alarms, as it is compared and spoken. Pure."""

from __future__ import annotations

import re

from speakerd.tools.spoken import spoken_number

_LONGEST_LABEL = 40


def plain_label(label: str, kind: str) -> str:
    """A label without case, article and the kind itself: `tea` for "the Tea timer"."""
    words = label.casefold().replace("-", " ").split()
    if words and words[0] in ("the", "my", "a"):
        words = words[1:]
    if words and words[-1] in (kind, f"{kind}s"):
        words = words[:-1]
    words = [spoken_number(int(word)) if re.fullmatch("[0-9]{1,2}", word) else word for word in words]
    return " ".join(words)[:_LONGEST_LABEL].strip()
