"""Which server, which key, and that the key shows nowhere."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from speakerd.errors import ConfigurationError
from speakerd.realtime.endpoint import Endpoint, TurnDetection
from speakerd.realtime.endpoints import endpoint, endpoints
from speakerd.realtime.messages_dialects import AZURE, LOCALAI, OPENAI, SPEECH_TO_SPEECH, XAI, Dialect
from speakerd.settings import ConversationSettings, EndpointSettings, Settings
from speakerd.settings_endpoint import OtherEndpoint

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
        ("wss://h/{model}/live", "wss://h/m/live", "custom (h)"),
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


def all_of(*rows: EndpointSettings | OtherEndpoint, **environment: str) -> tuple[Endpoint, ...]:
    first, *others = rows
    assert isinstance(first, EndpointSettings)
    return endpoints(Settings(endpoint=replace(first, others=tuple(others))), SOCKET, environment)


HOME = OtherEndpoint("custom", url="ws://10.0.0.2/")


def test_the_order_is_the_owners_and_the_device_is_the_last() -> None:
    first = EndpointSettings(name="openai", instructions="Be brief.")
    found = all_of(
        *(first, OtherEndpoint("xai"), HOME, OtherEndpoint("openai", model="gpt-realtime-2.1", voice="cedar"), HOME),
        OPENAI_API_KEY="sk-openai",
        XAI_API_KEY="sk-xai",
    )
    assert [each.name for each in found] == ["openai", "xai", "custom", "openai-2", "custom-2", "offline"]
    assert {each.instructions for each in found} == {"Be brief."}
    assert [each.model for each in found] == [
        "gpt-realtime-2.1-mini",
        "grok-voice-latest",
        "gpt-realtime-2.1-mini",
        "gpt-realtime-2.1",
        "gpt-realtime-2.1-mini",
        "offline",
    ]
    assert [each.voice for each in found] == ["marin", "eve", "", "cedar", "", "marin"]
    assert [each.bills for each in found] == [True, True, False, True, False, False]
    assert found[1].headers == {"Authorization": "Bearer sk-xai"}
    assert found[1].url == "wss://api.x.ai/v1/realtime?model=grok-voice-latest"
    assert found[-1].unix_socket == SOCKET


def test_the_device_is_there_once_or_not_at_all() -> None:
    assert [each.name for each in all_of(EndpointSettings())] == ["offline"]
    listed = all_of(EndpointSettings(name="custom", url="ws://h/"), OtherEndpoint("offline"), HOME)
    assert [each.name for each in listed] == ["custom", "offline", "custom-2"]
    alone = all_of(EndpointSettings(name="custom", url="ws://h/", offline_fallback=False))
    assert [each.name for each in alone] == ["custom"]


@pytest.mark.parametrize(
    ("url", "expected", "where"),
    [
        (
            "https://r.openai.azure.com",
            "wss://r.openai.azure.com/openai/v1/realtime?model=my%20mini",
            "r.openai.azure.com",
        ),
        (
            "wss://r.openai.azure.com/",
            "wss://r.openai.azure.com/openai/v1/realtime?model=my%20mini",
            "r.openai.azure.com",
        ),
        ("wss://h/openai/realtime?deployment={model}", "wss://h/openai/realtime?deployment=my%20mini", "h"),
        ("https://h/openai/v1/realtime?model=own", "wss://h/openai/v1/realtime?model=own", "h"),
    ],
)
def test_azure(url: str, expected: str, where: str) -> None:
    azure = endpoint(EndpointSettings(name="azure", url=url, model="my mini"), SOCKET, {"AZURE_OPENAI_API_KEY": KEY})
    assert (azure.url, azure.where) == (expected, f"azure ({where})")
    assert dict(azure.headers) == {"api-key": KEY}
    assert (azure.dialect, azure.model, azure.bills) == (AZURE, "my mini", True)


@pytest.mark.parametrize(
    ("dialect", "expected", "model", "transcription"),
    [
        ("openai", OPENAI, "gpt-realtime-2.1-mini", "gpt-transcribe"),
        ("localai", LOCALAI, "", ""),
        ("speech-to-speech", SPEECH_TO_SPEECH, "", ""),
        ("xai", XAI, "grok-voice-latest", ""),
    ],
)
def test_a_custom_server_has_the_dialect_that_it_is_said_to_have(
    dialect: Literal["openai", "localai", "speech-to-speech", "xai"], expected: Dialect, model: str, transcription: str
) -> None:
    found = endpoint(EndpointSettings(name="custom", url="ws://h/x", dialect=dialect), SOCKET, {})
    assert (found.dialect, found.model, found.transcription_model) == (expected, model, transcription)
    assert found.url == (f"ws://h/x?model={model}" if model else "ws://h/x")


@pytest.mark.parametrize(
    ("rows", "files", "environment", "keys"),
    [
        (["openai"], ["openai-api-key", "api-key"], ["OPENAI_API_KEY"], ["openai-api-key"]),
        (["openai"], ["api-key"], ["OPENAI_API_KEY"], ["api-key"]),
        (["openai", "openai"], ["api-key"], [], ["api-key", "api-key"]),
        (["openai", "openai"], ["api-key", "openai-2-api-key"], [], ["api-key", "openai-2-api-key"]),
        (["xai", "xai"], ["xai-api-key", "api-key"], [], ["xai-api-key", "xai-api-key"]),
        (["azure"], ["azure-api-key", "api-key"], ["OPENAI_API_KEY"], ["azure-api-key"]),
        (["azure", "azure"], ["azure-api-key", "azure-2-api-key"], [], ["azure-api-key", "azure-2-api-key"]),
        (["azure"], [], ["OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"], ["AZURE_OPENAI_API_KEY"]),
        (["xai"], [], ["OPENAI_API_KEY", "XAI_API_KEY"], ["XAI_API_KEY"]),
        (["custom", "custom"], ["custom-api-key", "api-key"], ["OPENAI_API_KEY"], ["custom-api-key", None]),
        (["custom", "custom"], ["custom-2-api-key"], ["OPENAI_API_KEY"], [None, "custom-2-api-key"]),
    ],
    ids=str,
)
def test_each_gets_its_own_key(
    rows: list[Any], files: list[str], environment: list[str], keys: list[str | None], tmp_path: Path
) -> None:
    for file in files:
        (tmp_path / file).write_text(f"{file}\n")
    url = "wss://h/x"
    first = EndpointSettings(name=rows[0], url=url, model="m", offline_fallback=False)
    others = [OtherEndpoint(name, url=url, model="m") for name in rows[1:]]
    found = all_of(first, *others, CREDENTIALS_DIRECTORY=str(tmp_path), **{name: name for name in environment})
    assert [next(iter(each.headers.values()), None) for each in found] == [
        key and (key if each.name.startswith("azure") else f"Bearer {key}")
        for key, each in zip(keys, found, strict=True)
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [EndpointSettings(name="xai")],
            'endpoint.name is "xai" but there is no API key: write it into /etc/speakerd/xai',
        ),
        (
            [EndpointSettings(), OtherEndpoint("openai"), OtherEndpoint("azure", url="https://h", model="m")],
            'endpoint.others[1].name is "openai" but there is no API key',
        ),
        (
            [EndpointSettings(), HOME, OtherEndpoint("azure", url="https://h", model="m")],
            'write it into /etc/speakerd/azure-api-key, or into a file that "endpoint.others[2].key_file" names.',
        ),
        ([EndpointSettings(), OtherEndpoint("custom", url="ws://")], '"endpoint.others[1].url" is not an address'),
        (
            [EndpointSettings(), OtherEndpoint("xai", key_file="/nonexistent/key")],
            "endpoint.others[1].key_file (/nonexistent/key) cannot be read",
        ),
    ],
)
def test_a_mistake_names_its_endpoint(rows: list[EndpointSettings | OtherEndpoint], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        all_of(*rows)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("talk", "turns"),
    [
        (ConversationSettings(), TurnDetection()),
        (ConversationSettings(turns="semantic", eagerness="high"), TurnDetection(eagerness="high")),
        (
            ConversationSettings(turns="server", end_silence_ms=600, prefix_ms=200, speech_threshold=0.6),
            TurnDetection(by_meaning=False, silence_ms=600, prefix_ms=200, threshold=0.6),
        ),
        (ConversationSettings(interrupt_response=False), TurnDetection(interrupts=False)),
        (ConversationSettings(turns="local"), None),
        (ConversationSettings(turns="push"), None),
    ],
)
def test_who_finds_the_turns(talk: ConversationSettings, turns: TurnDetection | None) -> None:
    settings = Settings(endpoint=EndpointSettings(others=(HOME,)), conversation=talk)
    assert [each.turns for each in endpoints(settings, SOCKET, {})] == [turns, turns]


def test_wishes_reach_the_endpoint() -> None:
    settings = EndpointSettings(
        name="custom",
        url="ws://h/",
        connect_seconds=3.0,
        reasoning_effort="low",
        max_output_tokens=300,
        retention_ratio=0.6,
        transcription_model="none",
        language="de",
        noise_reduction="none",
        bills=True,
    )
    found = endpoint(settings, SOCKET, {})
    assert (found.connect_seconds, found.reasoning_effort, found.max_output_tokens) == (3.0, "low", 300)
    assert (found.retention_ratio, found.language, found.noise_reduction) == (0.6, "de", None)
    assert (found.transcribes, found.transcription_model, found.bills) == (False, "", True)
