"""Annotations: what people said of runs, with undo, discussion, and the last word on a disagreement."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from classifier.annotation import Annotation
from classifier.trace import Frozen
from service.storage._rows import ConflictError, NotFoundError, clean, now
from service.storage.schema import AnnotationRow, AssignmentRow, CommentRow, TraceRow
from service.storage.traces import row

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session


class Statement(Frozen):
    """An annotation as it is kept. `uid` is its stable name, `run` that of the stored trace.

    `unsure`: said with a "not sure", which counts for agreement and not for training. `adjudicated`: the last word on a
    disagreement. `blind`: the verdict was hidden until it was said; None: nobody knows.
    `superseded`: None on the one that holds.
    """

    uid: str
    run: str
    annotation: Annotation
    made: datetime
    superseded: datetime | None = None
    unsure: bool = False
    adjudicated: bool = False
    blind: bool | None = None


class Comment(Frozen):
    """A word in the discussion of a run."""

    author: str
    said: str
    made: datetime


def add(
    session: Session,
    project: int,
    run: str,
    annotation: Annotation,
    *,
    unsure: bool = False,
    adjudicated: bool = False,
    blind: bool | None = None,
    uid: str | None = None,
) -> Statement:
    """Store what a person said of a run; it supersedes what they said before. Raises NotFoundError.

    What is adjudicated supersedes what was, by whomever.

    With `uid`, of an export, a statement that is there already is returned as it is: to import twice does no harm.
    Raises ConflictError where that uid says something else.
    """
    trace = row(session, project, run, lock=True)
    annotation = annotation.model_copy(update={"uid": None, "unsure": False, "adjudicated": False})  # columns hold them
    body = annotation.model_dump_json(exclude_defaults=True)
    if uid is not None:
        there = session.execute(_all(project).where(AnnotationRow.uid == uid)).first()
        if there is not None:
            found = _statement(there[0], there[1])
            if (there[0].body, found.run) != (body, run):
                raise ConflictError(f"the annotation {uid!r} is there already and says something else")
            return found
        if session.scalar(select(AnnotationRow.id).where(AnnotationRow.uid == uid)) is not None:
            raise ConflictError(f"the annotation id {uid!r} is taken")
    moment = now()
    whose = () if adjudicated else (AnnotationRow.annotator == annotation.annotator,)  # there is one last word
    session.execute(
        update(AnnotationRow)
        .where(
            AnnotationRow.trace_id == trace.id,
            AnnotationRow.adjudicated == adjudicated,
            AnnotationRow.superseded.is_(None),
            *whose,
        )
        .values(superseded=moment)
    )
    made = AnnotationRow(
        uid=uid or uuid.uuid4().hex,
        trace_id=trace.id,
        annotator=annotation.annotator,
        provenance=annotation.provenance.value,
        cause=annotation.cause,
        step=annotation.step,
        unsure=unsure,
        adjudicated=adjudicated,
        blind=blind,
        undone=False,
        body=body,
        made=moment,
    )
    session.add(made)
    session.flush()
    return _statement(made, run)


def undo(session: Session, project: int, run: str, annotator: str) -> Statement | None:
    """Take back the last thing that a person said of a run; return what holds now: what they said before, or nothing.

    Raises NotFoundError where they said nothing. What is taken back stays on record, superseded.
    """
    trace = row(session, project, run, lock=True)
    mine = session.scalars(
        select(AnnotationRow)
        .where(
            AnnotationRow.trace_id == trace.id,
            AnnotationRow.annotator == annotator,
            AnnotationRow.adjudicated.is_(False),
            AnnotationRow.undone.is_(False),
        )
        .order_by(AnnotationRow.id.desc())
        .limit(2)
    ).all()
    if not mine:
        raise NotFoundError(f"{annotator} has said nothing of this run that could be taken back")
    mine[0].superseded, mine[0].undone = now(), True
    session.flush()
    if len(mine) == 1:
        return None
    mine[1].undone = True  # its copy stands for it from now on, so that the next undo goes further back
    before = _statement(mine[1], run)
    return add(session, project, run, before.annotation, unsure=before.unsure, blind=before.blind)


def of(session: Session, project: int, run: str, *, superseded: bool = False) -> tuple[Statement, ...]:
    """Return what holds of a run, oldest first; with `superseded` also what was said before. Raises NotFoundError."""
    trace = row(session, project, run)
    wanted = _all(project).where(AnnotationRow.trace_id == trace.id)
    if not superseded:
        wanted = wanted.where(AnnotationRow.superseded.is_(None))
    return tuple(_statement(*found) for found in session.execute(wanted.order_by(AnnotationRow.id)))


def every(session: Session, project: int, *, superseded: bool = False) -> tuple[Statement, ...]:
    """Return all that holds in a project, oldest first."""
    wanted = _all(project)
    if not superseded:
        wanted = wanted.where(AnnotationRow.superseded.is_(None))
    return tuple(_statement(*found) for found in session.execute(wanted.order_by(AnnotationRow.id)))


def by(session: Session, project: int, annotator: str) -> tuple[str, ...]:
    """Return the runs that a person has labelled, oldest label first."""
    wanted = _all(project).with_only_columns(TraceRow.uid).where(AnnotationRow.annotator == annotator)
    held = wanted.where(AnnotationRow.superseded.is_(None), AnnotationRow.adjudicated.is_(False))
    return tuple(session.scalars(held.order_by(AnnotationRow.id)))


def names(session: Session, project: int) -> frozenset[str]:
    """Return the ids of all statements of a project, superseded ones among them."""
    wanted = select(AnnotationRow.uid).join(TraceRow, TraceRow.id == AnnotationRow.trace_id)
    return frozenset(session.scalars(wanted.where(TraceRow.project_id == project)))


def assign(session: Session, project: int, run: str, annotator: str, until: datetime) -> None:
    """Give a run to a person to label, or give it longer. Raises NotFoundError."""
    trace = row(session, project, run)
    there = session.scalar(
        select(AssignmentRow).where(AssignmentRow.trace_id == trace.id, AssignmentRow.annotator == annotator)
    )
    if there is None:
        session.add(AssignmentRow(trace_id=trace.id, annotator=annotator, made=now(), until=until))
    else:
        there.until = until
    session.flush()


def assignments(session: Session, project: int) -> dict[str, tuple[str, ...]]:
    """Return who has which run to label at present: people by the run's uid."""
    held: dict[str, tuple[str, ...]] = {}
    wanted = (
        select(TraceRow.uid, AssignmentRow.annotator)
        .join(TraceRow, TraceRow.id == AssignmentRow.trace_id)
        .where(TraceRow.project_id == project, AssignmentRow.until > now())
        .order_by(AssignmentRow.id)
    )
    for run, annotator in session.execute(wanted):
        held[run] = (*held.get(run, ()), annotator)
    return held


