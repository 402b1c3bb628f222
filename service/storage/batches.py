"""Batches: many inputs that are worked off in the background (`items`), and what has come of them."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import delete as delete_from
from sqlalchemy import func, insert, select, update

from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen
from service.storage import blobs, traces
from service.storage._rows import ConflictError, NotFoundError, clean, now, put
from service.storage.items import State
from service.storage.schema import BatchRow, DiagnosisRow, ItemRow, ResultRow, TraceRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from service.storage.blobs import Packed
    from service.storage.parcels import Parcel

CHUNK = 2**22  # bytes that are handed to the database at once


class Batch(Frozen):
    """A batch and how far it is. `state` is `done` when no input waits or runs, whatever became of them."""

    uid: str
    name: str
    made: datetime
    by: str
    state: State
    inputs: int
    waiting: int
    running: int
    done: int
    failed: int
    cancelled: int


class Outcome(Frozen):
    """What became of one run of a batch, or of an input that gave none."""

    position: int
    place: int
    name: str
    run: str | None = None
    diagnosis: Diagnosis | None = None
    problem: str | None = None


class Results(Frozen):
    """What became of some inputs. `next`: the position after which the next ones come; None: there are no more now."""

    outcomes: tuple[Outcome, ...]
    next: int | None


def create(
    session: Session, project: int, name: str, parcel: Parcel, *, by: str, token: str | None = None
) -> tuple[Batch, bool]:
    """Make a batch of the inputs in a parcel; return it, and whether it is new.

    The same `token` (idempotency key) with the same inputs gives the batch that was made first. Raises ConflictError
    where the token came with other inputs, NotFoundError for a run that is not there.
    """
    content = parcel.digest(name)
    values = {
        "project_id": project,
        "uid": uuid.uuid4().hex[:24],
        "name": clean(name)[:200],
        "token": token,
        "request": content,
        "made": now(),
        "by": by,
    }
    row_id, new = put(session, BatchRow, values, by=("project_id", "token"))  # no two tokens that are None are the same
    row = session.get_one(BatchRow, row_id)
    if not new:
        if row.request != content:
            raise ConflictError("this idempotency key was used with another request")
        return _batch(session, row), False
    kept = _kept(session, parcel)
    runs = traces.ids(session, project, {each.run for each in parcel.entries if each.run is not None})
    rows = (
        {
            "batch_id": row_id,
            "position": position,
            "name": each.name,
            "trace_id": runs[each.run] if each.run is not None else None,
            "blob_id": kept[each.digest] if each.digest is not None else None,
            "state": State.WAITING.value,
            "attempts": 0,
        }
        for position, each in enumerate(parcel.entries)
    )
    while few := list(islice(rows, blobs.AT_ONCE)):
        session.execute(insert(ItemRow), few)
    return _batch(session, row), True


def get(session: Session, project: int, uid: str) -> Batch:
    """Return a batch. Raises NotFoundError."""
    return _batch(session, _row(session, project, uid))


def every(session: Session, project: int, *, limit: int = 100) -> tuple[Batch, ...]:
    """Return the batches of a project, newest first."""
    found = session.scalars(
        select(BatchRow).where(BatchRow.project_id == project).order_by(BatchRow.id.desc()).limit(limit)
    )
    return tuple(_batch(session, each) for each in found)


def cancel(session: Session, project: int, uid: str) -> Batch:
    """Take back what still waits; what runs is finished. Raises NotFoundError."""
    row = _row(session, project, uid)
    session.execute(
        update(ItemRow)
        .where(ItemRow.batch_id == row.id, ItemRow.state == State.WAITING.value)
        .values(state=State.CANCELLED.value, ended=now())
    )
    row.cancelled = row.cancelled or now()
    session.flush()
    return _batch(session, row)


def retry(session: Session, project: int, uid: str) -> Batch:
    """Put the inputs that failed, or were cancelled, back into the queue; nothing else. Raises NotFoundError."""
    row = _row(session, project, uid)
    session.execute(
        update(ItemRow)
        .where(ItemRow.batch_id == row.id, ItemRow.state.in_([State.FAILED.value, State.CANCELLED.value]))
        .values(state=State.WAITING.value, attempts=0, ended=None, problem=None, lease=None)
    )
    row.cancelled = None
    session.flush()
    return _batch(session, row)


def results(
    session: Session, project: int, uid: str, *, after: int | None = None, limit: int = 500, gaps: bool = True
) -> Results:
    """Return what has come of the inputs after the position `after`, `limit` of them, in their order.

    Without `gaps` it ends before the first input that waits or runs still. Raises NotFoundError.
    """
    row = _row(session, project, uid)
    meant = (ItemRow.batch_id == row.id) & (ItemRow.position > (-1 if after is None else after))
    wanted = select(ItemRow).where(meant)
    if not gaps:
        is_open = ItemRow.state.in_([State.WAITING.value, State.RUNNING.value])
        first = select(func.min(ItemRow.position)).where(meant, is_open).scalar_subquery()
        wanted = wanted.where(ItemRow.position < func.coalesce(first, 2**31 - 1))
    ended = wanted.where(ItemRow.state.in_([State.DONE.value, State.FAILED.value])).order_by(ItemRow.position)
    items = session.scalars(ended.limit(limit)).all()
    found = session.execute(
        select(ResultRow.item_id, ResultRow.place, TraceRow.uid, DiagnosisRow.body)
        .join(TraceRow, TraceRow.id == ResultRow.trace_id)
        .join(DiagnosisRow, DiagnosisRow.id == ResultRow.diagnosis_id)
        .where(ResultRow.item_id.in_([each.id for each in items]))
        .order_by(ResultRow.place)
    )
    runs: dict[int, list[tuple[int, str, str]]] = {}
    for item_id, place, run, body in found:
        runs.setdefault(item_id, []).append((place, run, body))
    outcomes = []
    for item in items:
        told = {"position": item.position, "name": item.name}
        if item.state == State.FAILED.value:
            outcomes.append(Outcome(**told, place=0, problem=item.problem))
        for place, run, body in runs.get(item.id, ()):
            diagnosis = Diagnosis.model_validate_json(body)
            outcomes.append(Outcome(**told, place=place, run=run, diagnosis=diagnosis))
    return Results(outcomes=tuple(outcomes), next=items[-1].position if len(items) == limit else None)


def delete(session: Session, project: int, uid: str) -> None:
    """Delete a batch; its runs and their verdicts stay. Raises NotFoundError."""
    row = _row(session, project, uid)
    sent = list(session.scalars(select(ItemRow.blob_id).where(ItemRow.batch_id == row.id)))
    session.execute(delete_from(BatchRow).where(BatchRow.id == row.id))
    blobs.sweep(session, sent)


def _kept(session: Session, parcel: Parcel) -> dict[str, int]:
    """Store what the inputs hold; return the ids of the blobs by their hashes."""
    kept: dict[str, int] = {}
    few: list[Packed] = []
    size = 0
    for one in parcel.packed():
        few.append(one)
        size += len(one.data)
        if len(few) == blobs.AT_ONCE or size > CHUNK:
            kept |= blobs.keep_all(session, few)
            few, size = [], 0
    return kept | blobs.keep_all(session, few)


def _row(session: Session, project: int, uid: str) -> BatchRow:
    found = session.scalar(select(BatchRow).where(BatchRow.uid == uid, BatchRow.project_id == project))
    if found is None:
        raise NotFoundError(f"no batch {uid!r}")
    return found


def _batch(session: Session, row: BatchRow) -> Batch:
    wanted = select(ItemRow.state, func.count()).where(ItemRow.batch_id == row.id).group_by(ItemRow.state)
    counts = Counter({found[0]: found[1] for found in session.execute(wanted)})
    open_ = counts[State.WAITING.value] + counts[State.RUNNING.value]
    if open_:
        state = State.RUNNING if counts[State.RUNNING.value] or counts.total() > open_ else State.WAITING
    else:
        state = State.CANCELLED if row.cancelled else State.DONE
    return Batch(
        uid=row.uid,
        name=row.name,
        made=row.made,
        by=row.by,
        state=state,
        inputs=counts.total(),
        **{each.value: counts[each.value] for each in State},
    )
