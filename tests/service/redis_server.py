"""A Redis server of the tests' own, from Debian's program, on loopback and behind a password. It keeps nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from pathlib import Path

MISSING = "no Redis server is installed (Debian: apt-get install redis-server)"
PASSWORD = "not-a-secret"  # noqa: S105 - of a server that lives as long as a test
STARTS_WITHIN = 20  # seconds


def program() -> str | None:
    """Return it; None where it is not installed."""
    return shutil.which("redis-server")


class Server:
    """Starts, stops and starts again on one port; what it held is gone after that."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        self._command = [program, "--bind", "127.0.0.1", "--port", str(port), "--requirepass", PASSWORD]
        self._command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: S603 - its own
        until = time.monotonic() + STARTS_WITHIN
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.05)
                else:
                    return

    def stop(self) -> None:
        """Stop it at once."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None