def comment(session: Session, project: int, run: str, author: str, said: str) -> Comment:
    """Add a word to the discussion of a run. Raises NotFoundError."""
    made = CommentRow(trace_id=row(session, project, run).id, author=author, said=clean(said), made=now())
    session.add(made)
    session.flush()
    return Comment(author=made.author, said=made.said, made=made.made)


def comments(session: Session, project: int, run: str) -> tuple[Comment, ...]:
    """Return the discussion of a run, oldest first. Raises NotFoundError."""
    trace = row(session, project, run)
    found = session.scalars(select(CommentRow).where(CommentRow.trace_id == trace.id).order_by(CommentRow.id))
    return tuple(Comment(author=each.author, said=each.said, made=each.made) for each in found)


def _all(project: int) -> Select[AnnotationRow, str]:
    return (
        select(AnnotationRow, TraceRow.uid)
        .join(TraceRow, TraceRow.id == AnnotationRow.trace_id)
        .where(TraceRow.project_id == project)
    )


def _statement(found: AnnotationRow, run: str) -> Statement:
    return Statement(
        uid=found.uid,
        run=run,
        annotation=Annotation.model_validate_json(found.body),
        made=found.made,
        superseded=found.superseded,
        unsure=found.unsure,
        adjudicated=found.adjudicated,
        blind=found.blind,
    )
