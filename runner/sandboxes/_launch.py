"""How `_inside` is started in a sandbox that shows it at some place."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "_inside"
INSIDE = "/run/coroner"  # where a sandbox shows it, and the job's sockets


def launcher(python: str, above: str) -> list[str]:
    """Return the command of the first process: `above` is the folder in which `_inside` lies. No environment counts."""
    code = f"import sys; sys.path.insert(0, {above!r}); from {FOLDER.name}.run import main; main()"
    return [python, "-I", "-S", "-B", "-c", code]
