"""What the sandbox tests share: a way to run a program in any sandbox, and servers on unix sockets."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.sandboxes import Bounds, Ended, Job, load, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 2**20
BARE = " without cgroups"
PATH = "/usr/local/bin:/usr/bin:/bin"


class Place:
    """A sandbox, with a folder on the host for its runs."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        sandbox = load(name.partition(" ")[0])
        self._run = partial(sandbox.run, cgroups=False) if name.endswith(BARE) else sandbox.run  # type: ignore[call-arg]
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.log = folder / "log"

    def run(self, *argv: str, **changes: Any) -> Ended:
        """Run a command; `changes` are fields of Job, or of its Bounds."""
        bounds = {name: changes.pop(name) for name in tuple(changes) if name in Bounds.model_fields}
        fields = {"workspace": self.workspace, "log": self.log, "env": {"PATH": PATH}, **changes}
        bounds = {"seconds": 60, "scratch": 64 * MIB, "memory": 512 * MIB, **bounds}
        return self._run(Job(argv=argv, bounds=Bounds(**bounds), **fields))

    def python(self, code: str, **changes: Any) -> Ended:
        """Run a Python program, which lies in the workspace as program.py."""
        (self.workspace / "program.py").write_text(code, encoding="utf-8")
        python = sys.executable if self.name == "unsafe" else "python3"
        return self.run(python, "program.py", **changes)

    @property
    def output(self) -> str:
        """Everything that was printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def every(*, safe: bool) -> list[Any]:
    """Return the sandboxes as parameters: all, or those that claim to hold. What does not work here is skipped."""
    return [
        pytest.param(name + variant, marks=pytest.mark.skipif(bool(why), reason=f"{name}: {why}"))
        for name in names()
        if not safe or getattr(load(name), "SAFE", True)
        for why in [load(name).available()]
        for variant in (["", BARE] if safe and name == "bubblewrap" else [""])
    ]


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[Path]:
    """Serve on a unix socket, each connection in a thread of its own."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder, "s.sock")
        server.bind(str(path))
        server.listen(512)

        def attend() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(client,), daemon=True).start()

        def handle(client: socket.socket) -> None:
            with client:
                answer(client)

        threading.Thread(target=attend, daemon=True).start()
        yield path
        server.shutdown(socket.SHUT_RDWR)
