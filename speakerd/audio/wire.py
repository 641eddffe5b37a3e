"""What the daemon and the sound card's process say to each other, pure: framed binary messages, nothing executable.

A frame is a kind (u8), the payload's length (u32), the payload; little-endian. A payload is a fixed head, then bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, NamedTuple

from speakerd.errors import ProtocolError

_FRAME = struct.Struct("<BI")
_MOST_BYTES = 1 << 24
_CODES = {"int": "q", "float": "d", "bool": "?"}


# Commands to the card's process


@dataclass(frozen=True, slots=True)
class Play:
    """Queue mono 24 kHz PCM of an item."""

    item: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """The item is complete; ItemOver follows."""

    item: int


@dataclass(frozen=True, slots=True)
class Flush:
    """Throw away all answers; ItemOver follows for each item that was not over, then Flushed with this number."""

    number: int


@dataclass(frozen=True, slots=True)
class SetGain:
    """Multiply what is played by this from now on."""

    gain: float


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Play answers as loud as this PlayoutLevel from now on."""

    level: int


@dataclass(frozen=True, slots=True)
class SetSink:
    """Play very soft noise before each sound that follows a silence, or whenever there would be silence."""

    lead_in_ms: int
    is_kept_awake: bool


@dataclass(frozen=True, slots=True)
class PlayCue:
    """Play mono 24 kHz PCM once, beside the answers; ItemOver follows, with a number that no item has."""

    item: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Ring:
    """Play mono 24 kHz PCM again and again; empty means no more."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class OpenCapture:
    """Open the capture stream; its reports carry this epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class CloseCapture:
    """Close the capture stream."""


@dataclass(frozen=True, slots=True)
class SetPace:
    """Report what is captured in pieces of so many milliseconds while nothing plays."""

    report_ms: int


@dataclass(frozen=True, slots=True)
class SetPlayingPace:
    """Report it in pieces of so many milliseconds while something plays."""

    report_ms: int


# Reports of the card's process


@dataclass(frozen=True, slots=True)
class CaptureOpened:
    """Mic frames of this epoch and rate follow."""

    epoch: int
    rate_hz: int
    block_ms: int
    """What the card hands over at a time."""
    is_duplex: bool
    """One stream plays and captures, so that both are in step; else two are paired by their times."""
    channels: int = 1
    """Of the near end in mic frames, interleaved: their mean is what is meant."""


@dataclass(frozen=True, slots=True)
class MicFrame:
    """The next samples that the card captured, and what it was given to play beside them."""

    epoch: int
    end: int
    """Samples of this epoch that were captured so far, this frame included."""
    was_overrun: bool
    """Samples were lost just before this frame."""
    is_unpaired: bool
    """What is played beside it does not follow what was played beside the last frame."""
    near_bytes: int
    pcm: bytes
    """The microphone's samples, then mono, as many of ours; none of ours where they are silent."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """How the card's time passes; once in a second while capture is open."""

    capture_ppm: float
    """How much faster than its nominal rate the card captures, by the machine's clock."""
    playout_ppm: float
    reference_ms: float
    """How much later than it is captured beside it our own sound is played: constant while all is well."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The card still asks for sound."""

    item: int
    """The item that plays; 0 means none."""
    handed: int
    """Samples at 24 kHz handed out of it."""
    underruns: int
    """Times that the card ran dry since it was opened."""


@dataclass(frozen=True, slots=True)
class ItemOver:
    """Nothing more of the item, or of the cue, will be handed out."""

    item: int
    handed: int
    """Samples at 24 kHz handed out of it, never more than were received."""
    heard_in_seconds: float
    """Time from now until the last of them leaves the loudspeaker."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """The flush of this number is done."""

    number: int


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no card that can be used; it is looked for again and again. The bytes are one sentence in UTF-8."""

    reason: bytes


Command = (Play | Finish | Flush | SetGain | SetLevel | SetSink | PlayCue | Ring) | (
    OpenCapture | CloseCapture | SetPace | SetPlayingPace
)
Report = CaptureOpened | MicFrame | Clocks | Pulse | ItemOver | Flushed | Missing
Message = Command | Report


class _Kind(NamedTuple):
    make: Callable[..., Message]
    values: Callable[[Message], Any]
    """Those of its fields, in order; one value where there is one field."""
    head: struct.Struct
    """The fixed fields."""
    has_tail: bool
    """Whether the last field is the bytes after them."""


def _kind(make: type) -> _Kind:
    types = [str(field.type) for field in fields(make)]
    has_tail = types[-1:] == ["bytes"]
    head = "".join(_CODES[name] for name in types[: len(types) - has_tail])
    names = [field.name for field in fields(make)]
    return _Kind(make, attrgetter(*names) if names else lambda _: (), struct.Struct("<" + head), has_tail)


_TYPES: tuple[type, ...] = (
    *(Play, Finish, Flush, SetGain, SetLevel, SetSink, PlayCue, Ring),
    *(OpenCapture, CloseCapture, SetPace, SetPlayingPace),
    *(CaptureOpened, MicFrame, Clocks, Pulse, ItemOver, Flushed, Missing),
)
_KINDS = [_kind(make) for make in _TYPES]
_NUMBERS = {make: number for number, make in enumerate(_TYPES)}


def pack(message: Message) -> bytes:
    """The frame of a message."""
    number = _NUMBERS[type(message)]
    _, get_values, head, has_tail = _KINDS[number]
    values = get_values(message)
    if not isinstance(values, tuple):
        values = (values,)
    if not has_tail:
        return _FRAME.pack(number, head.size) + head.pack(*values)
    # What is joined once is copied once.
    return b"".join((_FRAME.pack(number, head.size + len(values[-1])), head.pack(*values[:-1]), values[-1]))


class Unpacker:
    """Messages out of a stream of bytes that may be split anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now; raises ProtocolError on a frame that is none of ours."""
        data, start = self._rest + data if self._rest else data, 0
        while len(data) - start >= _FRAME.size:
            number, length = _FRAME.unpack_from(data, start)
            if number >= len(_KINDS) or length > _MOST_BYTES:
                raise ProtocolError(f"A frame of kind {number} with {length} bytes is none of the sound card's.")
            end = start + _FRAME.size + length
            if len(data) < end:
                break
            yield _parse(_KINDS[number], data, start + _FRAME.size, end)
            start = end
        self._rest = data[start:]


def _parse(kind: _Kind, data: bytes, start: int, end: int) -> Message:
    make, _, head, has_tail = kind
    tail = start + head.size
    if end < tail or (end > tail and not has_tail):
        raise ProtocolError(f"A frame of kind {_KINDS.index(kind)} must have {head.size} bytes, not {end - start}.")
    values = head.unpack_from(data, start)
    return make(*values, data[tail:end]) if has_tail else make(*values)
