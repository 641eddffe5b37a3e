"""What an echo test says, in a table: each fault alone fails it, with the sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speakerd.audio.echo_levels import EchoFigures
from speakerd.doctor.echo_findings import EchoTrial, findings, outcome
from speakerd.doctor.finding import Finding

FIGURES = EchoFigures(
    room_dbfs=-62.0,
    loudest_dbfs=-58.0,
    echo_dbfs=-27.0,
    left_dbfs=-60.0,
    erle_db=37.0,
    clipped_samples=0,
    echo_seconds=20.0,
)
GOOD = EchoTrial(
    canceller="software",
    hardware_aec=False,
    figures=FIGURES,
    delay_ms=93.4,
    capture_ppm=12.0,
    playout_ppm=11.0,
    barge_ins=0,
    hints=0,
    self_wakes=0,
    overruns=0,
    underruns=0,
)
BY_CARD = replace(
    GOOD, canceller="none", hardware_aec=True, delay_ms=None, figures=replace(FIGURES, echo_dbfs=-57.0, erle_db=0.0)
)


def with_figures(trial: EchoTrial = GOOD, **changes: float) -> EchoTrial:
    return replace(trial, figures=replace(trial.figures, **changes))  # type: ignore[arg-type]


def test_all_is_well() -> None:
    assert findings(GOOD) == [
        Finding("room", "ok", "-62 dBFS, and it stayed quiet"),
        Finding("echo", "ok", "-27 dBFS, 35 dB above the room"),
        Finding("canceller", "ok", "ERLE 37 dB: -60 dBFS are left"),
        Finding("delay", "ok", "93 ms"),
        Finding("barge-in", "ok", "our own sound was never taken for a talker"),
        Finding("drift", "ok", "+1 ppm between capture and playout"),
        Finding("wake word", "ok", "our own voice did not wake us"),
        Finding("xruns", "ok", "none"),
    ]


def test_the_card_cancels_its_own_echo() -> None:
    assert [(finding.part, finding.state) for finding in findings(BY_CARD)] == [
        *(("room", "ok"), ("echo", "ok"), ("drift", "ok"), ("wake word", "ok"), ("xruns", "ok"))
    ]
    assert findings(BY_CARD)[1].text == "the card cancels it: what is left is 5 dB above the room"


@pytest.mark.parametrize(
    ("trial", "part", "sentence"),
    [
        (
            with_figures(loudest_dbfs=-31.0),
            "room",
            "Somebody spoke, or something made a noise (-31 dBFS while nothing was played): run it again in quiet.",
        ),
        (
            with_figures(echo_dbfs=-61.0),
            "echo",
            "No echo was heard: raise the volume, and check that the loudspeaker is on and that audio.output names it; "
            "headphones make none.",
        ),
        (
            with_figures(echo_dbfs=-54.0),
            "echo",
            "The echo is only 8 dB above the room: raise the volume, or test when it is quieter.",
        ),
        (
            with_figures(clipped_samples=900),
            "echo",
            "The echo clips at the microphone (900 samples): turn the volume down, lower the capture level, "
            "or move the microphone away from the loudspeaker.",
        ),
        (
            with_figures(erle_db=19.0),
            "canceller",
            "ERLE is 19 dB, 20 are needed: the loudspeaker distorts, or somebody spoke: turn the volume down, "
            "move the microphone away from it, and run it again in quiet.",
        ),
        (
            replace(with_figures(erle_db=9.0), capture_ppm=-220.0),
            "canceller",
            "ERLE is 9 dB, 20 are needed: the clocks drift apart by -231 ppm: capture and play with one card.",
        ),
        (
            replace(with_figures(erle_db=9.0), delay_ms=460.0),
            "canceller",
            "ERLE is 9 dB, 20 are needed: it comes only after 460 ms: "
            "use an output with less delay, no Bluetooth and no HDMI.",
        ),
        (
            replace(GOOD, canceller="none"),
            "canceller",
            'Nothing takes the echo out: set "audio.canceller" to "auto".',
        ),
        (
            replace(GOOD, delay_ms=None),
            "delay",
            "The echo's delay was not found: run it again, for longer (--seconds 40) and louder.",
        ),
        (
            replace(GOOD, delay_ms=None, finds_delay=False),
            "delay",
            "The echo's delay cannot be found without Speex's library: run apt install libspeexdsp1.",
        ),
        (
            replace(GOOD, barge_ins=3),
            "barge-in",
            "Our own sound was taken for a talker 3 times: if nobody spoke, turn the volume down or "
            "move the microphone away from the loudspeaker, and run it again.",
        ),
        (
            replace(GOOD, self_wakes=1),
            "wake word",
            "Our own sound was taken for the wake word once: turn the volume down, "
            'or raise "wake_word.threshold", and run it again.',
        ),
        (
            replace(GOOD, overruns=2, underruns=1),
            "xruns",
            "2 overruns and 1 underruns: run it again, and if they stay, do what `speakerd doctor audio` says.",
        ),
        (
            with_figures(BY_CARD, echo_dbfs=-40.0),
            "echo",
            "The card does not cancel its own echo, which is 22 dB above the room: play and capture with this "
            'card and no other, or set "audio.canceller" to "software".',
        ),
    ],
)
def test_each_fault_alone_fails_the_test(trial: EchoTrial, part: str, sentence: str) -> None:
    failed = [finding for finding in findings(trial) if finding.state == "failed"]
    assert failed == [Finding(part, "failed", sentence)]


def test_an_echo_that_does_not_follow_what_was_played() -> None:
    failed = {
        finding.part: finding.text
        for finding in findings(replace(with_figures(erle_db=2.0), delay_ms=None))
        if finding.state == "failed"
    }
    assert list(failed) == ["canceller", "delay"]
    assert "what was heard does not follow what was played: run it again in quiet." in failed["canceller"]


def test_what_cannot_be_told_says_so_and_does_not_fail() -> None:
    told = {finding.part: finding for finding in findings(replace(with_figures(echo_dbfs=-61.0), playout_ppm=None))}
    assert told["drift"] == Finding("drift", "skipped", "it was not measured")
    assert told["canceller"] == Finding("canceller", "skipped", "it had too little to cancel")
    assert "delay" not in told
    assert findings(replace(GOOD, hints=2))[4].text == "our own sound was never taken for a talker, but ducked 2 times"


@pytest.mark.parametrize(
    ("trial", "duplex", "passed", "sentence"),
    [
        (GOOD, "auto", True, "Full duplex is unlocked: restart the service (systemctl restart speakerd)."),
        (GOOD, "full", True, "Full duplex is unlocked: restart the service (systemctl restart speakerd)."),
        (GOOD, "half", True, 'The test was passed, and half duplex stays, because "audio.duplex" is "half".'),
        (GOOD, "half", False, 'The test was not passed, and half duplex stays, because "audio.duplex" is "half".'),
        (GOOD, "auto", False, "Half duplex stays: interrupt answers by button or wake word."),
        (
            GOOD,
            "full",
            False,
            'Half duplex stays: the service starts only with "audio.duplex" on "half" or "auto".',
        ),
        (
            BY_CARD,
            "auto",
            False,
            "The board says that the card cancels its own echo, so full duplex stays: "
            'set "audio.duplex" to "half" until the test passes.',
        ),
    ],
)
def test_what_follows_from_it(trial: EchoTrial, duplex: str, passed: bool, sentence: str) -> None:
    assert outcome(trial, duplex, passed=passed) == sentence
