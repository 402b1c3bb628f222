"""The agent frameworks. One file per framework; this folder is the registry.

A framework of your own is one new file here, named like it, with

    PACKAGES = ("its-name==1.2.3", *_environment.TASK_PACKAGES)
        "What it needs: `make lock-frameworks` resolves it into <name>.lock, beside the file."

    def install(home: Path) -> Installed: ...
        "Make its environment below `home` (a virtual environment from the lock), once; raises InstallError."
    def prepare(setup: Setup) -> Start: ...
        "Write what the run needs into setup.workspace, and say how it is started there."
    def collect(workspace: Path) -> Collected: ...
        "Gather what the run left: native logs (richest first; coroner's formats read each), and its last word."

Driver scripts, which run inside the sandbox under the framework's own Python, lie in `drivers/` and import no coroner.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from pydantic import Field

from classifier.trace import Frozen

MODEL_PORT = 8765  # where a run finds its model, on its own loopback: http://127.0.0.1:8765/v1
SITE_PORT = 8000  # where it finds the site of the web tasks


class InstallError(RuntimeError):
    """A framework that cannot be installed here. Says why and what to do."""


class Installed(Frozen):
    """A framework's environment on the host: `python` runs it, `folders` are what a sandbox must let it read.

    The first folder is the environment, the second the Python that it was made from; see `_run.prepare`.
    """

    name: str
    version: str
    python: Path
    folders: tuple[Path, ...]


class Setup(Frozen):
    """What a run of a framework is set up from. `prompt` is the whole text that the agent is given."""

    installed: Installed
    workspace: Path
    prompt: str
    model: str
    base_url: str
    max_rounds: int


class Start(Frozen):
    """How a run is started in its sandbox: the command, its environment, folders of the host that it must read."""

    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    readable: dict[Path, str] = Field(default_factory=dict)


class Collected(Frozen):
    """What a run left. `native` are log files of the framework, richest first; `final` is its last word, "" if none."""

    native: tuple[Path, ...]
    final: str = ""


class Framework(Protocol):
    """What a file in this folder offers."""

    PACKAGES: tuple[str, ...]
    """What its environment is resolved from, as requirement specifiers."""

    def install(self, home: Path) -> Installed:
        """Make its environment below `home`, once. Raises InstallError."""
        ...

    def prepare(self, setup: Setup) -> Start:
        """Write what the run needs into its workspace, and say how it is started there."""
        ...

    def collect(self, workspace: Path) -> Collected:
        """Gather what the run left. Never raises, whatever the agent has put there."""
        ...


class UnknownFrameworkError(LookupError):
    """A name that no framework has. Says which there are."""


@cache
def names() -> tuple[str, ...]:
    """Return the frameworks there are: the files of this folder, sorted."""
    found = (module for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


def load(name: str) -> Framework:
    """Return the framework of that name. Raises UnknownFrameworkError."""
    if name not in names():
        raise UnknownFrameworkError(f"no framework is called {name!r}: there are {', '.join(names())}")
    return cast("Framework", importlib.import_module(f"{__name__}.{name}"))
