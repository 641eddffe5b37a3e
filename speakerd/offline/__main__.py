"""`python -m speakerd.offline`: the offline assistant in its own process, for its recogniser would stall the daemon.

Prints one JSON line when it listens and one for each session that ended. Ends on SIGTERM or when its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import sys
import threading
from pathlib import Path

from speakerd.errors import SpeakerdError
from speakerd.offline.brain import Brain
from speakerd.offline.endpointing import Endpointer
from speakerd.offline.hearing import Recognizer
from speakerd.offline.server import OfflineServer, ServerOptions, SessionReport, TcpAddress
from speakerd.offline.speaking import voice
from speakerd.offline.understanding import Phrasebook
from speakerd.settings_offline import OfflineSettings


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    options = _options(arguments)
    settings = OfflineSettings(options.voice, options.words_per_minute, options.silence_ms)
    address = Path(options.socket) if options.socket else TcpAddress(options.host, options.port)
    # The socket and whatever else is made belongs to this user alone.
    os.umask(0o077)
    try:
        asyncio.run(_serve(address, settings))
    except (SpeakerdError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    defaults = OfflineSettings()
    parser = argparse.ArgumentParser(prog="python -m speakerd.offline", description="The assistant on the device.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="listen on a unix socket at this path")
    where.add_argument("--port", type=int, help="listen on this TCP port; 0 means any free one")
    parser.add_argument(
        "--host", type=_loopback, default="127.0.0.1", help="address of the TCP port (default %(default)s)"
    )
    parser.add_argument("--voice", default=defaults.voice, help="espeak-ng voice, or path of a piper voice")
    parser.add_argument("--words-per-minute", type=int, default=defaults.words_per_minute)
    parser.add_argument("--silence-ms", type=int, default=defaults.silence_ms, help="silence that ends an utterance")
    return parser.parse_args(arguments)


def _loopback(host: str) -> str:
    if not ipaddress.ip_address(host).is_loopback:
        raise argparse.ArgumentTypeError("must be a loopback address, for the assistant serves whoever reaches it")
    return host


async def _serve(address: TcpAddress | Path, settings: OfflineSettings) -> None:
    hearing, speech = Recognizer(), voice(settings)

    def make_brain() -> Brain:
        return Brain(hearing, Phrasebook(), speech)

    options = ServerOptions(silence_ms=settings.silence_ms)
    server = OfflineServer(make_brain, Endpointer, options, _report)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGINT, stopped.set)
    threading.Thread(target=_watch_parent, args=(loop, stopped), daemon=True).start()
    async with server.serving(address) as url:
        _print({"ready": url})
        await stopped.wait()


def _watch_parent(loop: asyncio.AbstractEventLoop, gone: asyncio.Event) -> None:
    """Sets the event when standard input ends, which it does when the parent dies, however it dies."""
    # os.read holds no lock of Python's, so that the interpreter can end while this thread still waits.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: we are ending anyway
        loop.call_soon_threadsafe(gone.set)


def _report(report: SessionReport) -> None:
    received = report.received
    _print({"session": report.session, "received_samples": received.received_samples, "sha256": received.sha256})


def _print(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
