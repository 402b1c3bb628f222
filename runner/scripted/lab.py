"""Lab: tries a script's code out before it is played, so that a fault is known to be one.

A helper process imports the heavy packages once and forks for each trial; a trial runs in a fresh copy of the task's
files, in this machine's own Python, without a sandbox: what is tried is the project's own code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 6
_ZYGOTE = Path(__file__).with_name("_zygote.py")


class Outcome(NamedTuple):
    """What a trial printed on both outputs, and the exception that ended it: its class's name, "" where none did."""

    printed: str
    error: str


class Helper:
    """The process that tries code out. Labs may share one, one after the other; it ends with its context."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()  # closes its input, at which it ends
            self._process = None

    def ask(self, question: dict[str, Any]) -> dict[str, str]:
        """Have a piece of code tried out; the process is started with the first."""
        if self._process is None:
            env = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "PYTHONHASHSEED": "0"}
            env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1,localhost"}
            argv = [sys.executable, "-W", "ignore", str(_ZYGOTE)]
            self._process = subprocess.Popen(  # noqa: S603 - our own script
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
            )
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:  # cannot be: both are pipes
            raise RuntimeError("the lab's helper has no pipes")
        to.write(f"{json.dumps(question)}\n")
        to.flush()
        answered: dict[str, str] = json.loads(back.readline())
        return answered


class Lab:
    """A context in which code is tried on the files that `build` writes. Equal code is tried once.

    `helper` is a process shared with other labs; else it has one of its own. `site` is the task site's address as the
    code has it, `reached_at` where it listens for this process.
    """

    def __init__(
        self, build: Callable[[Path], None], *, site: str = "", reached_at: str = "", helper: Helper | None = None
    ) -> None:
        self._build = build
        self._site, self._reached_at = site, reached_at or site
        self._known: dict[str, Outcome] = {}
        self._files = tempfile.TemporaryDirectory(prefix="coroner-lab-")
        self._helper = helper or Helper()
        self._shared = helper is not None

    def __enter__(self) -> Self:
        self._build(self.files)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._shared:
            self._helper.__exit__()
        self._files.cleanup()

    @property
    def files(self) -> Path:
        """The folder with the task's files as they are at the start."""
        return Path(self._files.name)

    def run(self, code: str) -> Outcome:
        """Run code as a script of its own, in a fresh copy of the task's files."""
        if code not in self._known:
            with tempfile.TemporaryDirectory(prefix="coroner-trial-") as name:
                folder = Path(name) / "work"
                shutil.copytree(self.files, folder)
                placed = code.replace(self._site, self._reached_at) if self._site else code
                outcome = Outcome(**self._helper.ask({"folder": str(folder), "code": placed, "seconds": _SECONDS}))
                printed = outcome.printed.replace(self._reached_at, self._site) if self._site else outcome.printed
                self._known[code] = outcome._replace(printed=printed)
        return self._known[code]
