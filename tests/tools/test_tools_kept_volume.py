from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from speakerd.tools import kept_volume
from speakerd.tools.kept_volume import KeptVolume


class House:
    """A loudspeaker whose volume is kept; each one is another run of the service."""

    def __init__(self, file: Path) -> None:
        self.told: list[float] = []
        self.kept = KeptVolume(file, self.told.append)
        self.kept.restore()


async def test_the_volume_of_the_last_run_is_that_of_the_next(tmp_path: Path) -> None:
    file = tmp_path / "state/volume.json"
    house = House(file)
    assert house.told == []
    house.kept.set(0.3)
    house.kept.set(0.4)
    assert house.told == [0.3, 0.4]
    assert not file.exists(), "it is not written at each step"
    house.kept.close()
    assert House(file).told == [0.4]
    assert [path.name for path in file.parent.iterdir()] == ["volume.json"]


async def test_it_is_kept_soon_without_any_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_volume, "_SAVE_SECONDS", 0.001)
    file, written = tmp_path / "volume.json", asyncio.Event()

    def write(file: Path, document: object) -> None:
        file.write_text(str(document))
        written.set()

    monkeypatch.setattr(kept_volume, "replace_file", write)
    House(file).kept.set(0.3)
    async with asyncio.timeout(5):
        await written.wait()
    assert file.read_text() == "{'volume': 0.3}"


async def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "volume.json"
    file.write_text('{"volume": 0.5}')
    written_at = file.stat().st_mtime_ns
    house = House(file)
    house.kept.set(0.6)
    house.kept.set(0.5)
    house.kept.close()
    house.kept.close()
    assert file.stat().st_mtime_ns == written_at


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"volume": 1.1}', '{"volume": -1}', '{"volume": true}', '{"volume": NaN}', "\0", "[" * 9999],
)
async def test_a_damaged_file_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    file = tmp_path / "volume.json"
    file.write_text(text)
    house = House(file)
    assert house.told == []
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"{file} is damaged: the volume begins as in the settings."
    ]
    house.kept.set(0.5)
    house.kept.close()
    assert House(file).told == [0.5]


async def test_a_folder_in_its_place_is_a_warning_and_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(tmp_path)
    house.kept.set(0.5)
    house.kept.close()
    assert house.told == [0.5]
    assert [record.message.split(":")[0] for record in caplog.records] == [
        f"{tmp_path} cannot be read (Is a directory)",
        f"{tmp_path} cannot be written (Is a directory)",
    ]
