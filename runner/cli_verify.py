"""coroner bench verify: the proof that the tasks can be solved, and not by a guess."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from classifier.terminal import Exit, JsonOption, console, fail, or_fail, show, watched, write


def verify(
    *,
    tasks: Annotated[
        str, typer.Option("--tasks", help="Tasks, with commas: ids, categories (web, data, files), or all.")
    ] = "all",
    python: Annotated[
        Path | None, typer.Option("--python", help="Python to solve them with, such as a framework's; coroner's own.")
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Tasks at a time; as many as processors.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that every task can be solved, by its reference solution, and that no guess solves it."""
    from runner import options  # noqa: PLC0415 - read at every start of coroner
    from runner import tasks as own  # noqa: PLC0415 - as above
    from runner import verify as verifier  # noqa: PLC0415 - as above
    from runner.sandboxes import SandboxError  # noqa: PLC0415 - as above

    chosen = or_fail(lambda: options.choose(own.tasks(), options.words(tasks, "--tasks")))
    if python is not None and not python.is_file():
        fail(f"{python}: no such file; --python wants the interpreter of an environment, such as .venv/bin/python")
    try:
        found = tuple(watched(verifier.verify(chosen, python=python, jobs=jobs), len(chosen), "Verifying"))
    except (SandboxError, OSError) as error:
        fail(str(error))
    if as_json:
        write(json.dumps([one.model_dump() | {"passed": one.passed} for one in found]) + "\n")
    else:
        show(console(), verifier.page(found))
    if not all(one.passed for one in found):
        raise typer.Exit(Exit.FAILED)
