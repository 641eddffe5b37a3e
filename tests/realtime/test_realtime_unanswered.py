"""Which of the user's sound is kept: all to which no answer was heard, nothing else, and never much."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.unanswered import Unanswered

Doing = Callable[[Unanswered], object]


def sent(text: str) -> Doing:
    """One letter for each 100 ms."""
    return lambda kept: kept.sent(b"".join(letter.encode() * 4800 for letter in text))


def began(item_id: str, start_ms: int | None = None) -> Doing:
    return lambda kept: kept.began(item_id, start_ms)


def stopped(item_id: str, end_ms: int | None = None) -> Doing:
    return lambda kept: kept.stopped(item_id, end_ms)


def created(response_id: str) -> Doing:
    return lambda kept: kept.created(response_id)


def answered(response_id: str) -> Doing:
    return lambda kept: kept.answered(response_id)


def short(kept: Unanswered) -> str:
    assert len(kept.pcm) % 4800 == 0
    return kept.pcm[::4800].decode()


STORIES: list[tuple[str, list[Doing], str, list[str]]] = [
    ("nothing", [], "", []),
    ("the user still speaks", [sent("abc"), began("u1", 100), sent("d")], "abcd", ["u1"]),
    (
        "the silence before the user began is of no use, but for half a second",
        [sent("abcdefghijkl"), began("u1", 800), sent("m")],
        "defghijklm",
        ["u1"],
    ),
    ("the utterance is over", [sent("abc"), began("u1", 0), stopped("u1", 200)], "abc", ["u1"]),
    (
        "a response is being made",
        [sent("abc"), began("u1", 0), stopped("u1", 200), created("r1")],
        "abc",
        ["u1"],
    ),
    (
        "it is answered, and what came after it is kept",
        [sent("abc"), began("u1", 0), stopped("u1", 200), created("r1"), sent("d"), answered("r1")],
        "cd",
        [],
    ),
    (
        "answered by the next one, too",
        [sent("abc"), began("u1", 0), stopped("u1", 200), created("r1"), answered("r1"), answered("r1"), sent("d")],
        "cd",
        [],
    ),
    (
        "the user went on before he was answered",
        [
            *(sent("ab"), began("u1", 0), stopped("u1", 200), created("r1")),
            *(sent("cd"), began("u2", 300), stopped("u2", 400)),
        ],
        "abcd",
        ["u1", "u2"],
    ),
    (
        "both are answered by one",
        [
            *(sent("ab"), began("u1", 0), stopped("u1", 200), created("r1")),
            *(sent("cde"), began("u2", 300), stopped("u2", 400), created("r2"), answered("r2")),
        ],
        "e",
        [],
    ),
    (
        "an answer that comes late answers only what was before it",
        [
            *(sent("ab"), began("u1", 0), stopped("u1", 200), created("r1")),
            *(sent("cd"), began("u2", 300), stopped("u2", 400), answered("r1")),
        ],
        "cd",
        ["u2"],
    ),
    (
        "the user begins while a tool's answer is made",
        [sent("ab"), began("u1", 100), created("r1"), answered("r1")],
        "b",
        ["u1"],
    ),
    ("answered although nobody spoke: a typed question", [sent("ab"), created("r1"), answered("r1")], "", []),
    ("committed by us", [sent("ab"), stopped(""), sent("c"), stopped("u1"), created("r1"), answered("r1")], "c", []),
    ("committed by us, not answered", [sent("ab"), stopped(""), stopped("u1"), created("r1")], "ab", ["u1"]),
    (
        "committed by us while the answer to what was before began: the server did not know of it",
        [sent("a"), stopped(""), stopped("u1"), sent("b"), stopped(""), created("r1"), answered("r1")],
        "b",
        [],
    ),
    (
        "committed by us, and no item has a name",
        [sent("a"), stopped(""), created("r1"), sent("b"), answered("r1")],
        "b",
        [],
    ),
    ("committed, of which no beginning was told", [sent("ab"), stopped("u1"), sent("c")], "abc", ["u1"]),
    (
        "a server that names no places",
        [sent("ab"), began("u1"), stopped("u1"), created("r1"), sent("c"), answered("r1")],
        "c",
        [],
    ),
    (
        "a server whose places are wrong",
        [sent("ab"), began("u1", 99_000), stopped("u1", 99_000), created("r1"), sent("c"), answered("r1")],
        "c",
        [],
    ),
    (
        "the end is told twice",
        [sent("ab"), stopped("u1", 100), stopped("u1", 200), created("r"), answered("r")],
        "b",
        [],
    ),
    ("an answer that nobody knows", [sent("ab"), answered("r9")], "ab", []),
]


@pytest.mark.parametrize(("doings", "held", "items"), [story[1:] for story in STORIES], ids=[s[0] for s in STORIES])
def test_what_is_kept(doings: list[Doing], held: str, items: list[str]) -> None:
    kept = Unanswered()
    for doing in doings:
        doing(kept)
    assert short(kept) == held
    assert kept.item_ids == items


def test_half_a_minute_at_most() -> None:
    kept = Unanswered()
    for second in range(100):
        kept.sent(bytes([second]) * 48_000)
        kept.stopped(f"u{second}")
        kept.created(f"r{second}")
    assert kept.pcm == b"".join(bytes([second]) * 48_000 for second in range(70, 100))
    assert len(kept.item_ids) == 64
    assert len(kept._covered) == 64


NAMES = st.sampled_from(["u1", "u2", "u3"])
RESPONSES = st.sampled_from(["r1", "r2"])
DOINGS: st.SearchStrategy[Doing] = st.one_of(
    st.builds(sent, st.text("abcdefgh", min_size=1, max_size=5)),
    st.builds(began, NAMES, st.none() | st.integers(0, 3000)),
    st.builds(stopped, NAMES | st.just(""), st.none() | st.integers(0, 3000)),
    st.builds(created, RESPONSES),
    st.builds(answered, RESPONSES),
)


@given(st.lists(DOINGS, max_size=30))
def test_whatever_is_told_the_newest_sound_is_kept(doings: list[Doing]) -> None:
    kept, everything = Unanswered(), b""
    for doing in doings:
        before = kept._end
        doing(kept)
        everything += kept.pcm[len(kept.pcm) - (kept._end - before) :] if kept._end > before else b""
        assert kept._end >= before
        assert everything.endswith(kept.pcm)
        assert len(everything) == kept._end
