from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from bench.session_tls import certify, server_context


async def test_a_certified_server_is_trusted_where_it_was_certified_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")  # what it was is put back after the test
    monkeypatch.delenv("SSL_CERT_FILE")
    stranger = ssl.create_default_context()
    certify(tmp_path)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=server_context(tmp_path)) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
        assert await reader.read() == b"hello"
        writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=stranger)
