"""Where agents run. One file per sandbox; this folder is the registry.

A sandbox of your own is one new file here with `available() -> str | None` (None: it works here; else why not, and what
to do) and `run(job: Job) -> Ended`. Files that begin with an underscore are what the sandboxes share. The contract
suite in tests/runner/sandboxes/ finds it, and so does the escape suite, unless the file says `SAFE = False`.

In every sandbox `_inside.py` is the run's first process. It relays the job's ports to the host's sockets, runs the
command, kills whatever that has left behind, and brings the workspace home.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Protocol, Self, cast

from pydantic import Field, model_validator

from classifier.trace import Frozen

MIB = 2**20
WORKSPACE = "/workspace"  # the working folder of a run
HOME = "/home/agent"  # its home, empty; $HOME is what Job.env says
BEST = ("docker", "bubblewrap")  # the safe ones, best first
FORBIDDEN = ("/", "/etc", "/home", "/root", "/proc", "/sys", "/dev", "/run", "/var", "/boot", "/tmp")  # noqa: S108
OWN = ("/proc", "/sys", "/dev", "/etc", "/run", "/usr", "/bin", "/lib", WORKSPACE, HOME)


class SandboxError(RuntimeError):
    """A sandbox that does not exist, does not work here, or broke down. Says why and what to do."""


class Bounds(Frozen):
    """What a run may take of the machine."""

    memory: int = Field(default=2048 * MIB, gt=0)  # bytes, /tmp, HOME and workspace included
    scratch: int = Field(default=512 * MIB, gt=0)  # bytes of /tmp, HOME and the workspace, each
    processes: int = Field(default=256, gt=0)  # threads count
    cpus: float = Field(default=1.0, gt=0)
    seconds: float = Field(default=600.0, gt=0)
    output: int = Field(default=16 * MIB, gt=0)  # bytes of standard output and error; more of it ends the run


def _never() -> str | None:
    return None


class Job(Frozen):
    """A command to run in a sandbox.

    `workspace` is the only folder of the host that the run may change. Inside it is /workspace, the working folder: it
    is copied in before the run and copied back after it, without what is neither file, folder nor link within it; so
    it must not be looked at meanwhile, and `log` must not lie in it. `readable` maps folders of the host to the places
    where the run finds them, read-only. `ports` maps TCP ports of the run's own loopback to unix sockets of the host:
    nothing else can be reached. Where coroner runs as root, the sockets are made writable for everybody, since the run
    is somebody else: keep them in a folder of your own (mode 0700). `env` is the whole environment. Standard output
    and error go to `log`, a file of the host, as they come. `image` is for sandboxes that have images (docker): what
    the run finds there instead of folders of the host. `stop` is asked often, and says by which bound of its
    owner's the run is to be stopped, if by one: as with the others, its workspace is brought home.
    """

    argv: tuple[str, ...] = Field(min_length=1)
    env: dict[str, str] = Field(default_factory=dict)
    workspace: Path
    readable: dict[Path, str] = Field(default_factory=dict)
    ports: dict[int, Path] = Field(default_factory=dict)
    bounds: Bounds = Bounds()
    log: Path
    image: str = ""
    stop: Callable[[], str | None] = Field(default=_never, exclude=True, repr=False)

    @model_validator(mode="after")
    def _places(self) -> Self:
        if self.log.absolute().is_relative_to(self.workspace.absolute()):
            raise ValueError(f"the log {self.log} must lie outside the workspace")
        for folder, place in self.readable.items():
            real = folder.resolve()
            if str(real) in FORBIDDEN or self.workspace.resolve().is_relative_to(real):
                raise ValueError(f"a run must not read all of {folder}: name the folder in it that it needs")
            inside = PurePosixPath(place)
            if not inside.is_absolute() or ".." in inside.parts or any(inside.is_relative_to(o) for o in OWN):
                taken = place not in {str(folder), str(real)} or any(inside.is_relative_to(o) for o in OWN[:5])
                if taken:
                    raise ValueError(f"{place!r} is no place for {folder}: an absolute path outside {', '.join(OWN)}")
        return self


class Ended(Frozen):
    """How a job ended.

    `code` is the command's exit code, as in `subprocess` negative for the signal that it died of; None where the
    sandbox stopped it. `left_out` names what of the workspace could not be brought home, and why.
    """

    code: int | None
    seconds: float
    stopped_by: str | None = None  # time | memory | output | disk, or what Job.stop said; None: it ended by itself
    left_out: tuple[str, ...] = ()


class Sandbox(Protocol):
    """What a file in this folder offers."""

    def available(self) -> str | None:
        """None where the sandbox works on this machine; else why it does not, and what to do."""
        ...

    def run(self, job: Job) -> Ended:
        """Run the job to its end. All that it started is dead on return. Raises SandboxError."""
        ...


def names() -> tuple[str, ...]:
    """Return the sandboxes there are: the files of this folder, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def load(name: str) -> Sandbox:
    """Return the sandbox of that name; raises SandboxError where there is none."""
    if name not in names():
        raise SandboxError(f"no sandbox named {name!r}; there are: {', '.join(names())}")
    return cast("Sandbox", importlib.import_module(f"{__name__}.{name}"))


def pick(*, unsafe: bool = False) -> str:
    """Return the name of the best sandbox that works here: docker, else bubblewrap; `unsafe` only if it is asked for.

    Raises SandboxError, which says for each why it does not work, and what to install.
    """
    if unsafe:
        return "unsafe"
    reasons = []
    for name in [name for name in BEST if name in names()]:
        reason = load(name).available()
        if reason is None:
            return name
        reasons.append(f"{name}: {reason}")
    raise SandboxError(
        "no sandbox works here.\n  "
        + "\n  ".join(reasons)
        + "\nWith --unsafe the agent's code runs as you, on your files: only on a machine that may be lost."
    )
