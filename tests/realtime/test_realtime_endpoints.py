"""Which server, which key, and that the key shows nowhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from speakerd.errors import ConfigurationError
from speakerd.realtime.endpoints import endpoint
from speakerd.settings import EndpointSettings

SOCKET = Path("/run/speakerd/offline.sock")
KEY = "sk-verysecret"


def test_offline_needs_no_key() -> None:
    offline = endpoint(EndpointSettings(), SOCKET, {"OPENAI_API_KEY": KEY})
    assert offline.url == "ws://localhost/v1/realtime?model=offline"
    assert (offline.unix_socket, offline.phrases, dict(offline.headers)) == (SOCKET, True, {})
    assert offline.where == "offline (/run/speakerd/offline.sock)"


def test_openai() -> None:
    openai = endpoint(EndpointSettings(name="openai", model="gpt 2/x"), SOCKET, {"OPENAI_API_KEY": f" {KEY}\n"})
    assert openai.url == "wss://api.openai.com/v1/realtime?model=gpt%202%2Fx"
    assert dict(openai.headers) == {"Authorization": f"Bearer {KEY}"}
    assert (openai.unix_socket, openai.phrases, openai.model) == (None, False, "gpt 2/x")
    assert openai.where == "openai (api.openai.com)"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("file", "credential", "variable"), "sk-file"),
        (("credential", "variable"), "sk-credential"),
        (("variable",), "sk-variable"),
    ],
)
def test_the_first_key_counts(sources: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("sk-credential\n")
    (tmp_path / "key.txt").write_text("sk-file\n")
    settings = EndpointSettings(name="openai", key_file=str(tmp_path / "key.txt") if "file" in sources else "")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path if "credential" in sources else tmp_path / "none")}
    if "variable" in sources:
        environment["OPENAI_API_KEY"] = "sk-variable"
    assert endpoint(settings, SOCKET, environment).headers["Authorization"] == f"Bearer {expected}"


@pytest.mark.parametrize(
    ("url", "expected", "where"),
    [
        ("ws://10.0.0.2:8080/v1/realtime", "ws://10.0.0.2:8080/v1/realtime?model=m", "custom (10.0.0.2:8080)"),
        ("wss://h/x?a=1", "wss://h/x?a=1&model=m", "custom (h)"),
        ("wss://h/x?model=own&token=t", "wss://h/x?model=own&token=t", "custom (h)"),
        ("ws://me:pass@[::1]:9/x", "ws://me:pass@[::1]:9/x?model=m", "custom ([::1]:9)"),
    ],
)
def test_custom(url: str, expected: str, where: str) -> None:
    custom = endpoint(EndpointSettings(name="custom", url=url, model="m"), SOCKET, {"OPENAI_API_KEY": KEY})
    assert (custom.url, custom.where) == (expected, where)
    assert dict(custom.headers) == {}, "a key for OpenAI must not reach another server"


def test_custom_gets_the_key_that_is_meant_for_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    settings = EndpointSettings(name="custom", url="ws://h/", key_file=str(tmp_path / "key"))
    assert endpoint(settings, SOCKET, {}).headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["ws://", "ws://:80/", "ws://h:x/", "ws://h:99999/", f"ws://{'a' * 70}/", "ws://h/#x"])
def test_a_url_that_cannot_be(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r'"endpoint\.url" is not an address'):
        endpoint(EndpointSettings(name="custom", url=url), SOCKET, {})


def test_openai_without_a_key_says_where_to_put_one() -> None:
    with pytest.raises(ConfigurationError, match=r"no API key: write it into /etc/speakerd/api-key"):
        endpoint(EndpointSettings(name="openai"), SOCKET, {})


def test_the_empty_credential_of_the_unit_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with pytest.raises(ConfigurationError, match="there is no API key"):
        endpoint(EndpointSettings(name="openai"), SOCKET, environment)
    found = endpoint(EndpointSettings(name="openai"), SOCKET, {**environment, "OPENAI_API_KEY": KEY})
    assert found.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"sk-very secret", b"sk-very\nsecret", b"sk-\xc3\xa4", b"sk-\xff", b"\0"]
)
def test_a_key_that_cannot_be_is_not_quoted(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        endpoint(EndpointSettings(name="openai", key_file=str(file)), SOCKET, {})
    assert str(file) in str(caught.value)
    assert "sk-" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"endpoint\.key_file \(.*gone\) cannot be read: No such file"):
        endpoint(EndpointSettings(name="openai", key_file=str(tmp_path / "gone")), SOCKET, {})


def test_the_key_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    openai = endpoint(EndpointSettings(name="openai"), SOCKET, {"OPENAI_API_KEY": KEY})
    custom = endpoint(EndpointSettings(name="custom", url=f"ws://me:{KEY}@h/?token={KEY}"), SOCKET, {})
    shown = f"{openai!r} {openai} {openai.where} {custom!r} {custom} {custom.where}"
    assert KEY not in shown + caplog.text
