"""What goes wrong with a speaker on a shelf, and that it recovers by itself, or says in one sentence what to do."""

from __future__ import annotations

from appliance.machine import SLOWNESS
from appliance.speaker import ACTION, RESTART, Speaker, needs_real_time

CARD = "/sys/bus/platform/drivers/snd_aloop"
LAN_UP = "ip address add 10.9.9.1/24 dev lan0; ip link set lan0 up"
LAN_DOWN = "ip link set lan0 down; ip address flush dev lan0"
"""The machine reaches its own addresses for as long as it has them."""
MOST_DEAF_SECONDS = 5.0
"""After a crash."""


def test_a_reload_changes_the_wake_word_while_it_runs(speaker: Speaker) -> None:
    before, since = speaker.property("MainPID"), speaker.cursor()
    with speaker.settings("sed 's/^threshold = 0.5/threshold = 0.6/; s/^volume = .*/volume = 0.4/'"):
        speaker.machine.run("systemctl reload speakerd")
        speaker.until(10, lambda: "The settings were read again." in speaker.journal(since))
    assert '"audio.volume" was changed: restart the service to apply it.' in speaker.journal(since)
    assert speaker.scores()["thresholds"] == {"hey_jarvis": 0.6}
    assert speaker.property("MainPID") == before
    speaker.machine.run("systemctl reload speakerd")
    speaker.until(10, lambda: speaker.scores()["thresholds"] == {"hey_jarvis": 0.5})


def test_a_hung_process_is_restarted_by_the_watchdog(speaker: Speaker) -> None:
    before = speaker.property("MainPID")
    restarts = int(speaker.property("NRestarts"))
    since = speaker.cursor()
    speaker.machine.run(f"kill -STOP {before}")
    seconds = speaker.until(60, lambda: int(speaker.property("NRestarts")) > restarts and speaker.is_hearing())
    print(f"\nhung to hearing again {seconds:.1f} s (WatchdogSec={speaker.property('WatchdogUSec')})")  # noqa: T201
    assert "Watchdog timeout" in speaker.journal(since)
    assert speaker.property("MainPID") != before


def test_a_killed_process_hears_again_soon(speaker: Speaker) -> None:
    before = speaker.property("MainPID")
    speaker.machine.run(f"kill -KILL {before}")
    seconds = speaker.until(20, lambda: speaker.property("MainPID") != before and speaker.is_hearing())
    print(f"\nkilled to hearing again {seconds:.1f} s")  # noqa: T201 - a figure
    assert seconds <= MOST_DEAF_SECONDS * SLOWNESS
    assert speaker.machine.run("systemd-cgls --no-pager -u speakerd.service | grep -c 'python.*speakerd run'") == "1"


def test_a_killed_sound_process_is_replaced(speaker: Speaker) -> None:
    before = speaker.property("MainPID")
    child = speaker.machine.run(f"pgrep -P {before} -f speakerd.audio.child")
    speaker.machine.run(f"kill -KILL {child}")
    seconds = speaker.until(
        10, lambda: speaker.machine.attempt(f"pgrep -P {before} -f audio.child")[1] != child and speaker.is_hearing()
    )
    print(f"\nsound process killed to hearing again {seconds:.1f} s")  # noqa: T201 - a figure
    assert speaker.property("MainPID") == before


@needs_real_time
def test_a_card_that_goes_and_comes_back_is_found_again(speaker: Speaker) -> None:
    before = speaker.property("MainPID")
    speaker.machine.run(f"echo snd_aloop.0 >{CARD}/unbind", 30)
    try:
        lost = speaker.until(10, lambda: speaker.status()["card"] == "down")
    finally:
        speaker.machine.run(f"echo snd_aloop.0 >{CARD}/bind; udevadm settle", 30)
    found = speaker.until(20, speaker.is_hearing)
    print(f"\ncard gone: told {lost:.1f} s later; back: hearing {found:.1f} s later")  # noqa: T201 - a figure
    assert speaker.property("MainPID") == before
    speaker.act(["sleep", 1], ["play", "light.wav"], ["event", {"event": "tool"}, 30], ["phase", "idle", 40])


def test_a_card_behind_the_systems_mixer_is_heard_by_a_stream_each_way(speaker: Speaker) -> None:
    with speaker.settings("""sed 's/^input = .*/input = "default"/; s/^output = .*/output = "default"/'"""):
        speaker.restart()
        speaker.until(20, speaker.is_hearing)
        assert speaker.status()["is_duplex"] is False
        assert speaker.capture() == "RUNNING"
    speaker.restart()


@needs_real_time
def test_without_network_the_assistant_on_the_device_answers(speaker: Speaker) -> None:
    machine = speaker.machine
    machine.run(f"ip link add lan0 type dummy; {LAN_UP}")
    machine.run("systemd-run --quiet --unit cloud /opt/payload/cloud.py 10.9.9.1 8765")
    try:
        # Its start takes all of a small machine for some seconds, in which nobody would be heard.
        speaker.until(60, lambda: machine.attempt("ss -tln | grep -q 10.9.9.1:8765")[0] == 0)
        cloud = 'name = "custom"\\nurl = "ws://10.9.9.1:8765/v1/realtime"\\nconnect_seconds = 3.0'
        with speaker.settings(
            "sed '/^\\[endpoint\\]/,/^\\[/ { s,^name = .*,CLOUD,; /^url = /d; /^connect_seconds = /d }'".replace(
                "CLOUD", cloud
            )
        ):
            machine.run(RESTART, 120)
        speaker.until(20, speaker.is_hearing)
        # In the network it is only an assistant like any other, which has not been told how tools are asked for.
        speaker.act(
            *(["sleep", 3], ["play", "story.wav"], ["phase", "speaking", 30], ["sleep", 1], ["press", ACTION]),
            ["phase", "idle", 40],
        )
        assert speaker.status()["endpoint"] == "custom"
        scene = speaker.act(
            *(
                ["shell", LAN_DOWN],
                ["sleep", 1],
                ["play", "light.wav"],
                ["event", {"event": "tool"}, 30],
            ),
            ["phase", "idle", 40],
        )
        assert scene.at(event="tool")
        assert speaker.status()["endpoint"] == "offline"
        machine.run(LAN_UP)
        seconds = speaker.until(90, lambda: speaker.status()["endpoint"] == "custom")
        print(f"\nnetwork back: the first endpoint serves again {seconds:.0f} s later")  # noqa: T201 - a figure
    finally:
        machine.attempt("systemctl stop cloud; ip link delete lan0")
        machine.run(RESTART, 120)


def test_wrong_settings_end_it_for_good_with_one_sentence(service: Speaker) -> None:
    since = service.cursor()
    with service.settings("printf '[audio]\\nvolume = 7\\n'"):
        code, _ = service.machine.attempt("systemctl restart speakerd", 60)
        assert code == 1
        service.machine.run("sleep 4")
        assert service.property("ActiveState") == "failed"
        assert service.property("ExecMainStatus") == "78"
        assert service.property("NRestarts") == "0"
    told = [line for line in service.journal(since).splitlines() if "audio.volume" in line]
    assert len(told) == 1, told
    assert "Traceback" not in service.journal(since)
