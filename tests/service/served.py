"""`coroner serve` as a real process, which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = (sys.executable, "-c", "from classifier.cli import main; main()")
PATIENCE = 900  # seconds for the slowest of it


@dataclass
class Service:
    """`coroner serve` as a process on a folder of its own; killed, it is started again on the same."""

    folder: Path
    port: int
    options: Sequence[str] = ()
    command: Sequence[str] = COMMAND
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it can work."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - ours
                [*self.command, "serve", "--port", str(self.port), *self.options],
                env={**os.environ, "CORONER_FOLDER": str(self.folder)},
                stderr=log,
            )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").is_success:
                    return
            time.sleep(0.2)
        raise AssertionError(f"the service did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it and its workers at once, with no chance to finish anything."""
        assert self.process is not None
        for pid in (self.process.pid, *children(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it as Ctrl+C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started (Linux)."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(each) for file in listed for each in file.read_text().split()]
