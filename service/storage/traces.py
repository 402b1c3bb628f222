"""Traces: each stored once by its content, compressed; found by filters, paged, deleted with all they have."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete as delete_from
from sqlalchemy import func, select

from classifier.diagnosis import Diagnosis, Outcome
from classifier.trace import Frozen, Phase, Trace
from service.storage import blobs
from service.storage._rows import NotFoundError, clean, digest, now, put
from service.storage.projects import DEFAULT
from service.storage.schema import AnnotationRow, BatchRow, DiagnosisRow, ItemRow, ProjectRow, ResultRow, TraceRow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

PAGE = 50


class StoredTrace(Frozen):
    """A run as it is listed. `uid` names it in the API; `name` is the trace's own id."""

    uid: str
    name: str
    file: str | None
    format: str
    framework: str
    model: str | None
    task: str
    steps: int
    succeeded: bool | None
    received: datetime


class Listed(Frozen):
    """A run with its present verdict, and how many people have labelled it."""

    trace: StoredTrace
    diagnosis: Diagnosis | None
    annotators: int


class Filter(Frozen):
    """Which runs are meant: all that fit every field that is given. `text` is looked for in name, file and task.

    What tells of a verdict means the present one. Confidence is at least `min` and below `max` (1 is below 1); runs
    that succeeded fit no confidence, and neither value of `named`.
    """

    cause: str | None = None
    phase: Phase | None = None
    framework: str | None = None
    model: str | None = None
    batch: str | None = None
    labelled: bool | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    outcome: Outcome | None = None
    named: bool | None = None  # whether the verdict names a cause


class Page(Frozen):
    """A page of runs, newest first. `next` is the cursor of the page after it, None on the last."""

    items: tuple[Listed, ...]
    next: str | None
    total: int


def uid_of(project: str, content: str) -> str:
    """Return the name of a run in a project, the same in every database; `content` is the SHA-256 of its JSON."""
    if project == DEFAULT:  # by its number, as it always was: uids in exports that are out must stay
        return digest("trace", 1, content)[:24]
    return digest("trace", "project", project, content)[:24]


def put_trace(
    session: Session, project: int, trace: Trace, *, file: str | None = None, model: str | None = None
) -> tuple[StoredTrace, bool]:
    """Store a run; return it, and whether it is new: the same run of a project is stored once, its first file stays."""
    data = trace.model_dump_json().encode()
    row_id, new = put(
        session,
        TraceRow,
        {
            "project_id": project,
            "uid": uid_of(session.get_one(ProjectRow, project).name, hashlib.sha256(data).hexdigest()),
            "blob_id": blobs.keep(session, data),
            "name": clean(trace.id[:300]),
            "file": clean(file) if file else None,
            "format": trace.format,
            "framework": clean(trace.framework[:100]),
            "model": clean(model[:200]) if model else None,
            "task": clean(trace.task),
            "steps": len(trace.steps),
            "succeeded": trace.succeeded,
            "received": now(),
        },
        by=("project_id", "blob_id"),  # not by uid: in a database of before, it may have another
    )
    return _stored(session.get_one(TraceRow, row_id)), new


def get(session: Session, project: int, uid: str) -> Trace:
    """Return a run. Raises NotFoundError."""
    return Trace.model_validate_json(blobs.read(session, row(session, project, uid).blob_id))


def show(session: Session, project: int, uid: str) -> Listed:
    """Return a run as it is listed. Raises NotFoundError."""
    found = session.execute(_listing(project).where(TraceRow.uid == clean(uid))).first()
    if found is None:
        raise NotFoundError(f"no trace {uid!r}")
    return _listed(found)


def page(
    session: Session, project: int, where: Filter | None = None, *, after: str | None = None, limit: int = PAGE
) -> Page:
    """Return a page of runs, newest first. `after` is the cursor of a page before. Raises ValueError for another."""
    wanted = _narrow(_listing(project), where or Filter())
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    if after is not None:
        if not after.isdigit():
            raise ValueError(f"{after!r} is no cursor")
        wanted = wanted.where(TraceRow.id < int(after))
    rows = session.execute(wanted.order_by(TraceRow.id.desc()).limit(limit + 1)).all()
    items = tuple(map(_listed, rows[:limit]))
    return Page(items=items, next=str(rows[limit - 1].TraceRow.id) if len(rows) > limit else None, total=total)


def uids(session: Session, project: int, where: Filter | None = None) -> tuple[str, ...]:
    """Return the names of all runs that fit, oldest first."""
    wanted = _narrow(_listing(project), where or Filter()).with_only_columns(TraceRow.uid)
    return tuple(session.scalars(wanted.order_by(TraceRow.id)))


def ids(session: Session, project: int, uids: Collection[str]) -> dict[str, int]:
    """Return the row ids of runs by their uids. Raises NotFoundError where one is not there."""
    found: dict[str, int] = {}
    wanted = sorted(uids)
    for start in range(0, len(wanted), blobs.AT_ONCE):
        few = wanted[start : start + blobs.AT_ONCE]
        rows = select(TraceRow.uid, TraceRow.id).where(
            TraceRow.project_id == project, TraceRow.uid.in_(map(clean, few))
        )
        found |= dict(session.execute(rows).all())
        for uid in few:
            if uid not in found:
                raise NotFoundError(f"no trace {uid!r}")
    return found


def stored(session: Session, project: int, where: Filter | None = None) -> tuple[StoredTrace, ...]:
    """Return all runs that fit as they are listed, oldest first, without their contents."""
    wanted = _narrow(_listing(project), where or Filter()).with_only_columns(TraceRow)
    return tuple(map(_stored, session.scalars(wanted.order_by(TraceRow.id))))


