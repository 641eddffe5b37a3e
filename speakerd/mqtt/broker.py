"""The connection to the broker. aiomqtt is imported here and in `link` alone, and only where a broker is set.

MQTT 5, because it alone lets us say how large a message may be. The broker itself is mistrusted, too: a packet that is
larger all the same ends the connection before it is read, and a connection that broke is closed for good, which
aiomqtt leaves open where paho has failed on a packet.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from speakerd.errors import BrokerError, ConfigurationError
from speakerd.mqtt.device import Device
from speakerd.settings_mqtt import MqttSettings

MOST_PACKET_BYTES = 16_384
MOST_WAITING = 64
"""Messages that may wait to be read; more are lost."""

_KEEPALIVE_SECONDS = 30
_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 3.0
_CREDENTIAL = "mqtt-password"
_REFUSED_USER = {134, 135}
"""MQTT 5, 3.2.2.2: bad user name or password, not authorised."""
_REFUSED_VERSION = {1, 132}
"""Unsupported protocol version, as MQTT 3 and as MQTT 5 say it."""

_silence = logging.getLogger("speakerd.mqtt.broker.paho")
_silence.setLevel(logging.CRITICAL)  # whoever may publish could fill the journal


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and who we are for it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """For the log."""
        return f"{self.host}:{self.port}"


def broker(settings: MqttSettings, environment: Mapping[str, str]) -> Broker:
    """The broker that the settings name; raises ConfigurationError."""
    return Broker(
        host=settings.host,
        port=settings.port or (8883 if settings.tls else 1883),
        username=settings.username or None,
        password=_password(settings, environment) if settings.username else None,
        tls=_tls(settings.ca_file) if settings.tls else None,
    )


def _password(settings: MqttSettings, environment: Mapping[str, str]) -> str | None:
    path, source = Path(settings.password_file), '"mqtt.password_file"'
    if not settings.password_file:
        path = Path(environment.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / _CREDENTIAL
        source = f"the credential {_CREDENTIAL}"
        if not path.exists():
            return None
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ConfigurationError(f"{source} ({path}) cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        # Not chained: this exception holds what it could not decode.
        raise ConfigurationError(f"{source} ({path}) is not a text file: write the password into it.") from None


def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f'"mqtt.ca_file" ({ca_file}) cannot be used ({error.strerror or error}): name a file of certificates (PEM).'
        ) from error


@asynccontextmanager
async def connected(broker: Broker, device: Device) -> AsyncIterator[aiomqtt.Client]:
    """A connection, whose end the broker tells as the device's absence; raises BrokerError, also when it ends."""
    client = _client(broker, device)
    paho = client._client
    paho._create_socket = partial(_open_socket, broker)  # type: ignore[method-assign]
    _refuse_large_packets(paho, broker)
    failure: Exception | None = None
    try:
        try:
            async with client:
                try:
                    yield client
                except Exception:
                    # Without a goodbye, so that the broker publishes the last will.
                    paho._sock_close()
                    raise
        except* (aiomqtt.MqttError, BrokerError) as failures:
            failure = failures
    finally:
        paho._sock_close()
        if client._disconnected.done():
            client._disconnected.exception()  # or asyncio would complain that nobody has looked
    if failure is not None:
        raise BrokerError(_sentence(broker, _first(failure))) from None


def _client(broker: Broker, device: Device) -> aiomqtt.Client:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MOST_PACKET_BYTES
    properties.ReceiveMaximum = MOST_WAITING
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=device.id,
        protocol=aiomqtt.ProtocolVersion.V5,
        will=aiomqtt.Will(device.availability_topic, "offline", qos=1, retain=True),
        timeout=_ANSWER_SECONDS,
        keepalive=_KEEPALIVE_SECONDS,
        max_queued_incoming_messages=MOST_WAITING,
        properties=properties,
        tls_context=broker.tls,
        logger=_silence,
    )


def _open_socket(broker: Broker) -> socket.socket:
    """Connect, and agree on the encryption; where that fails nothing stays open, as it would by paho's own way."""
    connection = socket.create_connection((broker.host, broker.port), timeout=_CONNECT_SECONDS)
    # Else a message waits for the broker to confirm the one before it, which may take it 40 ms.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if broker.tls is None:
        return connection
    return broker.tls.wrap_socket(connection, server_hostname=broker.host)


def _refuse_large_packets(paho: PahoClient, broker: Broker) -> None:
    """Make reading fail once a packet has announced to be larger than agreed; paho would take 256 MiB."""
    read = paho.loop_read

    def guarded(max_packets: int = 1) -> MQTTErrorCode:
        outcome = read(max_packets)
        if paho._in_packet["remaining_length"] > MOST_PACKET_BYTES:
            paho._sock_close()
            raise BrokerError(f"The MQTT broker at {broker.address} sent more in one packet than it may: mend it.")
        return outcome

    paho.loop_read = guarded  # type: ignore[method-assign]


def _first(failure: BaseException) -> BaseException:
    """What went wrong first, of what went wrong together and because of one another."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure.__cause__ or failure


def _sentence(broker: Broker, failure: BaseException) -> str:
    if isinstance(failure, BrokerError):
        return str(failure)
    code = getattr(failure, "rc", None)
    number = getattr(code, "value", code)
    if isinstance(failure, aiomqtt.exceptions.MqttConnectError) and number in _REFUSED_USER:
        return (
            f"The MQTT broker at {broker.address} refused the user name or the password: "
            'check "mqtt.username" and the file of the password.'
        )
    if isinstance(failure, aiomqtt.exceptions.MqttConnectError) and number in _REFUSED_VERSION:
        return f"The MQTT broker at {broker.address} does not know MQTT 5: use one that does, such as mosquitto 2."
    return f'The MQTT broker at {broker.address} cannot be used ({failure}): check that it runs, and "mqtt.host".'
