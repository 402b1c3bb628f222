"""What the framework tests share: a run of a real framework in a real sandbox, its model played from a script."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_server import ModelServer

from classifier import formats
from runner import frameworks, sandboxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifier.trace import Trace

PROMPT = "Sum column x of data.csv. Give @total[value]."


@dataclass(frozen=True)
class Played:
    """A run that ended: the questions as the model got them, and what came of it."""

    ended: sandboxes.Ended
    seen: list[dict[str, Any]]
    collected: frameworks.Collected
    workspace: Path
    console: str

    def trace(self, name: str) -> Trace:
        """Read the native log of that name with coroner's own formats, whatever format claims it."""
        path = next(path for path in self.collected.native if path.match(name))
        (trace,) = formats.read(path.read_bytes(), name=path.name)
        return trace


def play(
    installed: frameworks.Installed,
    answer: Callable[[dict[str, Any]], str],
    folder: Path,
    *,
    rounds: int = 10,
    seconds: float = 200,
) -> Played:
    """Run the task of PROMPT, in bubblewrap where it works, else as a plain process."""
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "data.csv").write_text("x\n10\n20\n30\n", encoding="utf-8")
    framework = frameworks.load(installed.name)
    box = sandboxes.load("bubblewrap")
    unsafe = box.available() is not None
    port = free_port() if unsafe else frameworks.MODEL_PORT
    with ModelServer(answer) as server, relayed(server.http.server_address[1]) as path:
        setup = frameworks.Setup(
            installed=installed,
            workspace=workspace,
            prompt=PROMPT,
            model="scripted",
            base_url=f"http://127.0.0.1:{port}/v1",
            max_rounds=rounds,
        )
        start = framework.prepare(setup)
        job = sandboxes.Job(
            argv=start.argv,
            env=start.env | {"HOME": sandboxes.HOME},
            workspace=workspace,
            readable=start.readable,
            ports={port: path},
            bounds=sandboxes.Bounds(seconds=seconds),
            log=folder / "log.txt",
        )
        ended = sandboxes.load("unsafe" if unsafe else "bubblewrap").run(job)
        seen = list(server.seen)
    console = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    return Played(ended, seen, framework.collect(workspace), workspace, console)


def in_turn(answers: list[str]) -> Callable[[dict[str, Any]], str]:
    """Return a model that gives the answers one after another, and the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def assert_in_order(wanted: list[str], said: list[str]) -> None:
    """Each wanted text must be found whole, but for space at its ends, in a text after that of the one before."""
    rest = iter(said)
    for text in wanted:
        assert any(text.strip() in other for other in rest), f"not (or not in its turn) in the trace: {text!r}"


@contextmanager
def relayed(port: int) -> Iterator[Path]:
    """Offer a TCP port of the loopback on a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="coroner-"))  # the names of sockets must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "model.sock"))
        listener.listen()
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        try:
            yield folder / "model.sock"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            shutil.rmtree(folder)


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # closed
            return
        far = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_serve, args=(near, far), daemon=True).start()


def _serve(near: socket.socket, far: socket.socket) -> None:
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has gone
        pass


def free_port() -> int:
    """Return a port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def leave(workspace: Path, **files: Any) -> Path:
    """Write what a run could have left into its folder; JSON, or bytes as they are."""
    folder = workspace / ".coroner"
    folder.mkdir(parents=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder
