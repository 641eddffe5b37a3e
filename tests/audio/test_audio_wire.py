from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio import wire
from speakerd.errors import ProtocolError

EXAMPLES: list[wire.Message] = [
    wire.Play(7, b"\x01\x02\x03\x04"),
    wire.Play(1 << 40, b""),
    wire.Finish(7),
    wire.Flush(3),
    wire.SetGain(0.343),
    wire.SetLevel(2),
    wire.SetSink(500, is_kept_awake=True),
    wire.PlayCue(9, b"abc"),
    wire.Ring(b""),
    wire.OpenCapture(2),
    wire.CloseCapture(),
    wire.SetPace(30),
    wire.SetPlayingPace(80),
    wire.CaptureOpened(2, 48_000, 10, is_duplex=True, channels=2),
    wire.MicFrame(2, 960, True, False, 480, bytes(960)),
    wire.Clocks(1.5, -60.0, 34.9),
    wire.Pulse(0, 0, 5),
    wire.ItemOver(7, 24_000, 0.021),
    wire.Flushed(3),
    wire.Missing("Keine Karte: stöpseln.".encode()),
]


@given(st.lists(st.sampled_from(EXAMPLES)), st.lists(st.integers(1, 40), min_size=1))
def test_messages_survive_any_splitting(messages: list[wire.Message], sizes: list[int]) -> None:
    data = b"".join(map(wire.pack, messages))
    unpacker, came, place = wire.Unpacker(), list[wire.Message](), 0
    while place < len(data):
        size = sizes[len(came) % len(sizes)]
        came += unpacker.feed(data[place : place + size])
        place += size
    assert came == messages


def test_every_kind_has_an_example() -> None:
    assert {type(message) for message in EXAMPLES} == set(wire.Command.__args__) | set(wire.Report.__args__)


def test_the_frame_is_kind_length_payload() -> None:
    assert wire.pack(wire.Play(1, b"\xaa\xbb")) == b"\x00" + b"\x0a\x00\x00\x00" + b"\x01" + bytes(7) + b"\xaa\xbb"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\x00\x00\x00\x00",
        b"\x00\xff\xff\xff\xff",
        b"\x00\x01\x00\x00\x00x",
        b"\x08\x01\x00\x00\x00x",
    ],
    ids=["unknown kind", "too long", "head too short", "bytes where none belong"],
)
def test_what_is_none_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(wire.Unpacker().feed(data))
