"""The agent frameworks. One file per framework; this folder is the registry.

A framework of your own is one new file here, named like it, with

    PYTHON_LOCK = "<name>.lock"   # its pinned packages with hashes, beside the file

    def install(home: Path) -> Installed: ...
        "Make its environment below `home` (a virtual environment from the lock), once; raises InstallError."
    def prepare(setup: Setup) -> Start: ...
        "Write what the run needs into setup.workspace, and say how it is started there."
    def collect(workspace: Path) -> Collected: ...
        "Gather what the run left: native logs (richest first; coroner's formats read each), and its last word."

Driver scripts, which run inside the sandbox under the framework's own Python, lie in `drivers/` and import no coroner.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from classifier.trace import Frozen

MODEL_PORT = 8765  # where a run finds its model, on its own loopback: http://127.0.0.1:8765/v1
SITE_PORT = 8000  # where it finds the site of the web tasks


class InstallError(RuntimeError):
    """A framework that cannot be installed here. Says why and what to do."""


class Installed(Frozen):
    """A framework's environment on the host: `python` runs it, `folders` are what a sandbox must let it read."""

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
