"""How `_inside` is started in a sandbox that shows it at some place, and what is shown there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.sandboxes import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandboxes import Job

FOLDER = Path(__file__).parent / "_inside"
INSIDE = "/run/coroner"  # where a sandbox shows it, and the job's sockets


def launcher(python: str, above: str) -> list[str]:
    """Return the command of the first process: `above` is the folder in which `_inside` lies. No environment counts."""
    code = f"import sys; sys.path.insert(0, {above!r}); from {FOLDER.name}.run import main; main()"
    return [python, "-I", "-S", "-B", "-c", code]


def shown(job: Job, *, everybody: bool) -> Iterator[tuple[str, str]]:
    """Yield folders of the host that a sandbox shows read-only, and where.

    Raises SandboxError for one that is not there, or that the run, who is somebody else if `everybody`, could not read.
    """
    yield str(FOLDER), f"{INSIDE}/{FOLDER.name}"
    for folder, place in job.readable.items():
        if not folder.exists():
            raise SandboxError(f"the run is to read {folder}, which is not there")
        needed = 0o005 if folder.is_dir() else 0o004
        if everybody and folder.stat().st_mode & needed != needed:
            raise SandboxError(f"the run is to read {folder}, which others may not; try chmod -R o+rX")
        yield str(folder.absolute()), place
