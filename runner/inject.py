"""Inject: a labelled corpus of failures that were put in, each run for real in its framework and sandbox.

What is run follows from the seed alone: for each cause and framework, tasks in a drawn order, each with a fault in its
own words. A run counts only if it failed as it should, and if its native log shows the decisive step; for one that does
not count, another is made. The runs are a bench, so a stopped making goes on where it was.
"""

from __future__ import annotations

import gzip
import random
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from classifier import annotation
from classifier.trace import Frozen
from runner import bench, harvest, runs, tasksets
from runner.casting import stage
from runner.frameworks import SITE_PORT
from runner.matrix import Cell
from runner.one import Workshop
from runner.proxy.caps import Caps
from runner.runs import RUNS, NoPlaceError
from runner.scripted import faults, play
from runner.scripted.lab import Helper, Lab
from runner.scripted.moves import Script, rounds
from runner.site import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.casting import Part
    from runner.harvest import Yield
    from runner.matrix import Config
    from runner.task import Task

ROUNDS = 20  # of a run whose script says nothing else; see `Stage`
CAPS = Caps(calls=60, seconds=300.0)  # MetaGPT plans anew for ever
MOST_BYTES = 20 * 2**20  # of the corpus, packed
SITE = f"http://127.0.0.1:{SITE_PORT}"
_ATTEMPTS = 4  # times that what is missing is made anew
_SPARE = (0, 0, 1, 1, 2, 3, 5, 8)  # rounds that a run has beyond those that it needs


class Quota(Frozen):
    """How many runs the corpus is to have in a framework: of each cause, and of success."""

    per_cause: int
    successes: int

    def of(self, cause: str | None) -> int:
        """How many of a cause; None is success."""
        return self.successes if cause is None else self.per_cause


class Missing(Frozen):
    """A run that does not count, and why."""

    run: str
    why: str


class Made(Frozen):
    """What a making came to: the runs that do not count, and the quotas that could not be filled."""

    missing: tuple[Missing, ...]
    short: tuple[str, ...]


@dataclass(frozen=True)
class Stage(Workshop):
    """A workshop that plays scripts which were written before, in the folder `scripts`.

    Its runs have few rounds to spare, or none, so that a limit that is met tells nothing of the cause.
    """

    scripts: Path = field(kw_only=True)

    def cast(self, cell: Cell, task: Task, site: str) -> Part:
        """Say who plays the model. Raises NoPlaceError."""
        del task, site
        script = read_script(self.scripts, cell)
        if script is None:
            raise NoPlaceError(f"{cell.task} has no place for the fault {cell.fault}")
        part = stage(script, cell, self.config)
        if script.max_rounds:
            return part
        spare = random.Random(cell.key).choice(_SPARE)  # noqa: S311 - variety, not secrecy
        return part._replace(max_rounds=rounds(script.moves, cell.framework) + spare)


def write_scripts(folder: Path, cells: Iterable[Cell], config: Config) -> None:
    """Write the scripts of runs that have none yet, the runs of a task together."""
    folder.mkdir(parents=True, exist_ok=True)
    by_task: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if not (folder / f"{cell.key}.json").is_file():
            by_task[cell.task].append(cell)
    task_set = tasksets.load(config.task_set)
    with serving.on_port() as reached, Helper() as helper:
        for task in task_set.tasks():
            if task.id not in by_task:
                continue
            with Lab(partial(task_set.build, task), site=SITE, reached_at=reached, helper=helper) as lab:
                for cell in by_task[task.id]:
                    script = _script(task.at(SITE), cell, lab)
                    text = script.model_dump_json(exclude_none=True) if script else "null"
                    runs.write(folder / f"{cell.key}.json", text)


def _script(task: Task, cell: Cell, lab: Lab) -> Script | None:
    if cell.fault is None:
        return play(task, cell.framework, str(cell.repeat), lab)
    return faults.inject(cell.fault, task, cell.framework, str(cell.repeat), lab)