def called(session: Session, project: int, name: str) -> tuple[str, ...]:
    """Return the uids of the runs whose own id is `name`, oldest first."""
    wanted = select(TraceRow.uid).where(TraceRow.project_id == project, TraceRow.name == clean(name[:300]))
    return tuple(session.scalars(wanted.order_by(TraceRow.id)))


def named(session: Session, project: int, names: Sequence[str]) -> dict[str, str]:
    """Return the uids of the runs with these names, by name; of several with one name the newest.

    A uid is a name as well: an index that was trained here calls its runs so.
    """
    wanted = select(TraceRow.name, TraceRow.uid).where(TraceRow.project_id == project).order_by(TraceRow.id)
    found = dict(session.execute(wanted.where(TraceRow.name.in_(names))).all())
    return found | {uid: uid for _, uid in session.execute(wanted.where(TraceRow.uid.in_(names)))}


def delete(session: Session, project: int, uid: str) -> None:
    """Delete a run with all that hangs on it, its bytes too unless another holds the same. Raises NotFoundError."""
    found = row(session, project, uid)
    session.execute(delete_from(TraceRow).where(TraceRow.id == found.id))
    blobs.sweep(session, [found.blob_id])


def row(session: Session, project: int, uid: str, *, lock: bool = False) -> TraceRow:
    """Return the row of a run, for the files of this package. Raises NotFoundError.

    `lock`: what supersedes something of a run waits for others who do, until their transaction ends.
    """
    wanted = select(TraceRow).where(TraceRow.uid == clean(uid), TraceRow.project_id == project)
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(f"no trace {uid!r}")
    return found


def matching(project: int, where: Filter | None) -> Select[Any]:
    """Return the select of runs that fit, joined with their present verdict, for the files of this package."""
    return _narrow(_listing(project), where or Filter())


def _listing(project: int) -> Select[Any]:
    people = (
        select(func.count())
        .select_from(AnnotationRow)
        .where(
            AnnotationRow.trace_id == TraceRow.id,
            AnnotationRow.superseded.is_(None),
            AnnotationRow.adjudicated.is_(False),
        )
        .scalar_subquery()
        .label("annotators")
    )
    return (
        select(TraceRow, DiagnosisRow.body, people)
        .outerjoin(DiagnosisRow, (DiagnosisRow.trace_id == TraceRow.id) & DiagnosisRow.superseded.is_(None))
        .where(TraceRow.project_id == project)
    )


def _narrow(wanted: Select[Any], where: Filter) -> Select[Any]:
    words = {name: clean(value) for name, value in where if type(value) is str}  # enums are strings too
    where = where.model_copy(update=words)
    wanted = _by_verdict(wanted, where)
    for column, value in ((TraceRow.framework, where.framework), (TraceRow.model, where.model)):
        if value is not None:
            wanted = wanted.where(column == value)
    if where.since is not None:
        wanted = wanted.where(TraceRow.received >= where.since)
    if where.until is not None:
        wanted = wanted.where(TraceRow.received < where.until)
    if where.text:
        wanted = wanted.where(
            TraceRow.name.icontains(where.text, autoescape=True)
            | TraceRow.file.icontains(where.text, autoescape=True)
            | TraceRow.task.icontains(where.text, autoescape=True)
        )
    if where.labelled is not None:
        said = select(AnnotationRow.trace_id).where(AnnotationRow.superseded.is_(None))
        wanted = wanted.where(TraceRow.id.in_(said) if where.labelled else TraceRow.id.not_in(said))
    if where.batch is not None:
        held = (
            select(ResultRow.trace_id)
            .join(ItemRow, ItemRow.id == ResultRow.item_id)
            .join(BatchRow, BatchRow.id == ItemRow.batch_id)
            .where(BatchRow.uid == where.batch)
        )
        wanted = wanted.where(TraceRow.id.in_(held))
    return wanted


def _by_verdict(wanted: Select[Any], where: Filter) -> Select[Any]:
    equal = {
        DiagnosisRow.cause: where.cause,
        DiagnosisRow.phase: where.phase.value if where.phase else None,
        DiagnosisRow.outcome: where.outcome.value if where.outcome else None,
    }
    for column, value in equal.items():
        if value is not None:
            wanted = wanted.where(column == value)
    if where.named is not None:
        wanted = wanted.where(DiagnosisRow.cause.is_not(None) if where.named else DiagnosisRow.cause.is_(None))
    if not (where.named is where.min_confidence is where.max_confidence is None):
        wanted = wanted.where(DiagnosisRow.outcome != Outcome.SUCCEEDED.value)
    if where.min_confidence is not None:
        wanted = wanted.where(DiagnosisRow.confidence >= where.min_confidence)
    if where.max_confidence is not None and where.max_confidence < 1:  # below it, so that ranges can be put together
        wanted = wanted.where(DiagnosisRow.confidence < where.max_confidence)
    return wanted


def _listed(found: Any) -> Listed:
    trace, body, annotators = found
    diagnosis = Diagnosis.model_validate_json(body) if body else None
    return Listed(trace=_stored(trace), diagnosis=diagnosis, annotators=annotators)


def _stored(found: TraceRow) -> StoredTrace:
    return StoredTrace(
        uid=found.uid,
        name=found.name,
        file=found.file,
        format=found.format,
        framework=found.framework,
        model=found.model,
        task=found.task,
        steps=found.steps,
        succeeded=found.succeeded,
        received=found.received,
    )
