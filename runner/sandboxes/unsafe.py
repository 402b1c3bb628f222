"""A plain process of this machine: no sandbox at all, for machines that may be lost. Only behind `--unsafe`.

The command runs as you, reads what you read and reaches what you reach. Time, output and the end of everything that it
started are seen to as elsewhere; memory, disk and network are not. The job's ports are opened on this machine's own
loopback, so parallel runs need different ones. In `argv` and `env`, the places of a sandbox (/workspace, the home, the
targets of `readable`) are replaced by the folders of the host that they stand for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from runner.sandboxes import HOME, WORKSPACE
from runner.sandboxes._launch import FOLDER, launcher
from runner.sandboxes._session import Pipes, converse, order, sockets, tail

if TYPE_CHECKING:
    from runner.sandboxes import Ended, Job

SAFE = False


def available() -> str | None:
    """Return None: it works everywhere."""
    return None


def run(job: Job) -> Ended:
    """Run the job as a child of this process. Raises SandboxError."""
    home = tempfile.mkdtemp(prefix="coroner-home-")
    places = {WORKSPACE: str(job.workspace.absolute()), HOME: home}
    places |= {inside: str(folder.absolute()) for folder, inside in job.readable.items()}
    try:
        return _run(job, places)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(job: Job, places: dict[str, str]) -> Ended:
    todo = order(
        job,
        argv=[_translate(word, places) for word in job.argv],
        env={name: _translate(value, places) for name, value in job.env.items()},
        cwd=places[WORKSPACE],
        ports={port: str(socket) for port, socket in sockets(job, everybody=False).items()},
        limits={"CORE": 0},
        filter="",
        workspace=0,
    )
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - what it will run is the user's risk, see above
            launcher(sys.executable, str(FOLDER.parent)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={},
        )
        channel = Pipes.of(process)
        try:
            return converse(job, channel, todo, trouble=lambda: tail(errors))
        finally:
            channel.close()  # it then ends all that is left of the run, and itself
            process.wait()


def _translate(text: str, places: dict[str, str]) -> str:
    """Replace whole paths of the sandbox by those of the host, longest first."""
    names = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])({names})(?![\w.-])", lambda found: places[found[1]], text)
