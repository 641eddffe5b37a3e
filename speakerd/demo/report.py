"""What the demonstration proves, as JSON, and what it failed to prove, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from speakerd.audio.uplink import UplinkSpan
from speakerd.core.lights import Light
from speakerd.demo.recording import Recording, WireEvent
from speakerd.demo.room import Spoken
from speakerd.demo.story import COMMAND

STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "connection": [("received", "session.created")],
    "session set-up": [("sent", "session.update"), ("received", "session.updated")],
    "user input": [
        ("sent", "input_audio_buffer.append"),
        ("received", "input_audio_buffer.speech_started"),
        ("received", "input_audio_buffer.speech_stopped"),
        ("received", "input_audio_buffer.committed"),
    ],
    "server processing": [
        ("received", "conversation.item.added"),
        ("received", "conversation.item.input_audio_transcription.completed"),
        ("received", "response.created"),
    ],
    "response delivery": [
        ("received", "response.function_call_arguments.done"),
        ("received", "response.output_audio.delta"),
        ("received", "response.output_audio_transcript.done"),
        ("received", "response.done"),
    ],
    "function execution": [
        ("received", "response.function_call_arguments.done"),
        ("sent", "conversation.item.create"),
    ],
    "continuation": [("sent", "response.create"), ("received", "response.created")],
    "interruption": [("sent", "conversation.item.truncate"), ("received", "conversation.item.truncated")],
    "termination": [("server", "session ended")],
}
"""The lifecycle; each step begins no earlier than the one before, and what proves it comes in this order."""


def make(
    recording: Recording,
    turns: Sequence[Spoken],
    sounds: Sequence[tuple[float, float]],
    spans: Sequence[UplinkSpan],
    sessions: Sequence[Mapping[str, object]],
) -> dict[str, Any]:
    """The report; `sessions` are the server's own counts of what it received."""
    start = recording.started_at
    latencies = _latencies(recording, turns, sounds)
    captured = sum(span.end - span.start for span in spans)
    received = sum(int(str(session["received_samples"])) for session in sessions)
    return {
        "wake": [{"word": w.word, "score": round(w.score, 4), "t": round(t - start, 3)} for t, w in recording.wakes],
        "steps": _steps(recording.wire, start, len(sessions)),
        "heard_words": recording.words,
        "tool_calls": [
            {"name": call.name, "arguments": json.loads(call.arguments), "result": call.result}
            for call in recording.calls.values()
        ],
        "answers": [
            {
                "text": answer.text,
                "audio_ms": answer.audio_ms,
                "heard_ms": answer.heard_ms,
                "interrupted_by": answer.interrupted_by,
            }
            for answer in recording.answers.values()
        ],
        "latency_ms": {name: round(median(values), 1) if values else None for name, values in latencies.items()},
        "latencies_ms": {name: [round(value, 1) for value in values] for name, values in latencies.items()},
        "lights": [{"t": round(t - start, 3), "light": light.value} for t, light in recording.lights],
        "uplinked_samples": captured,
        "lost_samples": captured - received,
    }


def problems(report: Mapping[str, Any]) -> list[str]:
    """What the demonstration should have shown and did not; empty if all is well."""
    interrupted = [answer["interrupted_by"] for answer in report["answers"] if answer["interrupted_by"]]
    calls = [(call["name"], call["arguments"]) for call in report["tool_calls"]]
    expectations = {
        "the wake word was heard twice": len(report["wake"]) == 2,
        "the first command was recognised in full": COMMAND in " ".join(report["heard_words"][:1]),
        "the light was switched on": ("set_light", {"room": "kitchen", "power": "on"}) in calls,
        "the timer was set": any(name == "set_timer" and 5 in args.values() for name, args in calls),
        "button and wake word interrupted an answer each": interrupted == ["button", "wake word"],
        "interrupted answers were cut": all(
            0 < answer["heard_ms"] < answer["audio_ms"] for answer in report["answers"] if answer["interrupted_by"]
        ),
        "no sample was lost": report["lost_samples"] == 0 and report["uplinked_samples"] > 0,
        "every step of the lifecycle was seen": all(step["events"] for step in report["steps"]),
        "the speaker came to rest": Light.IDLE.value in [light["light"] for light in report["lights"][-2:]],
        "all latencies were measured": all(value is not None for value in report["latency_ms"].values()),
    }
    return [what for what, holds in expectations.items() if not holds]


def _steps(wire: Sequence[WireEvent], start: float, sessions_ended: int) -> list[dict[str, Any]]:
    """For each step the first events that prove it; a step that is not proved in full has none."""
    steps = []
    begin = 0
    for step, wanted in STEPS.items():
        found = _in_order(wire, begin, wanted)
        proof = [
            {"direction": e.direction, "type": e.kind, "t": round(e.at - start, 3)}
            for e in map(wire.__getitem__, found)
        ]
        if step == "termination" and sessions_ended:
            proof = [{"direction": "server", "type": "session ended", "sessions": sessions_ended}]
        steps.append({"step": step, "events": proof})
        begin = found[0] if found else begin
    return steps


def _in_order(wire: Sequence[WireEvent], begin: int, wanted: Sequence[tuple[str, str]]) -> list[int]:
    """Places of the wanted events, each the first after the one before; empty unless all are there."""
    places: list[int] = []
    position = begin
    for kind in wanted:
        while position < len(wire) and (wire[position].direction, wire[position].kind) != kind:
            position += 1
        places.append(position)
        position += 1
    return places if all(place < len(wire) for place in places) else []


def _latencies(
    recording: Recording, turns: Sequence[Spoken], sounds: Sequence[tuple[float, float]]
) -> dict[str, list[float]]:
    """Milliseconds, measured where sound leaves the loudspeaker."""
    firsts = [[begin for begin, _ in sounds if begin > turn.ends_at][:1] for turn in turns]
    barge_ins = [at for at, _ in recording.wakes[1:]]
    return {
        "wake_to_session_ready": [seconds * 1000 for seconds in recording.ready],
        "speech_end_to_first_audio": [
            (first[0] - turn.ends_at) * 1000 for turn, first in zip(turns, firsts, strict=True) if first
        ],
        "button_to_silence": _until_silence(recording.presses, sounds),
        "wake_to_silence": _until_silence(barge_ins, sounds),
    }


def _until_silence(moments: Sequence[float], sounds: Sequence[tuple[float, float]]) -> list[float]:
    return [(end - at) * 1000 for at in moments for begin, end in sounds if begin <= at <= end + 0.2]
