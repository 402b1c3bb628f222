"""Diagnoses: each new one supersedes the last of its run; none is changed or lost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen
from service.storage._rows import now
from service.storage.schema import AnnotationRow, DiagnosisRow, TraceRow
from service.storage.traces import row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


class Made(Frozen):
    """A diagnosis, when it was made, and until when it was the present one (None: it is)."""

    diagnosis: Diagnosis
    made: datetime
    superseded: datetime | None


def add(
    session: Session,
    project: int,
    uid: str,
    diagnosis: Diagnosis,
    *,
    batch: int | None = None,
    place: bytes | None = None,
) -> int:
    """Store the verdict on a run in the place of the last one; return its row's id. Raises NotFoundError.

    A verdict that says the same as the present one is not stored again. `place`: where the run lies among others, a
    vector in half precision.
    """
    trace = row(session, project, uid, lock=True)
    body = diagnosis.model_dump_json()
    present = session.scalar(
        select(DiagnosisRow).where(DiagnosisRow.trace_id == trace.id, DiagnosisRow.superseded.is_(None))
    )
    if present is not None and present.body == body:
        present.place = present.place or place
        return present.id
    moment = now()
    if present is not None:
        session.execute(update(DiagnosisRow).where(DiagnosisRow.id == present.id).values(superseded=moment))
    made = DiagnosisRow(
        trace_id=trace.id,
        batch_id=batch,
        made=moment,
        index_version=diagnosis.versions.index,
        outcome=diagnosis.outcome.value,
        cause=diagnosis.cause,
        phase=diagnosis.phase.value if diagnosis.phase else None,
        step=diagnosis.step,
        confidence=diagnosis.confidence,
        decided_by=diagnosis.decided_by.value,
        familiarity=diagnosis.familiarity.value,
        body=body,
        place=place,
    )
    session.add(made)
    session.flush()
    return made.id


def history(session: Session, project: int, uid: str) -> tuple[Made, ...]:
    """Return all verdicts on a run, newest first. Raises NotFoundError."""
    trace = row(session, project, uid)
    found = session.scalars(
        select(DiagnosisRow).where(DiagnosisRow.trace_id == trace.id).order_by(DiagnosisRow.id.desc())
    )
    return tuple(
        Made(diagnosis=Diagnosis.model_validate_json(each.body), made=each.made, superseded=each.superseded)
        for each in found
    )


def present(session: Session, project: int, uids: Sequence[str] | None = None) -> dict[str, Diagnosis]:
    """Return the present verdict of each run that has one, by its uid; of all runs, or of those named."""
    wanted = (
        select(TraceRow.uid, DiagnosisRow.body)
        .join(DiagnosisRow, DiagnosisRow.trace_id == TraceRow.id)
        .where(TraceRow.project_id == project, DiagnosisRow.superseded.is_(None))
        .order_by(TraceRow.id)
    )
    if uids is not None:
        wanted = wanted.where(TraceRow.uid.in_(uids))
    return {uid: Diagnosis.model_validate_json(body) for uid, body in session.execute(wanted)}


def by_version(session: Session, project: int) -> dict[str, dict[str, Diagnosis]]:
    """Return the last verdict of each version of the index on each run that somebody labelled.

    Versions come in the order of their first verdict; runs go by their uids.
    """
    said = select(AnnotationRow.trace_id).where(AnnotationRow.superseded.is_(None))
    wanted = (
        select(DiagnosisRow.index_version, TraceRow.uid, DiagnosisRow.body)
        .join(TraceRow, TraceRow.id == DiagnosisRow.trace_id)
        .where(TraceRow.project_id == project, TraceRow.id.in_(said))
        .order_by(DiagnosisRow.id)
    )
    found: dict[str, dict[str, Diagnosis]] = {}
    for version, uid, body in session.execute(wanted):
        found.setdefault(version, {})[uid] = Diagnosis.model_validate_json(body)
    return found


def outdated(session: Session, project: int, version: str) -> tuple[tuple[str, str], ...]:
    """Return uid and name of the runs whose present verdict is by another version of the index, oldest first."""
    wanted = (
        select(TraceRow.uid, TraceRow.name)
        .join(DiagnosisRow, DiagnosisRow.trace_id == TraceRow.id)
        .where(TraceRow.project_id == project, DiagnosisRow.superseded.is_(None), DiagnosisRow.index_version != version)
        .order_by(TraceRow.id)
    )
    return tuple((uid, name) for uid, name in session.execute(wanted))


class Tally(Frozen):
    """How many present verdicts are alike. `familiarity`: of the system with the index."""

    cause: str | None
    decided_by: str
    familiarity: str
    runs: int


def tally(session: Session, project: int | None = None) -> tuple[Tally, ...]:
    """Count the present verdicts of a project, or of all, by cause, by who decided and by familiarity."""
    columns = (DiagnosisRow.cause, DiagnosisRow.decided_by, DiagnosisRow.familiarity)
    wanted = select(*columns, func.count()).where(DiagnosisRow.superseded.is_(None)).group_by(*columns)
    if project is not None:
        wanted = wanted.join(TraceRow, TraceRow.id == DiagnosisRow.trace_id).where(TraceRow.project_id == project)
    return tuple(
        Tally(cause=cause, decided_by=decided_by, familiarity=familiarity, runs=runs)
        for cause, decided_by, familiarity, runs in session.execute(wanted.order_by(*columns))
    )
