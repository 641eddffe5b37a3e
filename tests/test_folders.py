"""Where the speaker keeps what must survive a restart, and where a command run by hand looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from speakerd.errors import ConfigurationError
from speakerd.folders import speakers_folder, state_folder
from speakerd.settings import Settings


def test_the_state_folder_is_the_owners_or_systemds(tmp_path: Path) -> None:
    given = Settings(state_folder=str(tmp_path / "mine/too"))
    assert state_folder(given, {"STATE_DIRECTORY": "/unused"}) == tmp_path / "mine/too"
    assert (tmp_path / "mine/too").is_dir()
    assert state_folder(Settings(), {"STATE_DIRECTORY": str(tmp_path)}) == tmp_path


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r'file/state cannot be made \(Not a directory\): set "state_folder"'):
        state_folder(Settings(state_folder=str(tmp_path / "file/state")), {})


def test_a_command_by_hand_looks_where_the_service_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    services = tmp_path / "var"
    own = tmp_path / "home/.local/state/speakerd"
    assert speakers_folder(Settings(), {}, services) == own, "no service is installed"
    services.mkdir()
    assert speakers_folder(Settings(), {}, services) == services
    assert speakers_folder(Settings(), {"STATE_DIRECTORY": str(tmp_path)}, services) == tmp_path
    given = Settings(state_folder=str(tmp_path / "given"))
    assert speakers_folder(given, {}, services) == tmp_path / "given"
