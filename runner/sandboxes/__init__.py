"""Where agents run. One file per sandbox; this folder is the registry.

A sandbox of your own is one new file here with `available() -> str | None` (None: it works here; else why not) and
`run(job: Job, program: Program) -> Ended`. The escape suite in tests/sandboxes/ finds it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from classifier.trace import Frozen

MIB = 2**20


class Bounds(Frozen):
    """What a run may take of the machine."""

    memory: int = Field(default=2048 * MIB, gt=0)  # bytes
    scratch: int = Field(default=512 * MIB, gt=0)  # bytes of /tmp, HOME and the workspace, each
    processes: int = Field(default=256, gt=0)
    cpus: float = Field(default=1.0, gt=0)
    seconds: float = Field(default=600.0, gt=0)
    output: int = Field(default=16 * MIB, gt=0)  # bytes of standard output and error that are kept


class Job(Frozen):
    """A command to run in a sandbox.

    `workspace` is the only folder of the host that the run may write to; inside it is /workspace, the working folder.
    `readable` maps folders of the host to the places where the run finds them, read-only. `ports` maps TCP ports of
    the run's own loopback to unix sockets of the host: nothing else can be reached. `env` is the whole environment.
    Standard output and error go to `log`, a file of the host.
    """

    argv: tuple[str, ...] = Field(min_length=1)
    env: dict[str, str] = Field(default_factory=dict)
    workspace: Path
    readable: dict[Path, str] = Field(default_factory=dict)
    ports: dict[int, Path] = Field(default_factory=dict)
    bounds: Bounds = Bounds()
    log: Path


class Ended(Frozen):
    """How a job ended: its exit code (None where it was killed), and by what it was stopped, if it was."""

    code: int | None
    seconds: float
    stopped_by: str | None = None  # time | memory | output; None: it ended by itself
