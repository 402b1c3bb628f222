"""What the framework tests share: a run of a real framework in a real sandbox, its model played behind the proxy."""

from __future__ import annotations

import json
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxied import Toy

from classifier import formats
from runner import frameworks, proxy, sandboxes

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.trace import Trace

PROMPT = "Sum column x of data.csv. Give @total[value]."


@dataclass(frozen=True)
class Played:
    """A run that ended: the questions as the model got them, the record of the proxy, and what was left."""

    ended: sandboxes.Ended
    seen: list[dict[str, Any]]
    collected: frameworks.Collected
    workspace: Path
    record: Path
    console: str

    def trace(self, name: str) -> Trace:
        """Read the native log of that name with coroner's own formats, whatever format claims it."""
        path = next(path for path in self.collected.native if path.match(name))
        (trace,) = formats.read(path.read_bytes(), name=path.name)
        return trace

    @property
    def recorded(self) -> Trace:
        """The run as the proxy's record tells it."""
        (trace,) = formats.read(self.record.read_bytes(), name=self.record.name)
        return trace

    @property
    def answers(self) -> list[str]:
        """The model's answers in the record, in their order."""
        said = {step.index: step.content for step in self.recorded.steps}
        return [said[call.answer].strip() for call in proxy.read(self.record).calls if call.answer is not None]

    @property
    def told(self) -> str:
        """All that the model was told in the run. (The record leaves out what a prompt says again.)"""
        return "\n".join(message["content"] for body in self.seen for message in body["messages"])


def play(
    installed: frameworks.Installed,
    answer: Callable[[dict[str, Any]], str],
    folder: Path,
    *,
    rounds: int = 10,
    seconds: float = 200,
    caps: proxy.Caps | None = None,
) -> Played:
    """Run the task of PROMPT, in bubblewrap where it works, else as a plain process."""
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "data.csv").write_text("x\n10\n20\n30\n", encoding="utf-8")
    framework, model = frameworks.load(installed.name), Toy(answer)
    unsafe = sandboxes.load("bubblewrap").available() is not None
    port = free_port() if unsafe else frameworks.MODEL_PORT
    start = framework.prepare(
        frameworks.Setup(
            installed=installed,
            workspace=workspace,
            prompt=PROMPT,
            model="scripted",
            base_url=f"http://127.0.0.1:{port}/v1",
            max_rounds=rounds,
        )
    )
    with ExitStack() as stack:
        at = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "model"  # the names of sockets must be short
        run = proxy.Run(id="r-1", framework=installed.name, task=PROMPT)
        stack.enter_context(proxy.Proxy(model, folder / "record.jsonl", run, caps=caps, unix=at))
        job = sandboxes.Job(
            argv=start.argv,
            env=start.env,
            workspace=workspace,
            readable=start.readable,
            ports={port: at},
            bounds=sandboxes.Bounds(seconds=seconds),
            log=folder / "log.txt",
        )
        ended = sandboxes.load("unsafe" if unsafe else "bubblewrap").run(job)
    return Played(
        ended=ended,
        seen=model.seen,
        collected=framework.collect(workspace),
        workspace=workspace,
        record=folder / "record.jsonl",
        console=(folder / "log.txt").read_text(encoding="utf-8", errors="replace"),
    )


def in_turn(answers: list[str]) -> Callable[[dict[str, Any]], str]:
    """Return a model that gives the answers one after another, and the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def assert_in_order(wanted: list[str], said: list[str]) -> None:
    """Each wanted text must be found whole, but for space at its ends, in a text after that of the one before."""
    rest = iter(said)
    for text in wanted:
        assert any(text.strip() in other for other in rest), f"not (or not in its turn) in the trace: {text!r}"


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
