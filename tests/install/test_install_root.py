"""scripts/install and scripts/uninstall in a Debian of their own: twice, upgraded, interrupted anywhere, taken away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from install.conftest import INSTALL, UNINSTALL
from install.roots import Root
from install.terminal import at_terminal

VOLATILE = re.compile(
    r"/var/(lib/(dpkg|apt)|cache|log|backups)/|/root/\.|.*__pycache__"
    r"|/etc/(ld\.so\.cache|(passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock)"
)
"""What apt and others keep for themselves."""
OUTSIDE = " -o ".join(f"-path /{name}" for name in ("proc", "sys", "dev", "run", "tmp", "srv"))
LIST = f"find / -xdev \\( {OUTSIDE} \\) -prune -o -printf '%p %y %m %u:%g %l\\n'"
APT = "apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends"


def files(root: Root) -> set[str]:
    return {line for line in root.ok("sh", "-c", LIST).splitlines() if not VOLATILE.match(line)}


def accounts(root: Root) -> list[str]:
    return sorted(root.ok("sh", "-c", "getent passwd; getent group").splitlines())


def test_what_is_installed_works(speaker: Root) -> None:
    told = speaker.ok("sh", "-c", "cd /tmp; speakerd check; true")
    checks = dict(re.findall(r"^(\S+(?: \S+)?) {2,}(.*)$", told, re.MULTILINE))
    assert {name for name, state in checks.items() if state != "ok"} == {"sound card"}
    assert "openai" not in speaker.ok("cat", "/etc/speakerd/speakerd.toml").split("[endpoint]")[1].split("\n", 3)[2]
    shared = "/usr/local/share"
    assert speaker.ok("cat", f"{shared}/man/man8/speakerd.8").startswith(".")
    assert "speakerd" in speaker.ok(
        "bash", "-c", f". {shared}/bash-completion/completions/speakerd; complete -p speakerd"
    )
    as_service = ("setpriv", "--reuid=speakerd", "--regid=speakerd", "--clear-groups")
    assert "All models are complete" in speaker.ok(*as_service, "speakerd", "models", "verify")
    assert speaker.run(*as_service, "touch", "/var/lib/speakerd/models/new").returncode != 0


def test_a_second_run_changes_nothing(speaker: Root) -> None:
    before = files(speaker)
    told = speaker.ok(*INSTALL)
    assert "is there already" in told
    assert files(speaker) == before


def test_an_upgrade_keeps_the_settings_and_leaves_nothing_old(speaker: Root) -> None:
    speaker.ok("sed", "-i", "s/^volume = .*/volume = 0.3/", "/etc/speakerd/speakerd.toml")
    speaker.ok("sh", "-c", "cp -r /srv/wheels /opt/wheels; echo '# changed' >>/opt/wheels/requirements.txt")
    before = files(speaker)
    upgrade = [one.replace("/srv/wheels", "/opt/wheels") for one in INSTALL]
    assert "kept: /etc/speakerd/speakerd.toml" in speaker.ok(*upgrade)
    assert "volume = 0.3" in speaker.ok("cat", "/etc/speakerd/speakerd.toml")
    (new,) = speaker.ok("sh", "-c", "ls -d /opt/speakerd-*").split()
    assert speaker.ok("readlink", "/opt/speakerd").strip() == Path(new).name
    assert speaker.ok("speakerd", "--version").startswith("speakerd ")
    assert {re.sub("/opt/speakerd-[0-9a-f]+|speakerd-[0-9a-f]+", "", one) for one in files(speaker)} == {
        re.sub("/opt/speakerd-[0-9a-f]+|speakerd-[0-9a-f]+", "", one) for one in before
    }


def test_interrupted_anywhere_it_goes_on(bare: Root, installed: Root, tmp_path: Path) -> None:
    """The power is cut a moment after each step began."""
    root = bare.over(tmp_path)
    for step, seconds in ((2, 1.0), (2, 6.0), (3, 0.05), (5, 1.0), (5, 7.0), (6, 0.1), (8, 0.0), (9, 0.0)):
        install = " ".join(INSTALL)
        cut = f"{install} >/tmp/log & until grep -q '^.{step}/' /tmp/log; do sleep 0.02; done; sleep {seconds}"
        assert "was interrupted" not in root.ok("timeout", "300", "sh", "-c", cut)
    root.ok(*INSTALL)
    assert accounts(root) == accounts(installed)
    assert files(root) == files(installed)


@pytest.mark.parametrize("started", [True, False])
def test_an_uninstall_leaves_nothing(bare: Root, speaker: Root, tmp_path: Path, started: bool) -> None:
    """As if its Debian packages had been installed and nothing else."""
    packages = [
        line.split()[1]
        for line in speaker.ok("cat", "/usr/local/share/speakerd/brought").splitlines()
        if line.startswith("package ")
    ]
    clean = bare.over(tmp_path / "clean")
    clean.ok("sh", "-c", f"{APT} {' '.join(packages)}")
    if started:
        with speaker.booted() as machine:
            told = machine.run(UNINSTALL, "--purge")
            assert not machine.run("systemctl", "list-unit-files", "speakerd*").count("speakerd")
    else:
        told = speaker.ok(UNINSTALL, "--purge")
    assert "apt autoremove" in told
    left = files(speaker) - files(clean)
    if started:
        left = {one for one in left if "speakerd" in one}
    assert left == set()
    assert accounts(speaker) == accounts(clean)
    assert speaker.ok("apt-mark", "showmanual").split() == bare.ok("apt-mark", "showmanual").split()
    speaker.ok(UNINSTALL, "--purge")


def test_what_an_uninstall_keeps_is_used_again(speaker: Root) -> None:
    kept = "/var/lib/speakerd/volume.json"
    speaker.ok("sh", "-c", f"umask 077; echo secret >/etc/speakerd/xai-api-key; echo 5 >{kept}; chown speakerd {kept}")
    speaker.ok("sed", "-i", "s/^volume = .*/volume = 0.3/", "/etc/speakerd/speakerd.toml")
    assert "kept: /etc/speakerd and /var/lib/speakerd" in speaker.ok(UNINSTALL)
    assert speaker.run("getent", "passwd", "speakerd").returncode == 2
    speaker.ok("groupadd", "--system", "another")
    told = speaker.ok(*INSTALL)
    assert "kept" in told
    assert "volume = 0.3" in speaker.ok("cat", "/etc/speakerd/speakerd.toml")
    assert speaker.ok("stat", "-c", "%U:%G", kept).strip() == "speakerd:speakerd"
    assert speaker.ok("stat", "-c", "%U %a", "/etc/speakerd/xai-api-key").strip() == "root 600"


def test_a_key_from_a_file_is_roots_and_chooses_who_answers(speaker: Root) -> None:
    speaker.ok("rm", "/etc/speakerd/speakerd.toml")
    speaker.ok("sh", "-c", "echo xai-0123456789 >/root/key")
    told = speaker.ok(*INSTALL, "--key-file", "/root/key")
    assert "xai-0123456789" not in told
    assert speaker.ok("sh", "-c", "stat -c '%U %a' /etc/speakerd/xai-api-key*").strip() in ("root 600", "root 400")
    assert 'endpoint.name = "xai"' in told
    settings = speaker.ok("cat", "/etc/speakerd/speakerd.toml")
    assert re.search(r'^\[endpoint\]\n# .*\nname = "xai"$', settings, re.MULTILINE)
    assert "systemd-creds cannot encrypt here" in told or "encrypted for this machine" in told
    assert "kept" in speaker.ok(*INSTALL)


@pytest.mark.parametrize(
    ("typed", "endpoint", "file"),
    [
        ("sk-proj-0123456789", "openai", "api-key"),
        ("xai-0123456789", "xai", "xai-api-key"),
        ("", "offline", None),
    ],
)
def test_a_key_that_is_typed_is_not_shown(speaker: Root, typed: str, endpoint: str, file: str | None) -> None:
    speaker.ok("rm", "/etc/speakerd/speakerd.toml")
    install = [one for one in INSTALL if one != "--yes"]
    with at_terminal(speaker.command(*install)) as terminal:
        terminal.read_until("Enter for none")
        assert not terminal.echoes()
        terminal.type(typed + "\n")
        terminal.read_until("The settings")
        assert terminal.echoes()
        told = terminal.read_all()
    assert "speakerd is installed" in told
    assert f'endpoint.name = "{endpoint}"' in told
    assert not typed or typed not in told
    names = speaker.ok("sh", "-c", "cd /etc/speakerd; ls | grep key || true").split()
    assert [name.removesuffix(".cred") for name in names] == ([] if file is None else [file])
    if names == [file]:
        assert speaker.ok("cat", f"/etc/speakerd/{file}") == f"{typed}\n"


COMPLETING = {
    "bash": ("bash", "--norc", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
READY = {
    "bash": ". /usr/local/share/bash-completion/completions/speakerd",
    "zsh": "fpath=(/usr/local/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D",
}


@pytest.mark.parametrize("shell", COMPLETING)
def test_a_shell_completes_what_is_begun(speaker: Root, shell: str) -> None:
    speaker.ok("sh", "-c", f"command -v {shell} || {{ {APT} {shell}; }}")
    with at_terminal(speaker.command("env", "TERM=dumb", *COMPLETING[shell])) as terminal:
        terminal.type(f"{READY[shell]}; echo rea''dy\n")
        terminal.read_until("ready")
        for begun, whole in (("speakerd conf\t", "config"), ("se\t", "set"), ("audio.volu\t", "audio.volume")):
            terminal.type(begun)
            terminal.read_until(whole)
