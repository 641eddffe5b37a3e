"""What the daemon's loop sees of the world: one Protocol for each owner of a device.

Every method returns at once. What takes time answers later by posting an event; `Post` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the assistant's process needs nothing of the core, and starts sooner without
    from speakerd.core.cues import Cue
    from speakerd.core.effects import PlayoutLevel
    from speakerd.core.events import Event
    from speakerd.core.lights import Light

Post: TypeAlias = "Callable[[Event], None]"
"""Hands an event to the loop; safe from any thread."""

AudioSink = Callable[[int, bytes], None]
"""Takes (session number, mono 16-bit little-endian PCM at 24 kHz) from the uplink; called in the audio thread."""


class Sessions(Protocol):
    """Owns the connection to the endpoint; a call that names a session which is gone does nothing."""

    def open(
        self,
        session: int,
        endpoint: int = 0,
        *,
        continues: int | None = None,
        resend: bool = False,
        after_seconds: float = 0.0,
    ) -> None:
        """Connect and set up in the background; see effects.OpenSession."""

    def close(self, session: int) -> None:
        """Close in the background and report nothing more of it."""

    def append_audio(self, session: int, pcm: bytes) -> None:
        """Send microphone audio: mono 16-bit little-endian PCM at 24 kHz. Loop thread only."""

    def send_text(self, session: int, text: str) -> None:
        """Add a user message."""

    def send_tool_output(self, session: int, call_id: str, output: str) -> None:
        """Answer a function call."""

    def send_note(self, session: int, text: str) -> None:
        """Tell the model what happened beside the conversation."""

    def commit_utterance(self, session: int) -> None:
        """Make a user message of the audio that was sent since the last one."""

    def create_response(self, session: int, *, aloud: bool = True, resume: bool = False) -> None:
        """Ask for a response; see effects.CreateResponse."""

    def cancel_response(self, session: int, response_id: str) -> None:
        """Cancel a response and drop what still arrives of it."""

    def truncate(self, session: int, item_id: str, played_ms: int) -> None:
        """Cut an item to what was heard of it."""

    def delete_item(self, session: int, item_id: str) -> None:
        """Remove an item from the conversation."""

    def tell_facts(self, session: int) -> None:
        """Add what changes from turn to turn; instead of what was told before, if that was not forgotten."""

    def forget_facts(self, session: int) -> None:
        """Remove it."""


class Capture(Protocol):
    """Owns what the microphone hears."""

    def open(self) -> None:
        """Open the capture stream."""

    def close(self) -> None:
        """Close the capture stream."""

    def open_uplink(self, session: int, since_sample: int | None) -> None:
        """Send audio to the session, from a capture position (16 kHz samples), LEFT_OFF, or now (None) on."""

    def close_uplink(self) -> None:
        """Send no more; UplinkClosed follows if it was open."""

    def mark_uplink(self) -> None:
        """Let LEFT_OFF mean now."""


class Ears(Protocol):
    """Listens for the wake word; called in the audio thread only."""

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """Take the next 1280 samples of mono PCM at 16 kHz; `end_sample` is the capture position after them."""

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        """Take the next 1280 samples of mono PCM at 16 kHz that our own loudspeaker was given."""

    def hear_talker(self, is_there: bool) -> None:
        """Know whether somebody may be speaking over our own sound; told before `hear`, only while that sounds."""

    def rearm(self) -> None:
        """Forget what was heard: the next frame does not follow the last one (unmuted, card replaced, samples lost)."""


class Judge(Protocol):
    """Learns from what followed a wake word."""

    def judge(self, word: str, was_wanted: bool, sample: int) -> None:
        """Say whether somebody spoke after the WakeWordHeard of this word and position. Loop thread."""


class Player(Protocol):
    """Owns what the loudspeaker plays. Answers are queued by item; the playhead is counted in samples played."""

    def play(self, item_id: str, pcm: bytes) -> None:
        """Queue a piece of an answer: mono 16-bit little-endian PCM at 24 kHz."""

    def finish(self, item_id: str) -> None:
        """Say that an item is complete: PlayoutEnded follows when it has been heard. Unknown items are ignored."""

    def stop(self) -> None:
        """Fade out and throw away all answers; one PlayoutEnded(cut_short=True) follows for each item not over."""

    def set_level(self, level: PlayoutLevel) -> None:
        """Make answers as loud as this at once; what is held goes on with exactly the next sample."""

    def cue(self, cue: Cue) -> None:
        """Play a cue beside whatever plays; one CueEnded follows, even where it cannot be heard."""

    def start_ringing(self) -> None:
        """Ring until told to stop."""

    def stop_ringing(self) -> None:
        """Stop ringing."""


class Announcer(Protocol):
    """Speaks in the device's own voice, without any endpoint."""

    def announce(self, number: int, text: str) -> None:
        """Give the player a spoken sentence under `announcement_item(number)`, or post its PlayoutEnded if it fails."""

    def stop(self, number: int) -> None:
        """Do not begin it any more; nothing follows if it had not begun."""


class Audit(Protocol):
    """Owns the record of what tools were allowed to do."""

    def note(self, tool: str, decision: str, reason: str, asker: str) -> None:
        """Write down what became of a call; never what was asked of the tool."""


class Tools(Protocol):
    """Runs functions for the model, each beside the conversation, each under a deadline."""

    def run(self, session: int, call_id: str, name: str, arguments: str) -> None:
        """Start a call; ToolFinished follows always."""

    def cancel(self, call_id: str) -> None:
        """Nobody waits for a call any more: end it if that is safe; ToolFinished follows all the same."""


class Lights(Protocol):
    """Owns the LEDs."""

    def show(self, light: Light) -> None:
        """Show a light until the next one."""


class Control(Protocol):
    """Owns the control socket."""

    def refuse(self, request: int, reason: str) -> None:
        """Answer a text request that cannot be served now."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model must know of a tool."""

    name: str
    """At most 64 characters of [A-Za-z0-9_-]."""
    description: str
    parameters: Mapping[str, object]
    """A JSON Schema object."""
    phrases: tuple[str, ...] = field(default=())
    """What users say, for an assistant that needs a grammar: words, (a|b), [optional], {parameter}, and
    {parameter=value words} for words that mean one value."""
