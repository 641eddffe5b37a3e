"""What things cost, to the billionth of a dollar; the arithmetic stands beside each row."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.usage import Usage
from speakerd.errors import ConfigurationError
from speakerd.ledger.prices import Quote, price_list
from speakerd.settings_budget import PriceRow, nano_usd

TODAY = date(2026, 11, 26)
TURN = Usage(text_in=1200, audio_in=300, cached_text_in=1024, cached_audio_in=128, text_out=40, audio_out=160)

COSTS: list[tuple[str, Usage, int]] = [
    ("gpt-realtime-2.1-mini", Usage(), 0),
    # Of $ per million tokens: 1 token of text in at 0.60 is 600 n$, of audio out at 20 is 20 000 n$.
    ("gpt-realtime-2.1-mini", Usage(text_in=1), 600),
    ("gpt-realtime-2.1-mini", Usage(audio_out=1), 20_000),
    # text (1200-1024)*600 = 105 600, cached 1024*60 = 61 440, out 40*2400 = 96 000: 263 040
    # audio (300-128)*10 000 = 1 720 000, cached 128*300 = 38 400, out 160*20 000 = 3 200 000: 4 958 400
    ("gpt-realtime-2.1-mini", TURN, 5_221_440),
    # text 176*4000 = 704 000, cached 1024*400 = 409 600, out 40*24 000 = 960 000: 2 073 600
    # audio 172*32 000 = 5 504 000, cached 128*400 = 51 200, out 160*64 000 = 10 240 000: 15 795 200
    ("gpt-realtime-2.1", TURN, 17_868_800),
    ("gpt-realtime-2.1-2026-09-30", TURN, 17_868_800),
    ("gpt-realtime-2", TURN, 17_868_800),
    # as above, but text out 40*16 000 = 640 000: 17 868 800 - 960 000 + 640 000
    ("gpt-realtime-1.5", TURN, 17_548_800),
    # A date that begins with a 2 makes no gpt-realtime-2 of it.
    ("gpt-realtime-2025-08-28", TURN, 17_548_800),
    # pictures (500-100)*800 = 320 000, cached 100*80 = 8 000
    ("gpt-realtime-2.1-mini", Usage(image_in=500, cached_image_in=100), 328_000),
    # An hour of talk: 36 000 tokens in at 10 000 = 360 000 000, 72 000 out at 20 000 = 1 440 000 000: $1.80
    ("gpt-realtime-2.1-mini", Usage(audio_in=36_000, audio_out=72_000), 1_800_000_000),
    # Transcripts by the minute: 0.0045 $ is 4 500 000 n$; 10 s is a sixth; 1 ms is 75 n$
    ("gpt-transcribe", Usage(seconds=60.0), 4_500_000),
    ("gpt-transcribe", Usage(seconds=10.0), 750_000),
    ("gpt-transcribe", Usage(seconds=0.001), 75),
    # 17 000 000 n$ / 60 000 = 283.33 n$ for a millisecond: never less than the bill
    ("gpt-live-transcribe", Usage(seconds=0.001), 284),
    ("gpt-live-transcribe", Usage(seconds=90.0), 25_500_000),
    # Transcripts by token: 100*6000 + 20*10 000
    ("gpt-4o-transcribe", Usage(audio_in=100, text_out=20), 800_000),
    ("gpt-4o-mini-transcribe-2025-12-15", Usage(audio_in=100, text_out=20), 400_000),
    # What no server can mean: more cached than in is all cached; less than nothing is nothing.
    ("gpt-realtime-2.1-mini", Usage(text_in=10, cached_text_in=20), 600),
    ("gpt-realtime-2.1-mini", Usage(text_in=-5, cached_text_in=-7, text_out=-1, seconds=-3.0), 0),
    ("gpt-transcribe", Usage(seconds=float("nan")), 0),
    # At most a day, 1440 minutes, and a thousand million tokens
    ("gpt-transcribe", Usage(seconds=float("inf")), 1440 * 4_500_000),
    ("gpt-realtime-2.1-mini", Usage(text_in=10**30), 10**9 * 600),
]


@pytest.mark.parametrize(("model", "usage", "nano"), COSTS)
def test_what_it_costs(model: str, usage: Usage, nano: int) -> None:
    assert price_list().quote(model, usage, TODAY) == Quote(nano, "")


@pytest.mark.parametrize(
    ("model", "usage", "nano"),
    [
        # The dearest of each: text 4000, cached 2500 (gpt-4o-transcribe), out 24 000; audio 32 000, 6000, 64 000
        # 176*4000 + 1024*2500 + 40*24 000 + 172*32 000 + 128*6000 + 160*64 000
        ("gpt-realtime-3", TURN, 704_000 + 2_560_000 + 960_000 + 5_504_000 + 768_000 + 10_240_000),
        ("gpt-realtime-20", Usage(text_out=1), 24_000),
        ("", Usage(audio_in=1), 32_000),
        ("new-transcribe", Usage(seconds=60.0), 17_000_000),
        # A model that we know, used as we do not know it
        ("gpt-transcribe", Usage(audio_in=1), 32_000),
        ("gpt-realtime-2.1-mini", Usage(text_in=1, seconds=60.0), 17_000_600),
    ],
)
def test_what_is_not_known_counts_at_the_dearest_price(model: str, usage: Usage, nano: int) -> None:
    assert price_list().quote(model, usage, TODAY) == Quote(nano, "", is_guessed=True)


OWNERS = [
    PriceRow("my-deployment", text_in_usd=1.5),
    PriceRow("my-*", text_in_usd=7.0, text_out_usd=9.0),
    PriceRow("gpt-realtime-2.1-mini", since="2026-11-27", text_in_usd=0.7),
    PriceRow("gpt-realtime-2.1-mini", since="2026-12-01", text_in_usd=0.8),
    PriceRow("grok-*", since="2026-12-01", text_in_usd=2.0),
    PriceRow("grok-*", since="2027-01-01", text_in_usd=3.0),
]


@pytest.mark.parametrize(
    ("model", "day", "usage", "quote"),
    [
        ("my-deployment", TODAY, Usage(text_in=1), Quote(1_500, "")),
        ("my-other", TODAY, Usage(text_in=1), Quote(7_000, "")),
        # What the exact row leaves open, a wider one may know.
        ("my-deployment", TODAY, Usage(text_out=1), Quote(9_000, "")),
        # A price counts from its first day on; what the owner's leaves open is ours.
        ("gpt-realtime-2.1-mini", TODAY, Usage(text_in=1, text_out=1), Quote(600 + 2_400, "")),
        ("gpt-realtime-2.1-mini", date(2026, 11, 27), Usage(text_in=1, text_out=1), Quote(700 + 2_400, "2026-11-27")),
        ("gpt-realtime-2.1-mini", date(2026, 11, 30), Usage(text_in=1), Quote(700, "2026-11-27")),
        ("gpt-realtime-2.1-mini", date(2026, 12, 1), Usage(text_in=1), Quote(800, "2026-12-01")),
        # Before the first day of all the oldest price is the nearest.
        ("grok-2", TODAY, Usage(text_in=1), Quote(2_000, "2026-12-01")),
        ("grok-2", date(2027, 6, 1), Usage(text_in=1), Quote(3_000, "2027-01-01")),
        # The owner's price goes before ours, even if it is the dearest that is known.
        ("new", TODAY, Usage(text_in=1), Quote(7_000, "", is_guessed=True)),
    ],
)
def test_the_owner_s_prices_go_before_ours(model: str, day: date, usage: Usage, quote: Quote) -> None:
    prices = price_list(OWNERS)
    assert prices.quote(model, usage, day) == quote
    assert prices.quote(model, usage, day) == quote, "and are found again"


def test_many_models_and_days_are_not_remembered_for_ever() -> None:
    prices = price_list()
    for day in range(1, 29):
        prices.quote("gpt-realtime-2", Usage(), date(2026, 11, day))
    assert len(prices._found) <= 16


def added(one: Usage, other: Usage) -> Usage:
    return Usage(*(getattr(one, name) + getattr(other, name) for name in Usage.__slots__))


def usage(fresh: tuple[int, int, int], cached: tuple[int, int, int], out: tuple[int, int]) -> Usage:
    text_in, audio_in, image_in = (a + b for a, b in zip(fresh, cached, strict=True))
    return Usage(text_in, audio_in, image_in, *cached, *out)


counts = st.integers(0, 1_000_000)
usages = st.builds(
    usage, st.tuples(counts, counts, counts), st.tuples(counts, counts, counts), st.tuples(counts, counts)
)


@given(usages, usages, st.sampled_from(["gpt-realtime-2.1", "gpt-realtime-2.1-mini", "nobody-knows"]))
def test_what_is_used_in_two_responses_costs_what_it_costs_in_one(one: Usage, other: Usage, model: str) -> None:
    def nano(used: Usage) -> int:
        return price_list().quote(model, used, TODAY).nano_usd

    assert nano(one) + nano(other) == nano(added(one, other))


@pytest.mark.parametrize(("usd", "nano"), [(0.0, 0), (0.5, 500_000_000), (0.1, 100_000_000), (10.0, 10**10)])
def test_a_limit_is_exactly_what_the_owner_wrote(usd: float, nano: int) -> None:
    assert nano_usd(usd) == nano


def test_a_price_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r'"budget.prices\[1\].text_in_usd" must have at most 3 decimals'):
        price_list([PriceRow("m", text_in_usd=0.0005)])
