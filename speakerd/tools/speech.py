"""What the speaker says beside its answers: announcements, its last words again, and how it is made deaf."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from speakerd.core.events import NO_REQUEST, Event, MuteAsked, SayAsked, Talker, Transcribed
from speakerd.core.state import State
from speakerd.errors import ToolError
from speakerd.ports import Post, ToolSpec
from speakerd.tools.tool import Tool, parameters

Everywhere = Callable[[str], Awaitable[None]]
"""Has a sentence said by the other speakers of the home; raises ToolError."""

MOST_CHARACTERS = 500
_REMEMBERED_SECONDS = 600.0
"""Who comes into the room later is not to be told what was said before."""


class LastWords:
    """What was said last, in memory only. Call it with each event and the states around it, in the loop's thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._text = ""
        self._said_at = 0.0

    def __call__(self, event: Event, before: State, after: State) -> None:
        """Keep what is said, whether it answers or announces."""
        match event:
            case Transcribed(talker=Talker.ASSISTANT, text=text) if text.strip():
                self._keep(text.strip())
        if after.announcing is not None and after.announcing != before.announcing:
            self._keep(after.announcing.text)

    def tell(self) -> str:
        """The words; raises ToolError where there are none."""
        if not self._text or self._clock() - self._said_at > _REMEMBERED_SECONDS:
            self._text = ""
            raise ToolError("Nothing was said in the last ten minutes.")
        return self._text

    def _keep(self, text: str) -> None:
        self._text, self._said_at = text, self._clock()


def speech_tools(post: Post, last_words: LastWords, everywhere: Everywhere | None = None) -> list[Tool]:
    """`announce`, `repeat` and `mute_microphone`; announcements for the whole home only where it can be reached."""

    async def announce(arguments: Mapping[str, object]) -> str:
        text = " ".join(str(arguments["text"]).split())
        if not text:
            raise ToolError("Send the sentence to be said.")
        if len(text) > MOST_CHARACTERS:
            raise ToolError(f"An announcement has at most {MOST_CHARACTERS} characters.")
        if arguments.get("where") == "everywhere" and everywhere is not None:
            await everywhere(text)
        post(SayAsked(NO_REQUEST, text))
        return "I will say it as soon as we have finished."

    async def repeat(_: Mapping[str, object]) -> str:
        return last_words.tell()

    async def mute(_: Mapping[str, object]) -> str:
        post(MuteAsked(True))
        return "The microphone is closed. Only the mute button or the command line opens it again."

    return [
        Tool(_announcement_spec(is_everywhere=everywhere is not None), announce),
        Tool(ToolSpec("repeat", _REPEAT_DESCRIPTION, parameters(), _REPEAT_PHRASES), repeat),
        Tool(ToolSpec("mute_microphone", _MUTE_DESCRIPTION, parameters(), _MUTE_PHRASES), mute),
    ]


def _announcement_spec(*, is_everywhere: bool) -> ToolSpec:
    if not is_everywhere:
        return ToolSpec("announce", _ANNOUNCE_DESCRIPTION, parameters(("text",), text=_TEXT), _ANNOUNCE_PHRASES)
    schema = parameters(("text",), text=_TEXT, where={"type": "string", "enum": ["here", "everywhere"]})
    phrases = ("announce [that] {text}", *_EVERYWHERE_PHRASES)
    return ToolSpec("announce", f"{_ANNOUNCE_DESCRIPTION} It may be said everywhere in the home.", schema, phrases)


_ANNOUNCE_DESCRIPTION = "Say a sentence aloud, word for word, when this conversation is over."
_TEXT = {
    "type": "string",
    "examples": ["dinner is ready", "lunch is ready", "breakfast is ready", "it is time to go", "it is bedtime"],
}
_ANNOUNCE_PHRASES = ("announce [that] {text}", "tell everybody [that] {text}")
_EVERYWHERE_PHRASES = (
    "announce {where} [that] {text}",
    "tell ({where=everywhere everybody}|{where=everywhere everyone}) [that] {text}",
)
_REPEAT_DESCRIPTION = (
    "Give what you said last, to be said again, where you do not know it any more: before this conversation, or as an "
    "announcement."
)
_REPEAT_PHRASES = ("what did you say (before|last)", "(repeat|what was) the [last] announcement")
_MUTE_DESCRIPTION = "Close the microphone, so that nothing is heard until somebody opens it by the button."
_MUTE_PHRASES = (
    "mute (yourself|the microphone|your microphone)",
    "(close|turn off|switch off) (the|your) microphone",
)
