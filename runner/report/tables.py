"""Report: the runs of a bench, counted. Pure: the same runs and diagnoses give the same report."""

from __future__ import annotations

from collections import Counter
from statistics import fmean, median
from typing import TYPE_CHECKING

from classifier.trace import Frozen
from runner.report.rates import Rate
from runner.report.study import LU_2025, Study
from runner.runs import Outcome, Run
from runner.task import Category

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifier.diagnosis import Diagnosis
    from classifier.taxonomy import Taxonomy

UNDECIDED = "undecided"  # the classifier abstained


class System(Frozen):
    """A framework with a model: what is compared. `faulty`: runs in which the scripted model plays a fault."""

    framework: str
    model: str
    faulty: bool = False

    @property
    def words(self) -> str:
        """Name it."""
        return f"{self.framework}, {self.model}{' with faults' if self.faulty else ''}"


class Success(Frozen):
    """Success of one system, by category in the order of `Category`, and over all."""

    system: System
    by_category: tuple[Rate, ...]
    overall: Rate


class AtRounds(Frozen):
    """Success of one system under one maximum number of rounds."""

    system: System
    rounds: int
    rate: Rate


class Causes(Frozen):
    """How often each cause was found in the failed runs of one system. `causes` maps ids, or UNDECIDED, to runs."""

    system: System
    failed: int
    unread: int  # failed, but their trace could not be read
    causes: dict[str, int]
    phases: dict[str, int]


class Fault(Frozen):
    """Runs into which one cause was put: how many failed, as they should, and what the classifier said of those."""

    cause: str
    failed: Rate
    found: Rate  # the very cause
    considered: Rate  # it is among the candidates, named or not
    phase: Rate  # its phase
    step: Rate  # the very step, of the runs whose decisive step is known


class Took(Frozen):
    """What one system's runs took. Means are per run; `usd` is None where a model has no known price."""

    system: System
    runs: int
    calls: float
    tokens: float
    usd: float | None
    seconds: float
    median_seconds: float
    stopped_by: dict[str, int]


class Broken(Frozen):
    """A run that says nothing of its agent, since what ran it broke."""

    run: str
    error: str


class Report(Frozen):
    """All that is told of a bench. Broken runs are in no figure. `rounds` is the cap that `success` is taken at."""

    runs: int
    tasks: int
    repeats: int
    rounds: int | None
    categories: tuple[Category, ...]
    success: tuple[Success, ...]
    at_rounds: tuple[AtRounds, ...]
    took: tuple[Took, ...]
    broken: tuple[Broken, ...] = ()
    skipped: int = 0  # the task had no place for the fault
    causes: tuple[Causes, ...] | None = None  # None: not asked for
    faults: tuple[Fault, ...] = ()
    study: Study = LU_2025  # published, not measured here


def build(runs: Sequence[Run], diagnoses: Mapping[str, Diagnosis | None] | None, taxonomy: Taxonomy) -> Report:
    """Count. `diagnoses` maps ids of failed runs to what was found, None where the trace could not be read."""
    whole = [run for run in runs if run.outcome in {Outcome.SUCCEEDED, Outcome.FAILED}]
    own = [run for run in whole if run.cell.fault is None]
    most = max((run.cell.rounds for run in own), default=None)
    categories = tuple(category for category in Category if any(run.category is category for run in own))
    return Report(
        runs=len(runs),
        tasks=len({run.cell.task for run in runs}),
        repeats=max((run.cell.repeat for run in runs), default=0),
        rounds=most,
        categories=categories,
        success=tuple(
            Success(
                system=system,
                by_category=tuple(_rate(run for run in mine if run.category is category) for category in categories),
                overall=_rate(mine),
            )
            for system, mine in _by_system([run for run in own if run.cell.rounds == most])
        ),
        at_rounds=tuple(
            AtRounds(system=system, rounds=rounds, rate=_rate(run for run in mine if run.cell.rounds == rounds))
            for system, mine in _by_system(own)
            for rounds in sorted({run.cell.rounds for run in mine})
        ),
        took=tuple(_took(system, mine) for system, mine in _by_system(whole)),
        broken=tuple(
            Broken(run=run.id, error=run.error or "no reason on record")
            for run in runs
            if run.outcome is Outcome.BROKEN
        ),
        skipped=sum(run.outcome is Outcome.SKIPPED for run in runs),
        causes=None if diagnoses is None else tuple(_causes(*each, diagnoses) for each in _by_system(whole)),
        faults=() if diagnoses is None else tuple(_faults(whole, diagnoses, taxonomy)),
    )


