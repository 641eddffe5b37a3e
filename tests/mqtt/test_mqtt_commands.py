"""What others may ask of the speaker, and what is made of everything else that they send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.events import EndAsked, MuteAsked
from speakerd.mqtt.commands import (
    MOST_ANNOUNCED_CHARACTERS,
    MOST_COMMAND_BYTES,
    Allowance,
    Announce,
    Command,
    SetVolume,
    command,
    plain,
)
from speakerd.mqtt.device import COMMANDS

LONGEST = "x" * MOST_ANNOUNCED_CHARACTERS


@pytest.mark.parametrize(
    ("name", "payload", "asked"),
    [
        ("mute", b"ON", MuteAsked(True)),
        ("mute", b"OFF", MuteAsked(False)),
        ("stop", b"PRESS", EndAsked()),
        ("volume", b"0", SetVolume(0.0)),
        ("volume", b"55", SetVolume(0.55)),
        ("volume", b"55.0", SetVolume(0.55)),
        ("volume", b"100", SetVolume(1.0)),
        ("announce", "  Das Essen für Zoë\nist fertig. ".encode(), Announce("Das Essen für Zoë ist fertig.")),
        ("announce", b"a\x00b\x1b[2Jc", Announce("a b [2Jc")),
        ("announce", LONGEST.encode(), Announce(LONGEST)),
    ],
)
def test_what_is_asked(name: str, payload: bytes, asked: Command) -> None:
    assert command(name, payload) == asked


@pytest.mark.parametrize(
    ("name", "payload", "sentence"),
    [
        ("mute", b"on", "it must be ON or OFF."),
        ("mute", b"", "it must be ON or OFF."),
        ("mute", b'{"state": "OFF"}', "it must be ON or OFF."),
        ("stop", b"", "it must be PRESS."),
        ("volume", b"101", "it must be a number from 0 to 100."),
        ("volume", b"-1", "it must be a number from 0 to 100."),
        ("volume", b"nan", "it must be a number from 0 to 100."),
        ("volume", b"1e1", "it must be a number from 0 to 100."),
        ("volume", b"1_0", "it must be a number from 0 to 100."),
        ("volume", "५५".encode(), "it must be a number from 0 to 100."),
        ("volume", b"9" * 4000, "it must be a number from 0 to 100."),
        ("announce", b" \n", "it must be a text of at most 1000 characters, and not empty."),
        ("announce", LONGEST.encode() + b"x", "it must be a text of at most 1000 characters, and not empty."),
        ("announce", b"\xff\xfe", "it must be text in UTF-8."),
        ("announce", b"\xed\xa0\x80", "it must be text in UTF-8."),
        ("announce", b"x" * (MOST_COMMAND_BYTES + 1), "it must have at most 4096 bytes, not 4097."),
        ("unlock", b"PRESS", "there is no such command."),
    ],
)
def test_what_is_not_understood_is_one_sentence_that_quotes_nothing(name: str, payload: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".\.$") as raised:
        command(name, payload)
    assert str(raised.value) == sentence
    assert raised.value.__cause__ is None


@given(st.sampled_from([*COMMANDS, "unlock"]), st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_whatever_is_sent_is_a_command_or_a_sentence(name: str, payload: bytes) -> None:
    try:
        asked = command(name, payload)
    except ValueError:
        return
    match asked:
        case SetVolume(level=level):
            assert 0 <= level <= 1
        case Announce(text=text):
            assert text.isprintable() or not any(character < " " for character in text)


@given(st.text(max_size=200))
def test_a_text_stays_one_line(text: str) -> None:
    line = plain(text.encode(errors="replace"), 1000)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()


@given(
    at_once=st.integers(1, 5),
    per_second=st.floats(0.1, 50),
    moments=st.lists(st.floats(0, 30), min_size=2, max_size=80).map(sorted),
)
def test_never_more_than_is_allowed(at_once: int, per_second: float, moments: list[float]) -> None:
    allowance = Allowance(at_once, per_second)
    taken = [moment for moment in moments if allowance.takes(moment)]
    assert taken[:1] == moments[:1], "the first is always allowed"
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = at_once + (taken[last] - taken[first]) * per_second
            assert last - first + 1 <= allowed + 1e-6


def test_what_was_not_used_comes_back() -> None:
    allowance = Allowance(at_once=1, per_second=1.0)
    moments = [0.0, 0.5, 1.0, 1.2, 2.0, 60.0, 60.5]
    assert [allowance.takes(moment) for moment in moments] == [True, False, True, False, True, True, False]
