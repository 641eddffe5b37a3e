"""What something cost is read however a server tells it, and never as less than it says in all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeResponseUsage
from openai.types.realtime.conversation_item_input_audio_transcription_completed_event import (
    UsageTranscriptTextUsageDuration,
    UsageTranscriptTextUsageTokens,
)

from speakerd.core.usage import Usage
from speakerd.realtime.messages_usage import response_usage, transcription_usage

WHOLE = {
    "total_tokens": 560,
    "input_tokens": 450,
    "output_tokens": 110,
    "input_token_details": {
        "text_tokens": 150,
        "audio_tokens": 250,
        "image_tokens": 50,
        "cached_tokens": 240,
        "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 64, "image_tokens": 48},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 80},
}
INTO = {"text_tokens": 100, "image_tokens": 40, "audio_tokens": 60}


def cached(**details: object) -> dict[str, object]:
    return {"input_tokens": 200, "input_token_details": {**INTO, **details}}


RESPONSES: list[tuple[str, object, Usage | None]] = [
    ("all is told", WHOLE, Usage(150, 250, 50, 128, 64, 48, 30, 80)),
    ("nothing", None, None),
    ("an empty table, as of xAI", {}, None),
    ("no table", 5, None),
    ("only sums: the dearest kind", {"input_tokens": 30, "output_tokens": 7}, Usage(audio_in=30, audio_out=7)),
    (
        "zeros, as of a local server",
        {"input_tokens": 0, "output_tokens": 0, "input_token_details": {"text_tokens": 0}},
        Usage(),
    ),
    (
        "a part of what went in has no name: the dearest kind",
        {"input_tokens": 30, "input_token_details": {"text_tokens": 10, "audio_tokens": 5}},
        Usage(text_in=10, audio_in=20),
    ),
    (
        "thoughts are text",
        {"output_tokens": 500, "output_token_details": {"text_tokens": 10, "audio_tokens": 40}},
        Usage(text_out=460, audio_out=40),
    ),
    ("cached without details: text first", cached(cached_tokens=64), Usage(100, 60, 40, cached_text_in=64)),
    (
        "cached without details: then images, then sound",
        cached(cached_tokens=192),
        Usage(100, 60, 40, cached_text_in=100, cached_image_in=40, cached_audio_in=52),
    ),
    (
        "more cached than there was",
        cached(cached_tokens=9999),
        Usage(100, 60, 40, cached_text_in=100, cached_image_in=40, cached_audio_in=60),
    ),
    (
        "more cached of each than there was",
        cached(cached_tokens_details={"text_tokens": 999, "audio_tokens": 999, "image_tokens": 999}),
        Usage(100, 60, 40, cached_text_in=100, cached_image_in=40, cached_audio_in=60),
    ),
    (
        "numbers that cannot be",
        {
            "input_tokens": "400",
            "output_tokens": -7,
            "input_token_details": {"text_tokens": True, "audio_tokens": 10**30, "cached_tokens": math.nan},
            "output_token_details": {"text_tokens": math.inf, "audio_tokens": [3]},
        },
        Usage(),
    ),
    ("tables that cannot be", {"input_tokens": 3, "input_token_details": 4}, Usage(audio_in=3)),
    ("halves count whole", {"output_token_details": {"text_tokens": 2.5}}, Usage(text_out=3)),
]


@pytest.mark.parametrize(("value", "usage"), [row[1:] for row in RESPONSES], ids=[row[0] for row in RESPONSES])
def test_a_response(value: object, usage: Usage | None) -> None:
    assert response_usage(value) == usage


TRANSCRIPTIONS: list[tuple[str, object, Usage | None]] = [
    (
        "tokens",
        {
            "type": "tokens",
            "total_tokens": 35,
            "input_tokens": 26,
            "output_tokens": 9,
            "input_token_details": {"text_tokens": 3, "audio_tokens": 23},
        },
        Usage(text_in=3, audio_in=23, text_out=9),
    ),
    (
        "tokens without details",
        {"type": "tokens", "total_tokens": 35, "input_tokens": 26, "output_tokens": 9},
        Usage(audio_in=26, text_out=9),
    ),
    ("seconds", {"type": "duration", "seconds": 1.74}, Usage(seconds=1.74)),
    ("seconds that cannot be", {"type": "duration", "seconds": "2"}, Usage()),
    ("nothing", None, None),
    ("no table", "free", None),
]


@pytest.mark.parametrize(
    ("value", "usage"), [row[1:] for row in TRANSCRIPTIONS], ids=[row[0] for row in TRANSCRIPTIONS]
)
def test_a_transcription(value: object, usage: Usage | None) -> None:
    assert transcription_usage(value) == usage


def test_the_whole_ones_are_what_the_sdk_says() -> None:
    RealtimeResponseUsage.model_validate(WHOLE, strict=True)
    UsageTranscriptTextUsageTokens.model_validate(TRANSCRIPTIONS[0][1], strict=True)
    UsageTranscriptTextUsageDuration.model_validate(TRANSCRIPTIONS[2][1], strict=True)


NUMBERS = st.integers(-10, 3000) | st.floats() | st.none() | st.text(max_size=2) | st.booleans()
COUNTS = st.integers(0, 3000)
KINDS = st.fixed_dictionaries({}, optional=dict.fromkeys(("text_tokens", "audio_tokens", "image_tokens"), COUNTS))
HONEST = st.fixed_dictionaries(
    {"input_tokens": COUNTS, "output_tokens": COUNTS},
    optional={"input_token_details": KINDS, "output_token_details": KINDS},
)


@given(HONEST)
def test_never_less_than_in_all(value: Mapping[str, Any]) -> None:
    usage = response_usage(value)
    assert usage is not None
    assert usage.text_in + usage.audio_in + usage.image_in >= value["input_tokens"]
    assert usage.text_out + usage.audio_out >= value["output_tokens"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["type", "seconds", "input_tokens", "output_tokens", "input_token_details"]),
        NUMBERS
        | st.dictionaries(
            st.sampled_from(["text_tokens", "audio_tokens", "image_tokens", "cached_tokens", "cached_tokens_details"]),
            NUMBERS | st.dictionaries(st.sampled_from(["text_tokens", "audio_tokens", "image_tokens"]), NUMBERS),
        ),
    )
)
def test_whatever_is_told_can_be_booked(value: Mapping[str, Any]) -> None:
    for usage in (response_usage(value), transcription_usage({**value, "type": "duration"})):
        if usage is not None:
            assert all(0 <= number < math.inf for number in asdict(usage).values())
            assert usage.cached_text_in <= usage.text_in
            assert usage.cached_audio_in <= usage.audio_in
            assert usage.cached_image_in <= usage.image_in
