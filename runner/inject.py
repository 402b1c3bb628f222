"""Inject: a labelled corpus of failures that were put in, each run for real in its framework and sandbox.

What is run follows from the seed alone: for each cause and framework, tasks in a drawn order, each with a fault in its
own words. A run counts only if it failed as it should, and if its native log shows the decisive step; for one that does
not count, another is made. The runs are a bench, so a stopped making goes on where it was.
"""

from __future__ import annotations

import gzip
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier import annotation
from classifier.trace import Frozen
from runner import bench, harvest, runs
from runner.casting import Part, cast
from runner.frameworks import SITE_PORT
from runner.matrix import Cell
from runner.one import Workshop
from runner.runs import RUNS
from runner.scripted import Player, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.harvest import Yield
    from runner.matrix import Config
    from runner.task import Task

MOST_BYTES = 20 * 2**20  # of the corpus, packed
SITE = f"http://127.0.0.1:{SITE_PORT}"
_ATTEMPTS = 4  # times that what is missing is made anew
_SPARE = (0, 0, 1, 1, 2, 3, 5, 8)  # rounds that a run has beyond those that it needs


class Quota(Frozen):
    """How many runs the corpus is to have of each cause and framework, and of success and framework."""

    per_cause: int
    successes: int


class Missing(Frozen):
    """A run that does not count, and why."""

    run: str
    why: str


class Made(Frozen):
    """What a making came to."""

    counted: Counter[str]  # by cause, "" for success
    missing: tuple[Missing, ...]
    short: tuple[str, ...]  # quotas that could not be filled

    model_config = Frozen.model_config | {"arbitrary_types_allowed": True}


@dataclass(frozen=True)
class Tight(Workshop):
    """A workshop whose runs have few rounds to spare, or none, so that a limit tells nothing of the cause."""

    def cast(self, cell: Cell, task: Task, site: str) -> Part:
        """Say who plays the model."""
        part = cast(cell, task, self.task_set, site, self.config)
        player = part.model
        if not isinstance(player, Player) or player.script.max_rounds:
            return part
        needed = player.rounds()
        spare = random.Random(cell.key).choice(_SPARE)  # noqa: S311 - variety, not secrecy
        return part._replace(max_rounds=needed + spare)


def candidates(cause: str | None, framework: str, tasks: Sequence[Task], rounds: int, model: str) -> Iterator[Cell]:
    """Give the runs that may stand for a cause (None: success) in a framework, in the order in which they are made."""
    repeat = 0
    while True:
        repeat += 1
        order = [task.id for task in tasks]
        random.Random(f"{cause}/{framework}/{repeat}").shuffle(order)  # noqa: S311 - as above
        for task in order:
            yield Cell(task=task, framework=framework, model=model, rounds=rounds, repeat=repeat, fault=cause)


def make(
    work: Path,
    workshop: Workshop,
    quota: Quota,
    *,
    at_once: int,
    watch: Callable[[Iterator[runs.Run], int], Iterable[runs.Run]] = lambda made, _: made,
) -> tuple[tuple[Yield, ...], Made]:
    """Make the runs in the bench at `work`, and harvest those that count. `watch` sees them go by."""
    config = workshop.config
    tasks = {task.id: task.at(SITE) for task in workshop.task_set.tasks() if task.id in config.tasks}
    causes: list[str | None] = [*config.faults, None]
    queues = {
        (cause, framework): candidates(cause, framework, list(tasks.values()), config.rounds[0], config.models[0])
        for cause in causes
        for framework in config.frameworks
    }
    counted: defaultdict[tuple[str | None, str], list[Yield]] = defaultdict(list)
    missing: list[Missing] = []
    for attempt in range(_ATTEMPTS):
        cells = []
        for key, queue in queues.items():
            wanted = quota.successes if key[0] is None else quota.per_cause
            lacking = wanted - len(counted[key])
            cells.extend(next(queue) for _ in range(lacking + (attempt and lacking and 1)))
        if not cells:
            break
        with bench.opened(work, config):
            left = [cell for cell in cells if not (work / RUNS / cell.key / runs.RUN_FILE).is_file()]
            random.Random(attempt).shuffle(left)  # noqa: S311 - so that the first ones tell something
            for _ in watch(bench.run(work, tuple(left), workshop, at_once=at_once), len(left)):
                pass
        for cell in cells:
            key = (cell.fault, cell.framework)
            wanted = quota.successes if key[0] is None else quota.per_cause
            try:
                got = harvest.harvest(work / RUNS / cell.key, tasks[cell.task], file_of(cell.framework))
            except (harvest.NoYieldError, runs.RunError) as problem:
                missing.append(Missing(run=cell.key, why=str(problem)))
            else:
                if len(counted[key]) < wanted:
                    counted[key].append(got)
    short = tuple(
        f"{cause or 'success'} in {framework}: {len(counted[cause, framework])}"
        for cause, framework in queues
        if len(counted[cause, framework]) < (quota.successes if cause is None else quota.per_cause)
    )
    found = tuple(one for some in counted.values() for one in some)
    by_cause = Counter(one.label.cause or "" for one in found)
    return found, Made(counted=by_cause, missing=tuple(missing), short=short)


def file_of(framework: str) -> str:
    """Name the corpus's file for the runs of a framework."""
    return f"{framework}.jsonl.gz"


def write(out: Path, found: Iterable[Yield]) -> int:
    """Write the corpus: a file of traces per framework, and the annotations. Return its bytes."""
    out.mkdir(parents=True, exist_ok=True)
    order = sorted(found, key=lambda one: one.trace.id)
    size = 0
    for framework in sorted({one.trace.framework for one in order}):
        lines = [f"{one.trace.model_dump_json(exclude_defaults=True)}\n" for one in order if one.trace.framework == framework]
        packed = gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)
        (out / file_of(framework)).write_bytes(packed)
        size += len(packed)
    annotation.write(out / "annotations.jsonl", [one.label for one in order])
    return size + (out / "annotations.jsonl").stat().st_size


def all_faults() -> tuple[str, ...]:
    """Return the causes that are put in."""
    return faults.causes()


def settings(config: Config) -> Config:
    """Return the configuration as a making of the corpus has it: one entry of each, and all causes."""
    return config.model_copy(update={"faults": all_faults(), "rounds": config.rounds[:1], "models": config.models[:1]})
