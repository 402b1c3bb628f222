"""Bench: a folder of runs, filled in parallel; whatever stops it, the same call goes on where it stopped.

A run is made in a hidden folder and renamed to its place, once it is whole: so a run that is there is done, one that
is not is begun anew, and two that were made at once cannot both be kept.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from filelock import FileLock, Timeout
from pydantic import ValidationError

from runner import runs
from runner.matrix import Cell, Config
from runner.runs import RUN_FILE, RUNS, Outcome, Run
from runner.workers import GRACE, spread

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from runner.task import Category

CONFIG = "bench.json"
_MAKING = ".making"
_LOCK = ".lock"
_WORKING = ".working"  # held, shared, by every worker


class BenchError(ValueError):
    """A bench that cannot begin or go on. Says why and what to do."""


class Makes(Protocol):
    """How a run is made: the seam between the bench and what a run is. It travels to the workers by pickle."""

    def make(self, cell: Cell, folder: Path, /) -> Run:
        """Run the cell, leave its files in the empty folder, and say what became of it. An error is an outcome."""
        ...

    def category(self, cell: Cell, /) -> Category:
        """Name the category of the cell's task, for a run that did not live to tell."""
        ...


@dataclass(frozen=True)
class _Job:
    """What a worker does with a cell."""

    bench: Path
    maker: Makes

    def __call__(self, cell: Cell, /) -> None:
        with (self.bench / _WORKING).open("a") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            draft = _draft(self.bench, cell)
            draft.mkdir()
            _commit(self.bench, draft, self.maker.make(cell, draft))


@contextmanager
def opened(folder: Path, config: Config, *, redo_broken: bool = False) -> Iterator[tuple[Cell, ...]]:
    """Take hold of a bench's folder, new or begun, and give the cells that are still to be run.

    `redo_broken` removes the runs that broke, so that they are begun anew. Raises BenchError where another bench holds
    the folder, where it was begun with another configuration, or where it holds other things.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BenchError(f"{folder}: another bench is at work there; wait for it, or name another folder") from None
    try:
        _check(folder, config)
        _outwait(folder)
        shutil.rmtree(folder / _MAKING, ignore_errors=True)
        (folder / _MAKING).mkdir(exist_ok=True)
        (folder / RUNS).mkdir(exist_ok=True)
        if redo_broken:
            _drop_broken(folder)
        done = {path.name for path in runs.folders(folder)}
        try:
            yield tuple(cell for cell in config.cells() if cell.key not in done)
        finally:
            shutil.rmtree(folder / _MAKING, ignore_errors=True)
    finally:
        lock.release()


def run(folder: Path, cells: tuple[Cell, ...], maker: Makes, *, at_once: int = 1) -> Generator[Run]:
    """Run cells of an opened bench, `at_once` at a time, and give each run as it is done.

    Closing the iterator stops what is under way; it is begun anew when the bench is opened again.
    """
    with closing(spread(_Job(folder, maker), cells, at_once)) as done:
        for cell, died in done:
            place = folder / RUNS / cell.key
            if died and not (place / RUN_FILE).is_file():  # else it died after its work was done
                _commit(folder, _draft(folder, cell), _dead(cell, maker, died))
            yield runs.read(place)


def configuration(folder: Path) -> Config:
    """Read what a bench's folder was begun with. Raises BenchError."""
    path = folder / CONFIG
    try:
        return Config.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BenchError(f"{folder}: no bench is there: {CONFIG}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "top level"
        raise BenchError(f"{path}: {place}: {first['msg']}; it was not written by this version of coroner") from error


def _check(folder: Path, config: Config) -> None:
    if (folder / CONFIG).exists():
        differences = configuration(folder).differences(config)
        if differences:
            told = "; ".join(differences)
            raise BenchError(
                f"{folder}: begun with another configuration ({told}); name another folder, or repeat that"
            )
        return
    others = sorted(path.name for path in folder.iterdir() if path.name != _LOCK)
    if others:
        raise BenchError(f"{folder}: is no bench's and not empty ({', '.join(others[:3])}); name a new folder")
    runs.write(folder / CONFIG, config.model_dump_json(indent=2) + "\n")


def _outwait(folder: Path) -> None:
    """Wait for workers of a bench that was killed: they see that it is gone, and undo what they began."""
    until = time.monotonic() + GRACE + 10
    with (folder / _WORKING).open("a") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise BenchError(f"{folder}: a run of an earlier bench does not end; end it first") from None
                time.sleep(0.05)
            else:
                return


def _drop_broken(folder: Path) -> None:
    for path in runs.folders(folder):
        if runs.read(path).outcome is Outcome.BROKEN:
            shutil.rmtree(path)


def _draft(folder: Path, cell: Cell) -> Path:
    return folder / _MAKING / cell.key


def _commit(folder: Path, draft: Path, run: Run) -> None:
    """Make a run count: all its files at once."""
    draft.mkdir(exist_ok=True)
    runs.write(draft / RUN_FILE, run.model_dump_json(indent=2) + "\n")
    draft.rename(folder / RUNS / run.id)


def _dead(cell: Cell, maker: Makes, died: str) -> Run:
    return Run(
        cell=cell,
        category=maker.category(cell),
        outcome=Outcome.BROKEN,
        error=f"the process that made the run ended over it ({died})",
    )
