"""Progress: how far a bench is, how much of it succeeded so far, and what it has cost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from classifier.terminal import console, say
from runner.runs import Outcome, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Tally:
    """What the runs so far came to."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Outcome, 0)
        self.usd = 0.0

    def add(self, run: Run) -> None:
        """Count a run."""
        self.counts[run.outcome] += 1
        self.usd += run.usage.usd or 0.0

    def words(self) -> str:
        """Say it in short."""
        succeeded, failed = self.counts[Outcome.SUCCEEDED], self.counts[Outcome.FAILED]
        told = [f"{succeeded} of {succeeded + failed} succeeded"]
        told += [f"{self.counts[each]} {each}" for each in (Outcome.BROKEN, Outcome.SKIPPED) if self.counts[each]]
        return ", ".join([*told, f"{self.usd:.2f} USD"])


def watch(made: Iterable[Run], total: int, tally: Tally) -> Iterator[Run]:
    """Pass runs on and show how far it is: a bar on a terminal, else a line per run; `tally` has those before."""
    if not sys.stderr.isatty():
        for number, run in enumerate(made, start=sum(tally.counts.values()) + 1):
            tally.add(run)
            say(f"{number}/{total} {line(run)}")
            yield run
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(tally.words(), total=total, completed=sum(tally.counts.values()))
        for run in made:
            tally.add(run)
            if run.outcome is Outcome.BROKEN:
                bar.console.print(f"coroner: {line(run)}", soft_wrap=True)
            bar.update(task, advance=1, description=tally.words())
            yield run


def line(run: Run) -> str:
    """Say what became of a run."""
    told = f"{run.id}: {run.outcome}"
    if run.outcome in {Outcome.BROKEN, Outcome.SKIPPED}:
        return f"{told}: {(run.error or '').splitlines()[-1] if run.error else 'no reason on record'}"
    stopped = f", stopped by {run.stopped_by}" if run.stopped_by else ""
    return f"{told}, {run.usage.calls} calls, {run.usage.seconds:.1f} s{stopped}"
