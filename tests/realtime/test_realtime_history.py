"""What a new session is told of the ones before: what was said and heard, in order, within bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speakerd.core.events import Talker
from speakerd.realtime import received
from speakerd.realtime.history import Call, History, Output, Said, Words
from speakerd.realtime.received import FunctionCall

SECOND_BYTES = 48_000
CLOCK = FunctionCall("c1", "clock", "{}")
TIMER = FunctionCall("c2", "timer", '{"minutes": 5}')

Doing = received.ServerMessage | Callable[[History], object]


def heard(item_id: str, seconds: float) -> Doing:
    return lambda history: history.add_sound(item_id, int(seconds * SECOND_BYTES))


def cut(item_id: str, heard_ms: int) -> Doing:
    return lambda history: history.cut(item_id, heard_ms)


def deleted(item_id: str) -> Doing:
    return lambda history: history.delete(item_id)


def called(call: FunctionCall) -> Doing:
    return lambda history: history.add_call(call)


def returned(call_id: str, output: str) -> Doing:
    return lambda history: history.add_output(call_id, output)


def wrote(text: str) -> Doing:
    return lambda history: history.add_text(text)


def after(*doings: Doing) -> History:
    history = History(7)
    for doing in doings:
        if callable(doing):
            doing(history)
        else:
            history.take(doing)
    return history


def short(said: Said) -> tuple[str, ...]:
    match said:
        case Words(_, talker, text):
            return talker.value, text
        case Call(_, call):
            return "call", call.call_id
        case Output(_, call_id, output):
            return "output", call_id, output


TEN_WORDS = "one two three four five six seven eight nine ten"

STORIES: list[tuple[str, list[Doing], list[tuple[str, ...]]]] = [
    ("nothing", [], []),
    (
        "the user's words keep their place, though they come after the answer",
        [
            received.SpeechStarted("u1"),
            received.Committed("u1"),
            received.OutputItemAdded("r1", "a1"),
            received.TranscriptDelta("a1", "It is"),
            received.TranscriptDelta("a1", " noon."),
            received.TranscriptDone("a1", "It is noon."),
            received.InputTranscribed("u1", "What time is it?"),
        ],
        [("user", "What time is it?"), ("assistant", "It is noon.")],
    ),
    (
        "a server that tells of no beginning tells of the item",
        [
            received.ItemAdded("u1"),
            received.TranscriptDone("a1", "Hello."),
            received.InputTranscribed("u1", "Hi."),
        ],
        [("user", "Hi."), ("assistant", "Hello.")],
    ),
    ("what was not understood is not told", [received.SpeechStarted("u1"), received.InputTranscribed("u1", " ")], []),
    ("typed words", [wrote("hello"), received.ItemAdded("own_said_7_1")], [("user", "hello")]),
    ("words up to a break", [received.TranscriptDelta("a1", "It is no")], [("assistant", "It is no")]),
    (
        "calls and outputs, also of a call that still runs",
        [called(CLOCK), called(TIMER), called(CLOCK), returned("c1", "noon"), returned("c1", "one")],
        [("call", "c1"), ("call", "c2"), ("output", "c1", "noon")],
    ),
    ("an output without its call", [returned("c1", "noon")], []),
    (
        "half of it was heard",
        [received.TranscriptDone("a1", TEN_WORDS), heard("a1", 10), cut("a1", 5000)],
        [("assistant", "one two three four five")],
    ),
    (
        "half a word is no word",
        [received.TranscriptDone("a1", TEN_WORDS), heard("a1", 10), cut("a1", 4500)],
        [("assistant", "one two three four")],
    ),
    (
        "more than all was heard",
        [received.TranscriptDone("a1", TEN_WORDS), heard("a1", 10), cut("a1", 99_000)],
        [("assistant", TEN_WORDS)],
    ),
    (
        "less than a word was heard",
        [received.TranscriptDone("a1", "Nevertheless, no."), heard("a1", 10), cut("a1", 100)],
        [],
    ),
    (
        "a second cut never gives words back",
        [
            received.TranscriptDone("a1", TEN_WORDS),
            heard("a1", 10),
            cut("a1", 5000),
            received.ItemTruncated("a1", 9000),
        ],
        [("assistant", "one two three four five")],
    ),
    (
        "the server cuts by itself",
        [received.TranscriptDone("a1", TEN_WORDS), heard("a1", 10), received.ItemTruncated("a1", 5000)],
        [("assistant", "one two three four five")],
    ),
    (
        "words of what was never played",
        [
            received.TranscriptDelta("a1", "one two "),
            heard("a1", 1),
            cut("a1", 1000),
            received.TranscriptDone("a1", TEN_WORDS),
        ],
        [("assistant", "one two ")],
    ),
    (
        "words that come after the cut, as some servers send them",
        [
            heard("a1", 10),
            cut("a1", 5000),
            received.TranscriptDelta("a1", "one "),
            received.TranscriptDone("a1", TEN_WORDS),
        ],
        [("assistant", "one two three four five")],
    ),
    (
        "a script without spaces",
        [received.TranscriptDone("a1", "今日は晴れです"), heard("a1", 7), cut("a1", 3000)],
        [("assistant", "今日は")],
    ),
    (
        "an answer in text alone was not played",
        [received.TranscriptDone("a1", "Hello."), cut("a1", 0)],
        [("assistant", "Hello.")],
    ),
    (
        "what was deleted does not come back",
        [received.TranscriptDelta("a1", "It"), deleted("a1"), received.TranscriptDone("a1", "It is."), heard("a1", 1)],
        [],
    ),
    (
        "what the server deleted",
        [received.InputTranscribed("u1", "hm"), received.ItemDeleted("u1"), received.ItemDeleted("")],
        [],
    ),
]


@pytest.mark.parametrize(("doings", "told"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_what_is_told(doings: list[Doing], told: list[tuple[str, ...]]) -> None:
    assert [short(said) for said in after(*doings).replay().values()] == told


def test_the_ids_are_ours_and_stay() -> None:
    history = after(received.SpeechStarted("u1"), received.TranscriptDone("a1", "Hello."), called(CLOCK))
    before = history.replay()
    history.take(received.InputTranscribed("u1", "Hi."))
    assert {key: said.item_id for key, said in before.items()}.items() <= {
        key: said.item_id for key, said in history.replay().items()
    }.items()
    assert list(history.replay()) == ["u1", "a1", "call c1"]
    ids = [said.item_id for said in history.replay().values()]
    assert len(set(ids)) == 3
    assert all(item_id.startswith("own_said_7_") and len(item_id) <= 32 for item_id in ids)


def test_one_item_can_be_asked_for() -> None:
    history = after(received.TranscriptDone("a1", TEN_WORDS), heard("a1", 10), cut("a1", 5000))
    assert history.said("a1") == Words("own_said_7_1", Talker.ASSISTANT, "one two three four five")
    assert history.said("a2") is None


def test_content_is_not_shown() -> None:
    assert "secret" not in repr([Words("i", Talker.USER, "secret"), Output("i", "c", "secret")])


SMALL = st.text("ab ", max_size=12)
DOINGS: st.SearchStrategy[Doing] = st.one_of(
    st.builds(received.InputTranscribed, st.sampled_from(["u1", "u2"]), SMALL),
    st.builds(received.TranscriptDelta, st.sampled_from(["a1", "a2"]), SMALL),
    st.builds(wrote, SMALL),
    st.builds(called, st.builds(FunctionCall, st.sampled_from(["c1", "c2", "c3"]), st.just("clock"), st.just("{}"))),
    st.builds(returned, st.sampled_from(["c1", "c2", "c3"]), SMALL),
    st.builds(heard, st.sampled_from(["a1", "a2"]), st.floats(0, 9)),
    st.builds(cut, st.sampled_from(["a1", "a2"]), st.integers(0, 9000)),
    st.builds(deleted, st.sampled_from(["u1", "a1"])),
)


@given(st.lists(DOINGS, max_size=40))
def test_what_is_counted_is_what_is_there(doings: list[Doing]) -> None:
    history = after(*doings)
    sizes = [entry.size for entry in history._entries.values() if entry.size]
    assert (history._said, history._characters) == (len(sizes), sum(sizes))


@given(st.lists(DOINGS, max_size=40))
def test_calls_come_before_their_outputs_and_no_id_twice(doings: list[Doing]) -> None:
    told = list(after(*doings).replay().values())
    calls: set[str] = set()
    for said in told:
        if isinstance(said, Call):
            calls.add(said.call.call_id)
        if isinstance(said, Output):
            assert said.call_id in calls
    assert len({said.item_id for said in told}) == len(told)


@given(st.text("ab c\n", max_size=60), st.integers(1, 60_000), st.lists(st.integers(0, 70_000), min_size=1))
@example("a\na", 4, [3, 2])  # cut just after the end of a line
def test_what_was_heard_is_a_beginning_and_never_grows(text: str, sound_ms: int, cuts_ms: list[int]) -> None:
    history = after(received.TranscriptDone("a1", text), heard("a1", sound_ms / 1000))
    before = text
    for cut_ms in cuts_ms:
        history.cut("a1", cut_ms)
        words = history.said("a1")
        now = words.text if isinstance(words, Words) else ""
        assert before.startswith(now)
        assert now.split() == text.split()[: len(now.split())]
        assert len(now) <= len(text) * cut_ms / sound_ms + 1
        before = now


def test_a_long_conversation_loses_its_beginning_and_no_half_pair() -> None:
    history = History(1)
    for n in range(300):
        history.add_text(f"question {n}")
        history.add_call(FunctionCall(f"c{n}", "clock", "{}"))
        history.add_output(f"c{n}", "noon")
    told = list(history.replay().values())
    assert 495 <= len(told) <= 500
    assert {s.call.call_id for s in told if isinstance(s, Call)} == {s.call_id for s in told if isinstance(s, Output)}
    assert short(told[-1]) == ("output", "c299", "noon")


def test_long_words_count_by_their_length() -> None:
    history = after(*(wrote(f"{n}" * 1000) for n in range(10, 60)))
    told = [short(said)[1][:2] for said in history.replay().values()]
    assert told == [f"{n}" for n in range(45, 60)]
    history.take(received.TranscriptDelta("a1", "x" * 30_001))
    assert history.replay() == {}


def test_places_without_words_are_bounded_too() -> None:
    history = after(wrote("first"), *(received.ItemAdded(f"i{n}") for n in range(5000)))
    history.take(received.InputTranscribed("i4999", "last"))
    assert len(history._entries) <= 2000
    assert [short(said) for said in history.replay().values()] == [("user", "last")]
    for n in range(1000):
        history.delete(f"i{n}")
    assert len(history._gone) == 256
