"""The command line as an owner meets it: exit codes, and one sentence for each mistake. Real processes, no hardware."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from speakerd.demo.card import FakeCard

CONFIGURATION, UNAVAILABLE = 78, 69


def speakerd(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "speakerd", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "speakerd.toml"
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


HERE = 'state_folder = "FOLDER/state"\nboard = "none"\n[control]\nsocket = "FOLDER/control.sock"\n'

BAD_CONFIGURATIONS = {
    "not TOML": ("board =", "is not valid TOML"),
    "unknown key": ("[audio]\nvolum = 1.0", 'unknown key "audio.volum": did you mean "audio.volume"?'),
    "wrong type": ('[audio]\nvolume = "loud"', '"audio.volume" must be a number'),
    "unknown board": ('board = "bredboard"', "breadboard"),
    "no GPIO here": ('board = "breadboard"\n[control]\nsocket = "FOLDER/c.sock"', 'set board = "none"'),
    "missing models": (HERE + '[wake_word]\nmodels_folder = "FOLDER/none"', "is missing"),
    "unknown wake word": (HERE + '[wake_word]\nword = "hey_jarvi"', "hey_jarvis"),
    "no key": (HERE + '[endpoint]\nname = "openai"', "there is no API key"),
    "full duplex without echo cancelling": (HERE + '[audio]\nduplex = "full"', '"audio.duplex" must be "half"'),
    "a message to everybody": (
        HERE + '[mqtt]\nhost = "h"\n[[mqtt.tools]]\nname = "a"\ndescription = "b"\ntopic = "#"\npayload = ""',
        '"mqtt.tools[1].topic" must be one topic',
    ),
    "socket cannot be made": ('board = "none"\n[control]\nsocket = "FOLDER/no/such/c.sock"', '"control.socket"'),
}


@pytest.mark.parametrize(("text", "sentence"), BAD_CONFIGURATIONS.values(), ids=BAD_CONFIGURATIONS)
def test_a_wrong_configuration_ends_with_78_and_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    result = speakerd("run", "--config", written(tmp_path, text), OPENAI_API_KEY="", CREDENTIALS_DIRECTORY="")
    assert (result.returncode, result.stdout) == (CONFIGURATION, "")
    assert sentence in result.stderr
    assert result.stderr.startswith("speakerd: ")
    assert result.stderr.count("\n") == 1, "one sentence"


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    result = speakerd("run", "--config", tmp_path / "gone.toml")
    assert result.returncode == CONFIGURATION
    assert f"{tmp_path}/gone.toml cannot be read (No such file or directory)" in result.stderr


def test_a_broken_model_is_named(tmp_path: Path) -> None:
    for name in ("hey_jarvis_v0.1.onnx", "melspectrogram.onnx", "embedding_model.onnx"):
        (tmp_path / name).write_bytes(b"not a model")
    result = speakerd("run", "--config", written(tmp_path, HERE + f'[wake_word]\nmodels_folder = "{tmp_path}"'))
    assert result.returncode == CONFIGURATION
    assert "is damaged or another file (wrong checksum)" in result.stderr


def test_check_names_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    configuration = written(tmp_path, HERE)
    with_card = speakerd("check", "--config", configuration, **FakeCard(tmp_path / "card").environment)
    assert with_card.returncode == 0, with_card.stdout
    assert [line.split()[-1] for line in with_card.stdout.splitlines()] == ["ok"] * 7
    silent = tmp_path / "alsa.conf"
    silent.write_text("")
    without_card = speakerd("check", "--config", configuration, ALSA_CONFIG_PATH=str(silent))
    assert without_card.returncode == UNAVAILABLE
    assert "sound card" in without_card.stdout
    assert without_card.stdout.count("ok\n") == 6


def test_a_doctor_of_wrong_settings_says_so_in_json(tmp_path: Path) -> None:
    result = speakerd("doctor", "--json", "--config", written(tmp_path, "board ="))
    assert (result.returncode, result.stderr) == (CONFIGURATION, "")
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["part"], finding["state"]) == ("settings", "failed")


def test_an_echo_test_without_a_card_or_too_short_to_learn(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.unplug()
    configuration = written(tmp_path, HERE)
    result = speakerd("doctor", "echo", "--json", "--config", configuration, **card.environment)
    assert (result.returncode, result.stdout) == (UNAVAILABLE, "")
    assert result.stderr.splitlines()[-1].startswith("speakerd: There is no sound card")
    result = speakerd("doctor", "echo", "--seconds", "3", "--config", configuration)
    assert result.returncode == 2
    assert "take 10 to 300 seconds" in result.stderr


@pytest.mark.parametrize(
    "command", ["ask what time is it", "say hello", "say -", "status --follow", "retry", "mute", "volume", "tools"]
)
def test_asking_a_speaker_that_does_not_run(command: str, tmp_path: Path) -> None:
    result = speakerd(*command.split(), "--config", written(tmp_path, HERE))
    assert result.returncode == UNAVAILABLE
    assert "speakerd does not run" in result.stderr


def test_a_second_daemon_leaves_the_first_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(str(tmp_path / "control.sock"))
        first.listen()
        result = speakerd("run", "--config", written(tmp_path, HERE))
    assert result.returncode == UNAVAILABLE
    assert "Another speakerd answers" in result.stderr


COMMANDS = ("", "run", "doctor", "doctor echo", "config set", "models add", "version")
"""Some of them; the tree has a test of all."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = speakerd(*command.split(), "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("usage: speakerd")


def test_the_environment_overrides_a_setting_and_its_mistakes_are_named(tmp_path: Path) -> None:
    configuration = written(tmp_path, HERE)
    result = speakerd("status", "--config", configuration, SPEAKERD_CONTROL__SOCKET=f"{tmp_path}/other.sock")
    assert f"nothing answers at {tmp_path}/other.sock" in result.stderr
    result = speakerd("status", "--config", configuration, SPEAKERD_AUDIO__VOLUME="loud")
    assert result.returncode == CONFIGURATION
    assert '"audio.volume" must be a number' in result.stderr
