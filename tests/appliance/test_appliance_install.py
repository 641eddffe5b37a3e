"""The speaker on a machine of its own: it starts by itself, is confined, and can be removed without a trace."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from appliance.machine import Machine
from appliance.speaker import SETTINGS, Speaker, install, uninstall

LOOSEST_EXPOSURE = 1.6


def test_a_start_ends_with_ready_and_a_microphone_that_is_heard(speaker: Speaker) -> None:
    speaker.machine.run("systemctl stop speakerd")
    seconds = float(speaker.machine.run("TIMEFORMAT=%R; time systemctl start speakerd", 120))
    hearing = speaker.until(5, speaker.is_hearing)
    print(f"\nstart to READY {seconds:.1f} s, hearing at most {hearing:.1f} s later")  # noqa: T201 - a figure
    assert speaker.property("StatusText") == "idle"
    assert speaker.capture() == "RUNNING"


def test_the_sandbox_is_tight(service: Speaker) -> None:
    verdict = service.machine.run("systemd-analyze security speakerd --no-pager | tail -1")
    exposure = re.search(r": ([0-9.]+) ", verdict)
    assert exposure is not None
    print(f"\nexposure {exposure[1]}")  # noqa: T201 - a figure
    assert float(exposure[1]) <= LOOSEST_EXPOSURE


def test_systemd_finds_nothing_wrong_with_the_unit(service: Speaker) -> None:
    assert service.machine.run("systemd-analyze verify /etc/systemd/system/speakerd.service 2>&1") == ""


def test_it_runs_as_its_own_user_without_privileges(service: Speaker) -> None:
    status = service.machine.run(f"cat /proc/{service.property('MainPID')}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (fields["CapEff"], fields["CapBnd"], fields["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    assert fields["Uid"].split()[0] == service.machine.run("id -u speakerd") != "0"


def test_installing_again_keeps_the_owners_settings(service: Speaker) -> None:
    with service.settings("echo volume_is_wrong = 1"):
        install(service.machine, "--no-start")
        assert service.machine.run(f"cat {SETTINGS}") == "volume_is_wrong = 1"


@pytest.fixture
def removed(installed: Machine) -> Iterator[str]:
    """What the uninstallation printed; afterwards the speaker is there again."""
    yield uninstall(installed)
    install(installed)


def test_what_is_uninstalled_leaves_nothing(installed: Machine, removed: str) -> None:
    now = set(installed.run("/opt/payload/list-files").splitlines())
    before = set(installed.run("cat /opt/payload/files-before").splitlines())
    assert sorted(now - before) == []
    assert sorted(before - now) == []
    assert installed.attempt("getent passwd speakerd")[0] == 2
    assert installed.attempt("systemctl cat speakerd")[0] == 1


def test_after_a_power_cycle_it_comes_up_by_itself(speaker: Speaker) -> None:
    speaker.machine.power_off()
    seconds = speaker.machine.power_on()
    seconds += speaker.until(60, speaker.is_hearing)
    print(f"\npower on to hearing {seconds:.1f} s")  # noqa: T201 - a figure


def test_after_the_plug_was_pulled_it_comes_up_by_itself(speaker: Speaker) -> None:
    speaker.machine.run("sync")
    speaker.machine.power_off(cleanly=False)
    seconds = speaker.machine.power_on()
    seconds += speaker.until(60, speaker.is_hearing)
    print(f"\npower on to hearing after a cut {seconds:.1f} s")  # noqa: T201 - a figure
