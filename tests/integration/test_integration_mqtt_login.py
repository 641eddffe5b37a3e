"""Passwords and certificates, with a real mosquitto."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from logs import log_of
from mqtt_broker import home, mosquitto, program
from mqtt_stage import AVAILABILITY, settings, speaker


async def done(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        program(command[0]), *command[1:], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()


@pytest.fixture
async def password_file(tmp_path: Path) -> str:
    file = tmp_path / "passwords"
    await done("mosquitto_passwd", "-c", "-b", str(file), "speaker", "right")
    return f"password_file {file}"


async def test_a_password_opens_the_broker(tmp_path: Path, password_file: str) -> None:
    (tmp_path / "mqtt-password").write_text("right\n")
    with log_of("speakerd") as log:
        async with (
            mosquitto(tmp_path, password_file) as broker,
            home(broker.port, username="speaker", password="right") as listener,  # noqa: S106 - of a test
            speaker(settings(broker.port, username="speaker"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}),
        ):
            await listener.until_last(AVAILABILITY, "online")
    assert not [line for line in log.lines if "right" in line]


async def test_a_wrong_password_is_one_sentence_and_is_tried_again(tmp_path: Path, password_file: str) -> None:
    (tmp_path / "mqtt-password").write_text("a secret\n")
    with log_of("speakerd") as log:
        async with (
            mosquitto(tmp_path, password_file) as broker,
            speaker(settings(broker.port, username="speaker"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}),
        ):
            sentence = (
                f"The MQTT broker at 127.0.0.1:{broker.port} refused the user name or the password: "
                'check "mqtt.username" and the file of the password.'
            )
            await log.until(sentence, times=2)
    assert not [line for line in log.lines if "a secret" in line]


@pytest.fixture
async def certificates(tmp_path: Path) -> Path:
    """A folder with a throw-away authority, ca.pem, and a broker's key and certificate for 127.0.0.1."""
    subject = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2")
    await done(
        *("openssl", "req", "-x509", *subject, "-subj", "/CN=Throw-away"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(tmp_path / "ca.key"), "-out", str(tmp_path / "ca.pem")),
    )
    await done(
        *("openssl", "req", "-x509", *subject, "-subj", "/CN=broker"),
        *("-CA", str(tmp_path / "ca.pem"), "-CAkey", str(tmp_path / "ca.key")),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"),
        *("-keyout", str(tmp_path / "broker.key"), "-out", str(tmp_path / "broker.pem")),
    )
    return tmp_path


async def test_tls_with_the_owners_authority(certificates: Path) -> None:
    options = tuple(
        f"{key} {certificates / name}" for key, name in (("certfile", "broker.pem"), ("keyfile", "broker.key"))
    )
    ca_file = str(certificates / "ca.pem")
    async with (
        mosquitto(certificates, *options) as broker,
        home(broker.port, tls_context=ssl.create_default_context(cafile=ca_file)) as listener,
    ):
        async with speaker(settings(broker.port, tls=True, ca_file=ca_file)):
            await listener.until_last(AVAILABILITY, "online")
        with log_of("speakerd") as log:
            async with speaker(settings(broker.port, tls=True)):
                await log.until("certificate verify failed")
            assert not [line for line in log.lines if "is connected" in line]
