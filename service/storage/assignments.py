"""Assignments: which runs wait for a person's word, who has which, and how far everyone is."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from classifier.diagnosis import Familiarity, Outcome, Provenance
from classifier.trace import Frozen
from service.storage import annotations as statements
from service.storage._rows import now
from service.storage.schema import AnnotationRow, AssignmentRow, DiagnosisRow, TraceRow
from service.storage.traces import row

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SAID = (AnnotationRow.superseded.is_(None), AnnotationRow.adjudicated.is_(False))  # what an annotator says now
_LABEL = (  # what counts as a person's label: a model's opinion is none, and it needs a cause or a "not sure"
    AnnotationRow.provenance == Provenance.HUMAN.value,
    or_(AnnotationRow.cause.is_not(None), AnnotationRow.unsure),
)


class Waiting(Frozen):
    """A run as the queue sees it. `cause`, `confidence`, `familiarity` are the present verdict's; None without one.

    `said` holds which people labelled it with which cause, `held` who has it to label at present, `spoke` who said
    anything of it: a decisive step alone, as other benchmarks have it, is no label that would not be asked for.
    `place` is where it lies among others: a vector of unit length in half precision, None where that is not known.
    """

    uid: str
    name: str
    framework: str
    task: str
    steps: int
    failed: bool = True  # False where the source or the verdict says that it succeeded: nothing to explain
    cause: str | None = None
    confidence: float | None = None
    familiarity: Familiarity | None = None
    said: tuple[tuple[str, str | None], ...] = ()
    held: tuple[str, ...] = ()
    spoke: tuple[str, ...] = ()
    place: bytes | None = None

    @property
    def people(self) -> frozenset[str]:
        """Whoever labelled it or has it to label."""
        return frozenset((*(annotator for annotator, _ in self.said), *self.held))


class Progress(Frozen):
    """How far one person is. `last`: when they last labelled a run."""

    annotator: str
    labelled: int
    unsure: int
    last: datetime


def pool(session: Session, project: int) -> tuple[Waiting, ...]:
    """Return all runs of a project as the queue sees them, oldest first."""
    said, spoke = defaultdict(list), defaultdict(list)
    current = (
        select(AnnotationRow.trace_id, AnnotationRow.annotator, AnnotationRow.cause, and_(*_LABEL))
        .join(TraceRow, TraceRow.id == AnnotationRow.trace_id)
        .where(TraceRow.project_id == project, *_SAID)
        .order_by(AnnotationRow.id)
    )
    for trace_id, annotator, cause, is_label in session.execute(current):
        spoke[trace_id].append(annotator)
        if is_label:
            said[trace_id].append((annotator, cause))
    held = statements.assignments(session, project)
    runs = (
        select(
            TraceRow.id,
            TraceRow.uid,
            TraceRow.name,
            TraceRow.framework,
            func.substr(TraceRow.task, 1, 200).label("task"),
            TraceRow.steps,
            TraceRow.succeeded,
            DiagnosisRow.outcome,
            DiagnosisRow.cause,
            DiagnosisRow.confidence,
            DiagnosisRow.familiarity,
            DiagnosisRow.place,
        )
        .outerjoin(DiagnosisRow, (DiagnosisRow.trace_id == TraceRow.id) & DiagnosisRow.superseded.is_(None))
        .where(TraceRow.project_id == project)
        .order_by(TraceRow.id)
    )
    return tuple(
        Waiting(
            uid=run.uid,
            name=run.name,
            framework=run.framework,
            task=run.task,
            steps=run.steps,
            failed=not run.succeeded and run.outcome != Outcome.SUCCEEDED.value,
            cause=run.cause,
            confidence=run.confidence,
            familiarity=Familiarity(run.familiarity) if run.familiarity else None,
            said=tuple(said.get(run.id, ())),
            held=held.get(run.uid, ()),
            spoke=tuple(spoke.get(run.id, ())),
            place=run.place,
        )
        for run in session.execute(runs)
    )


def take(session: Session, project: int, run: str, annotator: str, until: datetime, *, overlap: int) -> bool:
    """Give a run to a person unless `overlap` others have labelled it or have it already; say whether they have it.

    Two who ask at the same time are answered one after the other. Raises NotFoundError.
    """
    if not has_room(session, project, run, annotator, overlap=overlap):
        return False
    statements.assign(session, project, run, annotator, until)
    return True


def has_room(session: Session, project: int, run: str, annotator: str, *, overlap: int) -> bool:
    """Say whether fewer than `overlap` others have labelled a run or have it; it stays so until the transaction ends.

    Raises NotFoundError.
    """
    trace = row(session, project, run, lock=True)
    said = select(AnnotationRow.annotator).where(AnnotationRow.trace_id == trace.id, *_SAID, *_LABEL)
    held = select(AssignmentRow.annotator).where(AssignmentRow.trace_id == trace.id, AssignmentRow.until > now())
    return len({*session.scalars(said), *session.scalars(held)} - {annotator}) < overlap


def skip(session: Session, project: int, run: str, annotator: str) -> None:
    """Let others have a run that a person was given, or came to by themselves; it comes last for this person.

    Raises NotFoundError.
    """
    statements.assign(session, project, run, annotator, now())


def own(session: Session, project: int, annotator: str) -> dict[str, datetime]:
    """Return the runs that a person was ever given and has not labelled, oldest first: until when, also if past."""
    said = (
        select(AnnotationRow.id)
        .where(
            AnnotationRow.trace_id == TraceRow.id,
            AnnotationRow.annotator == annotator,
            AnnotationRow.superseded.is_(None),
            AnnotationRow.adjudicated.is_(False),
        )
        .exists()
    )
    wanted = (
        select(TraceRow.uid, AssignmentRow.until)
        .join(TraceRow, TraceRow.id == AssignmentRow.trace_id)
        .where(TraceRow.project_id == project, AssignmentRow.annotator == annotator, ~said)
        .order_by(AssignmentRow.id)
    )
    return dict(session.execute(wanted).all())


def progress(session: Session, project: int) -> tuple[Progress, ...]:
    """Return how far each person is who labelled anything, the most diligent first."""
    labelled = func.count().label("labelled")
    unsure = func.count().filter(AnnotationRow.unsure).label("unsure")
    wanted = (
        select(AnnotationRow.annotator, labelled, unsure, func.max(AnnotationRow.made, type_=AnnotationRow.made.type))
        .join(TraceRow, TraceRow.id == AnnotationRow.trace_id)
        .where(TraceRow.project_id == project, *_SAID, *_LABEL)
        .group_by(AnnotationRow.annotator)
        .order_by(labelled.desc(), AnnotationRow.annotator)
    )
    return tuple(
        Progress(annotator=who, labelled=many, unsure=few, last=last)
        for who, many, few, last in session.execute(wanted)
    )
