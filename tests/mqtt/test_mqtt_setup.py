"""From settings to a broker: nothing without one, secrets from files, and every mistake as one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from speakerd.errors import ConfigurationError
from speakerd.mqtt.broker import broker
from speakerd.mqtt.setup import check_mqtt
from speakerd.settings import parse
from speakerd.settings_mqtt import MqttSettings

HOME = MqttSettings(host="home.local", username="speaker")


def test_without_a_broker_nothing_is_imported() -> None:
    code = (
        "import sys, speakerd.assembly, speakerd.settings\n"
        "from speakerd.mqtt.setup import mqtt\n"
        "assert mqtt(speakerd.settings.MqttSettings(), print, None, {}) is None\n"
        "assert not {'aiomqtt', 'paho'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (MqttSettings(host="h"), "h:1883"),
        (MqttSettings(host="h", tls=True), "h:8883"),
        (MqttSettings(host="h", tls=True, port=1884), "h:1884"),
    ],
)
def test_where_the_broker_is(settings: MqttSettings, address: str) -> None:
    found = broker(settings, {})
    assert found.address == address
    assert (found.tls is not None) is settings.tls


def test_the_password_is_of_the_file_or_the_credential_and_is_never_shown(tmp_path: Path) -> None:
    file, credential = tmp_path / "secret", tmp_path / "mqtt-password"
    file.write_text("from the file\n")
    credential.write_text("\n")
    under_systemd: Mapping[str, str] = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    by_file = MqttSettings(host="h", username="speaker", password_file=str(file))
    assert broker(by_file, under_systemd).password == "from the file"  # noqa: S105 - of a test
    assert "file" not in repr(broker(by_file, {}))
    assert broker(HOME, under_systemd).password is None, "the unit's empty credential stands for none"
    credential.write_text("from systemd\n")
    assert broker(HOME, under_systemd).password == "from systemd"  # noqa: S105 - of a test
    assert broker(HOME, {}).password is None
    assert broker(MqttSettings(host="h"), under_systemd).password is None


@pytest.mark.parametrize(
    ("host", "tls", "is_told"),
    [
        ("home.local", False, True),
        ("192.168.1.9", False, True),
        ("home.local", True, False),
        ("localhost", False, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
    ],
)
def test_a_password_that_leaves_the_machine_unencrypted_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, tls: bool, is_told: bool
) -> None:
    (tmp_path / "mqtt-password").write_text("a secret")
    check_mqtt(MqttSettings(host=host, username="u", tls=tls), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    wanted = [f'The password for MQTT goes to {host} unencrypted: set "mqtt.tls" to true.'] if is_told else []
    assert [record.getMessage() for record in caplog.records] == wanted


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"device_id": "a/b"}, '"mqtt.device_id" must be 1 to 64 letters, digits, "_" and "-".'),
        ({"topic_prefix": ""}, '"mqtt.topic_prefix" must be the beginning of a topic, such as home/speakers.'),
        ({"topic_prefix": "a/#"}, '"mqtt.topic_prefix" must be the beginning of a topic, such as home/speakers.'),
        ({"discovery_prefix": "+"}, '"mqtt.discovery_prefix" must be the beginning of a topic, such as home/speakers.'),
        ({"ca_file": "ca.pem"}, '"mqtt.ca_file" has no effect: set "mqtt.tls" to true, too.'),
        ({"password_file": "p"}, '"mqtt.password_file" has no effect: set "mqtt.username", too.'),
        ({"port": 70000}, '"mqtt.port" must be from 0 to 65535, not 70000.'),
        (
            {"tools": [{"name": "a", "description": "b", "topic": "c", "payload": "d"}]},
            '"mqtt.tools" have no effect: set "mqtt.host" to the broker.',
        ),
        (
            {"host": "h", "tools": [{"name": "a", "description": "b", "topic": "c", "payload": "d", "qos": 3}]},
            '"mqtt.tools[1].qos" must be from 0 to 2, not 3.',
        ),
        (
            {
                "host": "h",
                "tools": [
                    {
                        "name": "a",
                        "description": "b",
                        "topic": "c",
                        "payload": "{d}",
                        "parameters": [{"name": "d", "type": "number", "minimum": 200}],
                    }
                ],
            },
            '"mqtt.tools[1].parameters[1].minimum" must be from -1000000000000.0 to 100.0, not 200.0.',
        ),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse({"mqtt": table})
    assert str(raised.value) == sentence


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    absent, binary = tmp_path / "absent", tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for settings, sentence in (
        (
            MqttSettings(host="h", username="u", password_file=str(absent)),
            f'"mqtt.password_file" ({absent}) cannot be read: No such file or directory.',
        ),
        (
            MqttSettings(host="h", username="u", password_file=str(binary)),
            f'"mqtt.password_file" ({binary}) is not a text file: write the password into it.',
        ),
        (
            MqttSettings(host="h", tls=True, ca_file=str(absent)),
            f'"mqtt.ca_file" ({absent}) cannot be used (No such file or directory): name a file of certificates (PEM).',
        ),
    ):
        with pytest.raises(ConfigurationError) as raised:
            broker(settings, {})
        assert str(raised.value) == sentence


def test_check_tells_what_is_wrong_with_a_message() -> None:
    row = {"name": "scene", "description": "Light it.", "topic": "home/{room}", "payload": "ON"}
    settings = parse({"mqtt": {"host": "h", "tools": [row]}}).mqtt
    with pytest.raises(ConfigurationError, match=r"mqtt.tools\[1\].topic"):
        check_mqtt(settings, {})
