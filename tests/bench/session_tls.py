"""A certificate of this bench's own, which its process trusts beside those that every machine trusts."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

_CERTIFICATE, _KEY, _TRUSTED = "certificate.pem", "key.pem", "trusted.pem"


def can_certify() -> bool:
    """Whether this machine has what makes certificates."""
    return shutil.which("openssl") is not None


def certify(folder: Path) -> None:
    """Make a certificate for this machine, and trust it, too, in this process from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / _KEY), "-out", str(folder / _CERTIFICATE)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    known = ssl.get_default_verify_paths().cafile
    # As long as the list that every connection reads: to read it takes time.
    trusted = Path(known).read_bytes() if known else b""
    (folder / _TRUSTED).write_bytes(trusted + (folder / _CERTIFICATE).read_bytes())
    os.environ["SSL_CERT_FILE"] = str(folder / _TRUSTED)


def server_context(folder: Path) -> ssl.SSLContext:
    """What a server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / _CERTIFICATE, folder / _KEY)
    return context