def system_of(run: Run) -> System:
    """Name the system that a run is of."""
    return System(framework=run.cell.framework, model=run.cell.model, faulty=run.cell.fault is not None)


def _by_system(runs: Iterable[Run]) -> list[tuple[System, list[Run]]]:
    found: dict[System, list[Run]] = {}
    for run in runs:
        found.setdefault(system_of(run), []).append(run)
    return sorted(found.items(), key=lambda pair: (pair[0].faulty, pair[0].model, pair[0].framework))


def _rate(runs: Iterable[Run]) -> Rate:
    outcomes = Counter(run.outcome for run in runs)
    return Rate(hits=outcomes[Outcome.SUCCEEDED], n=outcomes.total())


def _took(system: System, runs: Sequence[Run]) -> Took:
    prices = [run.usage.usd for run in runs]
    return Took(
        system=system,
        runs=len(runs),
        calls=fmean(run.usage.calls for run in runs),
        tokens=fmean(run.usage.tokens for run in runs),
        usd=None if None in prices else sum(price for price in prices if price is not None),
        seconds=fmean(run.usage.seconds for run in runs),
        median_seconds=median(run.usage.seconds for run in runs),
        stopped_by=dict(sorted(Counter(run.stopped_by for run in runs if run.stopped_by).items())),
    )


def _causes(system: System, runs: Sequence[Run], diagnoses: Mapping[str, Diagnosis | None]) -> Causes:
    failed = [run for run in runs if run.outcome is Outcome.FAILED]
    read = [diagnosis for run in failed if (diagnosis := diagnoses.get(run.id)) is not None]
    return Causes(
        system=system,
        failed=len(failed),
        unread=len(failed) - len(read),
        causes=dict(Counter(diagnosis.cause or UNDECIDED for diagnosis in read)),
        phases=dict(Counter(diagnosis.phase or UNDECIDED for diagnosis in read)),
    )


def _faults(runs: Sequence[Run], diagnoses: Mapping[str, Diagnosis | None], taxonomy: Taxonomy) -> Iterable[Fault]:
    by_cause: dict[str, list[Run]] = {}
    for run in runs:
        if run.truth:
            by_cause.setdefault(run.truth.cause, []).append(run)
    for cause in sorted(by_cause, key=taxonomy.ids.index):
        failed = [run for run in by_cause[cause] if run.outcome is Outcome.FAILED]
        read = [(run.truth, diagnosis) for run in failed if (diagnosis := diagnoses.get(run.id)) is not None]
        said = [diagnosis for _, diagnosis in read]
        placed = [(truth.step, diagnosis.step) for truth, diagnosis in read if truth and truth.step is not None]
        phase = taxonomy.phase_of(cause)
        yield Fault(
            cause=cause,
            failed=Rate(hits=len(failed), n=len(by_cause[cause])),
            found=Rate(hits=sum(diagnosis.cause == cause for diagnosis in said), n=len(said)),
            considered=Rate(hits=sum(_considers(diagnosis, cause) for diagnosis in said), n=len(said)),
            phase=Rate(hits=sum(diagnosis.phase == phase for diagnosis in said), n=len(said)),
            step=Rate(hits=sum(true == found for true, found in placed), n=len(placed)),
        )


def _considers(diagnosis: Diagnosis, cause: str) -> bool:
    return diagnosis.cause == cause or any(candidate.cause == cause for candidate in diagnosis.candidates)
