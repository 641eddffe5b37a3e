"""The way to the endpoints, step by step, against servers on loopback; no key is ever shown."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fake_server import CREATED, Close, Emit, EmitRaw, StopReading, fake_server
from speakerd.doctor.finding import Finding
from speakerd.doctor.network import keys, network
from speakerd.doctor.patient import Patient
from speakerd.settings import EndpointSettings, OfflineSettings, Settings

KEY = "sk-proj-hunter2hunter2"
REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "code": "model_not_found", "message": "No."}}


def custom(url: str, **changes: object) -> EndpointSettings:
    return EndpointSettings(name="custom", url=url, connect_seconds=1.0, offline_fallback=False, **changes)  # type: ignore[arg-type]


async def examined(endpoint: EndpointSettings, environment: dict[str, str] | None = None) -> dict[str, Finding]:
    settings = Settings(endpoint=endpoint)
    found = [finding async for finding in network(Patient(settings, environment or {}, {}))]
    assert not [finding for finding in found if "hunter2" in finding.text]
    return {finding.part: finding for finding in found}


async def test_a_server_that_opens_a_session() -> None:
    async with fake_server(Emit([CREATED])) as server:
        found = await examined(custom(server.url, model="m"))
    assert list(found) == ["custom name", "custom connection", "API keys", "custom session"]
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["custom session"].text.endswith("opens one for m")
    assert server.received == [], "nothing was asked for, so nothing is billed"


FAILING = {
    "refuses the model": ((Emit([REFUSED]),), "check endpoint.model"),
    "says nothing": ((StopReading(),), "did not confirm the connection within 1 s"),
    "hangs up": ((Close(1011, "sorry"),), "close code 1011"),
    "is no server of ours": ((EmitRaw("hello"),), "refused the session"),
}


@pytest.mark.parametrize(("script", "sentence"), FAILING.values(), ids=FAILING)
async def test_a_server_that_does_not(script: tuple[Emit, ...], sentence: str) -> None:
    async with fake_server(*script) as server:
        found = await examined(custom(server.url))
    assert found["custom connection"].state == "ok"
    assert found["custom session"].state == "failed"
    assert sentence in found["custom session"].text


async def test_a_key_that_is_refused() -> None:
    async with fake_server(status=401) as server:
        found = await examined(custom(server.url))
    assert "refused the API key" in found["custom session"].text


async def test_nobody_listens_and_a_name_that_is_none() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    found = await examined(custom(f"ws://127.0.0.1:{port}/"))
    assert found["custom name"].state == "ok"
    assert "nothing listens there" in found["custom connection"].text
    found = await examined(custom("ws://no-such-host.invalid/"))
    assert found["custom name"].state == "failed"
    assert "custom connection" not in found


async def test_tls_with_what_speaks_none() -> None:
    async with fake_server(Emit([CREATED])) as server:
        found = await examined(custom(server.url.replace("ws://", "wss://")))
    assert found["custom connection"].state == "ok"
    assert found["custom TLS"].state == "failed"
    assert "could not be reached, it hung up: check the network." in found["custom TLS"].text


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        (None, "failed", "there is no API key: write it into /etc/speakerd/api-key"),
        ("", "failed", "does not hold an API key: it must be one line without spaces"),
        (f"{KEY} {KEY}\n", "failed", "does not hold an API key: it must be one line without spaces"),
        ("hunter2\n", "failed", 'does not begin with "sk-"'),
        (f"{KEY}\n", "ok", "openai has one"),
    ],
)
def test_the_key(text: str | None, state: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    if text is not None:
        file.write_text(text)
    settings = Settings(endpoint=EndpointSettings(name="openai", key_file=str(file) if text is not None else ""))
    finding, usable = keys(Patient(settings, {}, {}))
    assert finding.state == state
    assert words in finding.text
    assert KEY not in finding.text
    assert [endpoint.name for endpoint in usable] == (["openai"] if text and " " not in text else [])


async def test_a_key_of_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even root is refused: a folder in the key's place is read with the same kind of error."""
    (tmp_path / "custom-api-key").write_text(KEY)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    async with fake_server(Emit([CREATED])) as server:
        found = await examined(custom(server.url), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found["API keys"].state == "skipped"
    assert "run sudo speakerd doctor" in found["API keys"].text
    assert "custom session" not in found


async def test_the_assistant_on_the_device_needs_its_voice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = await examined(EndpointSettings())
    assert found["offline"].state == "ok"
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await examined(EndpointSettings())
    assert "The program espeak-ng is missing" in found["offline"].text
    piper = Patient(Settings(offline=OfflineSettings(voice="/x.onnx")), {}, {})
    (finding,) = [finding async for finding in network(piper)]
    assert "The program piper is missing" in finding.text
