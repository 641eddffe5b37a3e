"""Words from sound with pocketsphinx: a grammar made from the tools, checked against a loop of phones.

The grammar finds a sentence in anything, even in a television. So the same sound is decoded again as free phones, and a
sentence that fits much worse than they do was not said. Nothing that users said is logged.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, bytes_of, rms_dbfs, samples_of
from speakerd.audio.resample import resampled
from speakerd.offline.grammar import heard, words_in
from speakerd.offline.grammar_automaton import Automaton, automaton
from speakerd.offline.grammar_commands import Command, command_in, commands
from speakerd.offline.small_talk import SMALL_TALK
from speakerd.ports import ToolSpec

_log = logging.getLogger(__name__)

_SHORTEST_SECONDS = 0.2
_LONGEST_SECONDS = 15.0
"""No command takes longer: what goes on is a television, and not worth the time."""
_QUIETEST_DBFS = -65.0
"""In digital silence the decoder finds a short word, now and then."""

_WORST_FIT = -3.5
_EDGE_FIT = -60.0
"""How much worse than free phones a sentence may fit: nats on each frame of 10 ms, and once for its edges.

Measured with five synthetic voices over pink noise at -50 dBFS: 96 % of the commands are right, 4 % of other sentences
pass.
"""
_FREE_WEIGHT = 2.0
"""How much the order of free phones counts; little, so that they follow the sound."""
_BEAMS = {"beam": 1e-56, "pbeam": 1e-56, "wbeam": 1e-34}
"""Narrower ones lose right sentences and find more wrong ones, wider ones take twice the time and gain little."""
_WORD = 0.1
"""Probability of every word: a longer sentence must fit better."""

_SILENCES = frozenset(["<s>", "</s>", "<sil>", "(NULL)", "[NOISE]", "[SPEECH]"])
_LEAST_SCORE = 1e-300

_PRONUNCIATIONS = {
    # What is left of the wake word when the pre-roll begins inside it.
    "jarvis(3)": "AA R V AH S",
    "jarvis(4)": "V AH S",
    "mycroft": "M AY K R AO F T",
    "rhasspy": "R AE S P IY",
    "nabu": "N AA B UW",
}
_LETTERS = "EY,B IY,S IY,D IY,IY,EH F,JH IY,EY CH,AY,JH EY,K EY,EH L,EH M,EH N,OW,P IY,K Y UW,AA R,EH S,T IY,Y UW,V IY"
_LETTER_NAMES = dict(zip("abcdefghijklmnopqrstuv", _LETTERS.split(","), strict=True)) | {
    "w": "D AH B AH L Y UW",
    "x": "EH K S",
    "y": "W AY",
    "z": "Z IY",
}
_LONGEST_SPELLED = 4


class Recognizer:
    """Hearing with the English model that pocketsphinx brings along; may be shared by sessions and threads.

    Takes some 50 MB. One utterance is decoded at a time; the grammar of the last tools is kept.
    """

    def __init__(self) -> None:
        model = Path(pocketsphinx.get_model_path()) / "en-us"
        self._lock = threading.Lock()
        self._decoder = pocketsphinx.Decoder(
            lm=None,
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            loglevel="FATAL",
            allphone_ci=True,
            lw=_FREE_WEIGHT,
        )
        self._decoder.add_allphone_file("phones", str(model / "en-us-phone.lm.bin"))
        for beam, width in _BEAMS.items():
            self._decoder.config[beam] = width
        for word, phones in _PRONUNCIATIONS.items():
            self._decoder.add_word(word, phones, False)
        self._tools_key: str | None = None
        self._commands: tuple[Command, ...] = ()

    def prepare(self, tools: Sequence[ToolSpec]) -> None:
        """See Hearing."""
        with self._lock:
            self._learn(tools)

    def transcribe(self, pcm: bytes, tools: Sequence[ToolSpec]) -> str:
        """A command in mono 16-bit PCM at 24 kHz, in lower case; empty when it is none of a tool or of small talk."""
        samples = samples_of(pcm)
        if not _SHORTEST_SECONDS <= len(samples) / SESSION_RATE_HZ <= _LONGEST_SECONDS:
            return ""
        if rms_dbfs(samples) < _QUIETEST_DBFS:
            return ""
        speech = bytes_of(resampled(samples, SESSION_RATE_HZ, WAKE_RATE_HZ))
        with self._lock:
            self._learn(tools)
            return self._command_in(speech)

    def _learn(self, tools: Sequence[ToolSpec]) -> None:
        key = json.dumps([[tool.name, tool.phrases, tool.parameters] for tool in tools], default=str)
        if key == self._tools_key:
            return
        self._commands = (*commands(tools), *commands(SMALL_TALK, is_polite=False))
        self._log_unknown_words()
        sentences = [heard(command.sentence, self._is_known) for command in self._commands]
        self._use(automaton(sentence for sentence in sentences if sentence is not None))
        self._tools_key = key

    def _use(self, grammar: Automaton) -> None:
        end = len(grammar.arcs)
        arcs = [(start, to, _WORD, word) for start, words in enumerate(grammar.arcs) for word, to in words.items()]
        ends = [(state, end, 1.0) for state in grammar.finals]
        # A search that is replaced while it is active leaves pocketsphinx with a dangling pointer.
        self._decoder.activate_search("phones")
        if self._tools_key is not None:
            self._decoder.remove_search("commands")
        self._decoder.add_fsg("commands", self._decoder.create_fsg("commands", 0, end, [*arcs, *ends]))

    def _is_known(self, word: str) -> bool:
        """Whether the word has a pronunciation; gives one to a compound of two words and to a short abbreviation."""
        if self._decoder.lookup_word(word):
            return True
        phones = self._phones_of_halves(word)
        if phones is None and len(word) <= _LONGEST_SPELLED and not set(word) & set("aeiouy"):
            phones = " ".join(map(_LETTER_NAMES.__getitem__, word)) if set(word) <= set(_LETTER_NAMES) else None
        if phones is not None:
            self._decoder.add_word(word, phones, False)
        return phones is not None

    def _phones_of_halves(self, word: str) -> str | None:
        for cut in range(len(word) - 3, 2, -1):
            first, second = self._decoder.lookup_word(word[:cut]), self._decoder.lookup_word(word[cut:])
            if first and second:
                return f"{first} {second}"
        return None

    def _log_unknown_words(self) -> None:
        for tool in dict.fromkeys(command.tool for command in self._commands):
            words = {word for command in self._commands if command.tool == tool for word in words_in(command.phrase)}
            if unknown := sorted(word for word in words if "'" not in word and not self._is_known(word)):
                _log.warning("Phrases of the tool %s are not understood with: %s.", tool, ", ".join(unknown))

    def _command_in(self, speech: bytes) -> str:
        text = self._decode("commands", speech)
        if not text or command_in(text, self._commands, freely=False) is None:
            return ""
        words = [(s.word, s.start_frame, s.end_frame + 1, _nats(s.ascore)) for s in self._decoder.seg()]
        frames = self._decoder.n_frames()
        self._decode("phones", speech)
        free = np.zeros(frames + 1)
        for segment in self._decoder.seg() or ():
            length = segment.end_frame + 1 - segment.start_frame
            free[segment.start_frame : segment.end_frame + 1] = _nats(segment.ascore) / length
        return text if _fits(words, free) else ""

    def _decode(self, search: str, speech: bytes) -> str:
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(speech, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return found.hypstr if found else ""


def _nats(score: float) -> float:
    """Acoustic score of a segment as a logarithm; pocketsphinx gives it as a probability."""
    return math.log(max(score, _LEAST_SCORE))


def _fits(words: Sequence[tuple[str, int, int, float]], free: NDArray[np.float64]) -> bool:
    spoken = [word for word in words if word[0] not in _SILENCES]
    difference = sum(nats - float(free[start:end].sum()) for _, start, end, nats in spoken)
    return difference >= _WORST_FIT * sum(end - start for _, start, end, _ in spoken) + _EDGE_FIT
