"""Figures: how runs are spread over causes and systems, and the rows that comparisons and agreement are made from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import func, select

from classifier.diagnosis import Diagnosis, Familiarity, Outcome
from classifier.trace import Frozen, Phase
from service.storage._rows import NotFoundError
from service.storage.schema import BatchRow, DiagnosisRow, ItemRow, ResultRow, TraceRow
from service.storage.traces import Filter, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

BINS = 10  # of confidence


class Spread(Frozen):
    """How runs are spread; pairs of a value and its runs, the most frequent first.

    `causes` and `phases` are of the runs that did not succeed and whose verdict tells one; `unnamed` names no cause,
    `unjudged` has no verdict. `confidence` counts those by tenths, the last with 1.
    """

    runs: int
    succeeded: int
    unnamed: int
    unjudged: int
    causes: tuple[tuple[str, int], ...]
    phases: tuple[tuple[Phase, int], ...]
    frameworks: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, int], ...]
    confidence: tuple[int, ...]


class Line(Frozen):
    """A run with what a comparison asks of its verdict; `outcome` None: there is none yet."""

    uid: str
    name: str
    framework: str
    model: str | None
    task: str
    outcome: Outcome | None
    cause: str | None
    phase: Phase | None
    confidence: float | None
    familiarity: Familiarity | None
    index_version: str | None = None


def spread(session: Session, project: int, where: Filter | None = None) -> Spread:
    """Count the runs that fit."""
    wanted = matching(project, where)
    causes: Counter[str] = Counter()
    phases: Counter[Phase] = Counter()
    other: Counter[str] = Counter()
    verdict = (DiagnosisRow.outcome, DiagnosisRow.cause, DiagnosisRow.phase)
    for outcome, cause, phase, runs in session.execute(
        wanted.with_only_columns(*verdict, func.count()).group_by(*verdict)
    ):
        kind = _kind(outcome, cause)
        other[kind] += runs
        if kind == "named":
            causes[cause or ""] += runs
        if phase and kind != "succeeded":
            phases[Phase(phase)] += runs
    frameworks: Counter[str] = Counter()
    models: Counter[str] = Counter()
    system = (TraceRow.framework, TraceRow.model)
    for framework, model, runs in session.execute(wanted.with_only_columns(*system, func.count()).group_by(*system)):
        frameworks[framework] += runs
        models.update({model: runs} if model else {})
    edges = [tenth / BINS for tenth in range(BINS)]
    above = [func.count().filter(DiagnosisRow.confidence >= edge) for edge in edges]
    failed = wanted.where(DiagnosisRow.outcome != Outcome.SUCCEEDED.value)
    reached = [*session.execute(failed.with_only_columns(*above)).one(), 0]
    return Spread(
        runs=other.total(),
        succeeded=other["succeeded"],
        unnamed=other["unnamed"],
        unjudged=other["unjudged"],
        causes=_ranked(causes),
        phases=_ranked(phases),
        frameworks=_ranked(frameworks),
        models=_ranked(models),
        confidence=tuple(reached[tenth] - reached[tenth + 1] for tenth in range(BINS)),
    )


def lines(session: Session, project: int, where: Filter | None = None) -> tuple[Line, ...]:
    """Return the runs that fit with their present verdicts, oldest first."""
    wanted = matching(project, where).with_only_columns(*_COLUMNS).order_by(TraceRow.id)
    return _lines(session.execute(wanted))


def lines_of_batch(session: Session, project: int, batch: str) -> tuple[Line, ...]:
    """Return the runs of a batch with the verdicts that it gave, whatever came later. Raises NotFoundError."""
    found = session.scalar(select(BatchRow.id).where(BatchRow.uid == batch, BatchRow.project_id == project))
    if found is None:
        raise NotFoundError(f"no batch {batch!r}")
    wanted = (
        select(*_COLUMNS)
        .join(ResultRow, ResultRow.trace_id == TraceRow.id)
        .join(ItemRow, ItemRow.id == ResultRow.item_id)
        .join(DiagnosisRow, DiagnosisRow.id == ResultRow.diagnosis_id)
        .where(ItemRow.batch_id == found)
        .order_by(ItemRow.position, ResultRow.place)
    )
    return _lines(session.execute(wanted))


def failures(session: Session, project: int, batch: str, *, limit: int) -> tuple[tuple[int, str, str], ...]:
    """Return the first inputs of a batch that failed: position, name, problem."""
    wanted = (
        select(ItemRow.position, ItemRow.name, ItemRow.problem)
        .join(BatchRow, BatchRow.id == ItemRow.batch_id)
        .where(BatchRow.uid == batch, BatchRow.project_id == project, ItemRow.problem.is_not(None))
        .order_by(ItemRow.position)
        .limit(limit)
    )
    return tuple((position, name, problem or "") for position, name, problem in session.execute(wanted))


def verdicts(session: Session, project: int, uids: Sequence[str]) -> dict[str, tuple[tuple[datetime, Diagnosis], ...]]:
    """Return all verdicts ever given on some runs, oldest first, with when each was given."""
    found: dict[str, tuple[tuple[datetime, Diagnosis], ...]] = {}
    wanted = (
        select(TraceRow.uid, DiagnosisRow.made, DiagnosisRow.body)
        .join(DiagnosisRow, DiagnosisRow.trace_id == TraceRow.id)
        .where(TraceRow.project_id == project)
        .order_by(DiagnosisRow.id)
    )
    for part in (uids[at : at + _PART] for at in range(0, len(uids), _PART)):
        for uid, made, body in session.execute(wanted.where(TraceRow.uid.in_(part))):
            found[uid] = (*found.get(uid, ()), (made, Diagnosis.model_validate_json(body)))
    return found


def named(session: Session, project: int, uids: Sequence[str]) -> dict[str, Line]:
    """Return some runs with their present verdicts, by their uids."""
    wanted = matching(project, None).with_only_columns(*_COLUMNS)
    parts = (uids[at : at + _PART] for at in range(0, len(uids), _PART))
    found = (_lines(session.execute(wanted.where(TraceRow.uid.in_(part)))) for part in parts)
    return {line.uid: line for part in found for line in part}


_Value = TypeVar("_Value", bound=str)
_PART = 500  # values that a query may ask for at once
_COLUMNS = (
    TraceRow.uid,
    TraceRow.name,
    TraceRow.framework,
    TraceRow.model,
    TraceRow.task,
    DiagnosisRow.outcome,
    DiagnosisRow.cause,
    DiagnosisRow.phase,
    DiagnosisRow.confidence,
    DiagnosisRow.familiarity,
    DiagnosisRow.index_version,
)


def _lines(rows: Iterable[Any]) -> tuple[Line, ...]:
    found: dict[str, Line] = {}
    for row in rows:  # a run that came twice counts once
        found.setdefault(row.uid, Line.model_validate(row._asdict()))
    return tuple(found.values())


def _kind(outcome: str | None, cause: str | None) -> str:
    if outcome is None:
        return "unjudged"
    if outcome == Outcome.SUCCEEDED.value:
        return "succeeded"
    return "unnamed" if cause is None else "named"


def _ranked(counts: Counter[_Value]) -> tuple[tuple[_Value, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))))
