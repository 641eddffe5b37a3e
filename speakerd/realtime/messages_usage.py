"""What the server says that something cost → `Usage`. Pure; nothing is raised, whatever the server says.

What it does not break down counts as the dearest kind, so that a budget is never told too little; numbers that cannot
be (text, negatives, more than any model takes) count as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from speakerd.core.usage import Usage

_MOST = 10_000_000
"""More tokens, or seconds, than any model takes or gives at once."""


def response_usage(value: object) -> Usage | None:
    """The tokens of a response; None where the server does not tell any."""
    usage = _table(value)
    if not usage:
        return None
    into, out = _table(usage.get("input_token_details")), _table(usage.get("output_token_details"))
    text, image = _count(into, "text_tokens"), _count(into, "image_tokens")
    audio = max(_count(into, "audio_tokens"), _count(usage, "input_tokens") - text - image)
    spoken, written = _count(out, "audio_tokens"), _count(out, "text_tokens")
    unnamed = max(0, _count(usage, "output_tokens") - spoken - written)
    # Beside details that are there, only thoughts go without a name, and those are text.
    spoken, written = (spoken, written + unnamed) if out else (spoken + unnamed, written)
    cached_text, cached_image, cached_audio = _cached(into, text, image, audio)
    return Usage(
        text_in=text,
        audio_in=audio,
        image_in=image,
        cached_text_in=cached_text,
        cached_audio_in=cached_audio,
        cached_image_in=cached_image,
        text_out=written,
        audio_out=spoken,
    )


def transcription_usage(value: object) -> Usage | None:
    """The tokens, or the seconds, of writing the input down; None where the server does not tell any."""
    usage = _table(value)
    if not usage:
        return None
    if usage.get("type") == "duration":
        return Usage(seconds=_amount(usage.get("seconds")))
    into = _table(usage.get("input_token_details"))
    text = _count(into, "text_tokens")
    audio = max(_count(into, "audio_tokens"), _count(usage, "input_tokens") - text)
    return Usage(text_in=text, audio_in=audio, text_out=_count(usage, "output_tokens"))


def _cached(into: Mapping[str, object], text: int, image: int, audio: int) -> tuple[int, int, int]:
    """How much of the text, images and audio was cached, which is cheaper; never more than there was."""
    details = _table(into.get("cached_tokens_details"))
    if details:
        named = (_count(details, f"{kind}_tokens") for kind in ("text", "image", "audio"))
        cached_text, cached_image, cached_audio = named
        return min(cached_text, text), min(cached_image, image), min(cached_audio, audio)
    # Text first: it stands at the beginning, and there the discount is smallest.
    left = _count(into, "cached_tokens")
    cached_text = min(left, text)
    cached_image = min(left - cached_text, image)
    return cached_text, cached_image, min(left - cached_text - cached_image, audio)


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _count(table: Mapping[str, object], key: str) -> int:
    return math.ceil(_amount(table.get(key)))


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 <= value <= _MOST else 0
