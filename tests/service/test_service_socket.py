"""Claiming the control socket: a dead daemon's is replaced; a living one's and anything else are left alone."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from speakerd.errors import ConfigurationError, ControlError
from speakerd.service.control import ControlServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def claim(path: Path) -> ControlServer:
    return ControlServer(path, lambda event: None, dict)


def test_the_socket_is_for_user_and_group_and_goes_with_the_daemon(path: Path) -> None:
    server = claim(path)
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    server.close()
    assert not path.exists()


def test_the_socket_of_a_daemon_that_died_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    server = claim(path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    server.close()


def test_a_living_daemon_keeps_its_socket(path: Path) -> None:
    living = claim(path)
    with pytest.raises(ControlError) as raised:
        claim(path)
    assert str(raised.value) == f'Another speakerd answers at {path}: stop it first, or change "control.socket".'
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    living.close()


def test_a_living_daemon_that_is_too_busy_to_accept_keeps_its_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as queued:
        busy.bind(str(path))
        busy.listen(0)
        queued.connect(str(path))
        with pytest.raises(ControlError, match=r"^Another speakerd answers at "):
            claim(path)


def test_something_else_at_the_path_is_never_removed(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ControlError) as raised:
        claim(path)
    assert str(raised.value) == f'{path} is not a socket: remove it, or change "control.socket".'
    assert path.read_text() == "precious"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "control.sock"
    with pytest.raises(ConfigurationError) as raised:
        claim(path)
    assert str(raised.value) == (
        f"The control socket {path} cannot be made (No such file or directory): "
        'check that its folder exists and is writable, or change "control.socket".'
    )


def test_a_path_that_linux_cannot_bind_is_named() -> None:
    path = Path("/") / ("x" * 107)
    with pytest.raises(ConfigurationError) as raised:
        claim(path)
    assert str(raised.value) == f'"control.socket" must be at most 107 bytes long: choose a shorter path than {path}.'
