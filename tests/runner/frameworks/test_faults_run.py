"""Faults, for real: the framework runs what the scripted model says, in a sandbox, and fails for that reason.

A few causes by default; CORONER_ALL_FAULTS=1 plays all of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner import harvest, inject, options, sandboxes, tasks
from runner.matrix import Cell
from runner.runs import RUN_FILE, Outcome, write
from runner.scripted import faults

if TYPE_CHECKING:
    from pathlib import Path

    from runner.frameworks import Installed
    from runner.runs import Run

TASK = "data_order_summary"
CAUSES = faults.causes() if os.environ.get("CORONER_ALL_FAULTS") else ("E2.1", "P2", "R2.2", "R3")


def made(installed: Installed, cause: str | None, folder: Path) -> Run:
    """Write the script of a run and make it, as the corpus is made."""
    try:
        sandbox = sandboxes.pick()
    except sandboxes.SandboxError as error:
        pytest.skip(f"no sandbox works here: {error}")
    config = options.configure(
        frameworks=(installed.name,),
        models=("scripted",),
        task_set="own",
        tasks=tasks.tasks(),
        rounds=(inject.ROUNDS,),
        repeat=1,
        faults=inject.all_faults(),
        sandbox=sandbox,
        caps=inject.CAPS,
        model_base=None,
        window=None,
    )
    cells = inject.candidates(cause, installed.name, (TASK,), config)
    workshop = inject.Stage(config, folder, (installed,), scripts=folder / "scripts")
    cell = next(cells)
    while True:  # a seed may find no place in the task
        inject.write_scripts(workshop.scripts, [cell], config)
        if inject.read_script(workshop.scripts, cell) is not None:
            break
        cell = next(cells)
    place = folder / "run"
    place.mkdir()
    run = workshop.make(cell, place)
    write(place / RUN_FILE, run.model_dump_json())
    return run


@pytest.mark.parametrize("cause", CAUSES)
def test_a_fault_run_fails_and_its_native_log_shows_the_decisive_step(
    cause: str, autogen: Installed, tmp_path: Path
) -> None:
    run = made(autogen, cause, tmp_path)
    assert run.outcome is Outcome.FAILED, run.error
    got = harvest.harvest(tmp_path / "run", tasks.load(TASK), "autogen.jsonl.gz")
    assert got.label.cause == cause
    assert got.label.step in [step.index for step in got.trace.steps]


def test_metagpt_fails_for_the_reason_that_was_put_in(metagpt: Installed, tmp_path: Path) -> None:
    run = made(metagpt, "E3.1", tmp_path)
    assert run.outcome is Outcome.FAILED, run.error
    got = harvest.harvest(tmp_path / "run", tasks.load(TASK), "metagpt.jsonl.gz")
    after = next(step for step in got.trace.steps if step.index > (got.label.step or 0))
    assert "ModuleNotFoundError" in after.content or "command not found" in after.content


@pytest.mark.parametrize("name", ["autogen", "metagpt", "taskweaver"])
def test_the_solution_succeeds_in_every_framework(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run = made(request.getfixturevalue(name), None, tmp_path)
    assert run.outcome is Outcome.SUCCEEDED, run.error
    assert isinstance(run.cell, Cell)