def read_script(folder: Path, cell: Cell) -> Script | None:
    """Read the script of a run; None where the task has no place for the fault."""
    text = (folder / f"{cell.key}.json").read_text(encoding="utf-8")
    return None if text == "null" else Script.model_validate_json(text)


def candidates(cause: str | None, framework: str, tasks: Sequence[str], config: Config) -> Iterator[Cell]:
    """Give the runs that may stand for a cause (None: success) in a framework, in the order in which they are made."""
    for repeat in count(1):
        order = list(tasks)
        random.Random(f"{cause}/{framework}/{repeat}").shuffle(order)  # noqa: S311 - as above
        for task in order:
            yield Cell(
                task=task,
                framework=framework,
                model=config.models[0],
                rounds=config.rounds[0],
                repeat=repeat,
                fault=cause,
            )


def make(
    work: Path,
    workshop: Stage,
    quotas: Mapping[str, Quota],
    *,
    at_once: int,
    watch: Callable[[Iterator[runs.Run], int], Iterable[runs.Run]] = lambda made, _: made,
) -> tuple[tuple[Yield, ...], Made]:
    """Make the runs in the bench at `work`, and harvest those that count. `watch` sees them go by."""
    config = workshop.config
    tasks = {task.id: task.at(SITE) for task in tasksets.load(config.task_set).tasks() if task.id in config.tasks}
    queues = {
        (cause, framework): candidates(cause, framework, tuple(tasks), config)
        for cause in (*config.faults, None)
        for framework in config.frameworks
    }
    counted: dict[tuple[str | None, str], list[Yield]] = {key: [] for key in queues}
    missing: list[Missing] = []
    for attempt in range(_ATTEMPTS):
        cells: list[Cell] = []
        for (cause, framework), queue in queues.items():
            lacking = quotas[framework].of(cause) - len(counted[cause, framework])
            cells.extend(next(queue) for _ in range(lacking + (1 if attempt and lacking else 0)))
        if not cells:
            break
        random.Random(attempt).shuffle(cells)  # noqa: S311 - so that the first ones tell something
        write_scripts(workshop.scripts, cells, config)
        with bench.opened(work, config):
            left = tuple(cell for cell in cells if not (work / RUNS / cell.key / runs.RUN_FILE).is_file())
            for _ in watch(bench.run(work, left, workshop, at_once=at_once), len(left)):
                pass
        for cell in sorted(cells, key=lambda cell: (cell.repeat, cell.key)):
            some = counted[cell.fault, cell.framework]
            try:
                got = harvest.harvest(work / RUNS / cell.key, tasks[cell.task], file_of(cell.framework))
            except (harvest.NoYieldError, runs.RunError) as problem:
                missing.append(Missing(run=cell.key, why=str(problem)))
            else:
                if len(some) < quotas[cell.framework].of(cell.fault):
                    some.append(got)
    short = tuple(
        f"{len(some)} of {quotas[framework].of(cause)} of {cause or 'success'} in {framework}"
        for (cause, framework), some in counted.items()
        if len(some) < quotas[framework].of(cause)
    )
    return tuple(one for some in counted.values() for one in some), Made(missing=tuple(missing), short=short)


def file_of(framework: str) -> str:
    """Name the corpus's file for the runs of a framework."""
    return f"{framework}.jsonl.gz"


def write(out: Path, found: Iterable[Yield]) -> int:
    """Write the corpus: a file of traces per framework, and the annotations. Return its bytes."""
    out.mkdir(parents=True, exist_ok=True)
    order = sorted(found, key=lambda one: one.trace.id)
    size = 0
    for framework in sorted({one.trace.framework for one in order}):
        lines = [
            f"{one.trace.model_dump_json(exclude_defaults=True)}\n" for one in order if one.trace.framework == framework
        ]
        packed = gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)
        (out / file_of(framework)).write_bytes(packed)
        size += len(packed)
    annotation.write(out / "annotations.jsonl", [one.label for one in order])
    return size + (out / "annotations.jsonl").stat().st_size


def all_faults() -> tuple[str, ...]:
    """Return the causes that are put in."""
    return faults.causes()
