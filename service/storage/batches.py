"""Batches: the state of every input is kept here, and here alone; the queue only wakes workers.

An input goes waiting -> running -> done or failed. A worker claims it for a time (its lease), and stores its verdicts
and its end in one transaction: a killed worker leaves a lease that runs out, and nothing is stored twice.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete as delete_from
from sqlalchemy import func, or_, select, update

from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen
from service.storage import traces
from service.storage._rows import ConflictError, NotFoundError, clean, digest, now, put
from service.storage.schema import BatchRow, DiagnosisRow, ItemRow, ResultRow, TraceRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

ATTEMPTS = 3  # an input that ends its worker so often is poisoned
LEASE = timedelta(minutes=15)


class State(StrEnum):
    """Where an input, or a batch, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Input(Frozen):
    """What a batch is made of: bytes still to be read, or a stored run by its uid."""

    name: str
    data: bytes | None = None
    run: str | None = None


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


class Claim(Frozen):
    """An input that a worker has until `lease`."""

    item: int
    batch: int
    project: int
    name: str
    data: bytes | None
    run: str | None
    attempt: int
    lease: datetime


class Outcome(Frozen):
    """What became of one run of a batch, or of an input that gave none."""

    position: int
    place: int
    name: str
    run: str | None = None
    diagnosis: Diagnosis | None = None
    problem: str | None = None


def create(
    session: Session, project: int, name: str, inputs: Sequence[Input], *, by: str, token: str | None = None
) -> tuple[Batch, bool]:
    """Make a batch of inputs; return it, and whether it is new.

    The same `token` (idempotency key) with the same inputs gives the batch that was made first. Raises ConflictError
    where the token came with other inputs, NotFoundError for a run that is not there.
    """
    content = digest(name, *(part for each in inputs for part in (each.name, each.run or "", _hash(each.data))))
    values = {
        "project_id": project,
        "uid": uuid.uuid4().hex[:24],
        "name": clean(name)[:200],
        "token": token,
        "request": content,
        "made": now(),
        "by": by,
    }
    if token is None:
        row = BatchRow(**values)
        session.add(row)
        session.flush()
    else:
        row_id, new = put(session, BatchRow, values, by=("project_id", "token"))
        row = session.get_one(BatchRow, row_id)
        if not new:
            if row.request != content:
                raise ConflictError("this idempotency key was used with another request")
            return _batch(session, row), False
    for position, each in enumerate(inputs):
        session.add(
            ItemRow(
                batch_id=row.id,
                position=position,
                name=clean(each.name),
                trace_id=traces.row(session, project, each.run).id if each.run is not None else None,
                blob_id=traces.keep(session, each.data) if each.data is not None else None,
                state=State.WAITING.value,
            )
        )
    session.flush()
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


def pending(session: Session) -> tuple[int, ...]:
    """Return the items of all projects that somebody should take: waiting, or left by a worker that died."""
    return tuple(session.scalars(select(ItemRow.id).where(_free()).order_by(ItemRow.id)))


def open_inputs(session: Session) -> int:
    """Return how many inputs of all projects wait or run."""
    wanted = select(func.count()).select_from(ItemRow)
    return session.scalar(wanted.where(ItemRow.state.in_([State.WAITING.value, State.RUNNING.value]))) or 0


def states(session: Session) -> dict[State, int]:
    """Return how many inputs of all projects are in which state."""
    counted = session.execute(select(ItemRow.state, func.count()).group_by(ItemRow.state))
    return dict.fromkeys(State, 0) | {State(state): number for state, number in counted}


def claim(session: Session, item: int, lease: timedelta = LEASE) -> Claim | None:
    """Take an input for a time; None where it is not to be had: taken, ended, cancelled, or deleted.

    One that has ended its worker `ATTEMPTS` times is not given out again: it fails, and says so.
    """
    until = now() + lease
    taken = session.execute(
        update(ItemRow)
        .where(ItemRow.id == item, _free(), ItemRow.attempts < ATTEMPTS)
        .values(state=State.RUNNING.value, attempts=ItemRow.attempts + 1, lease=until)
        .returning(ItemRow.batch_id, ItemRow.name, ItemRow.blob_id, ItemRow.trace_id, ItemRow.attempts)
    ).first()
    if taken is None:
        session.execute(
            update(ItemRow)
            .where(ItemRow.id == item, _free(), ItemRow.attempts >= ATTEMPTS)
            .values(
                state=State.FAILED.value,
                ended=now(),
                problem=f"it ended the worker that read it {ATTEMPTS} times: too large, too slow, or made to do harm",
            )
        )
        return None
    batch_id, name, blob_id, trace_id, attempt = taken
    project = session.execute(select(BatchRow.project_id).where(BatchRow.id == batch_id)).scalar_one()
    return Claim(
        item=item,
        batch=batch_id,
        project=project,
        name=name,
        data=traces.blob(session, blob_id) if blob_id is not None else None,
        run=session.execute(select(TraceRow.uid).where(TraceRow.id == trace_id)).scalar_one() if trace_id else None,
        attempt=attempt,
        lease=until,
    )


def renew(session: Session, claimed: Claim, lease: timedelta = LEASE) -> bool:
    """Keep an input for longer. False where the claim does not hold any more."""
    kept = session.execute(
        update(ItemRow).where(*_claimed(claimed)).values(lease=now() + lease).returning(ItemRow.id)
    ).first()
    return kept is not None


def holds(session: Session, claimed: Claim) -> bool:
    """Say whether a claim still holds, and keep others from it until the transaction ends."""
    found = session.scalar(select(ItemRow.id).where(*_claimed(claimed)).with_for_update())
    return found is not None


def finish(session: Session, claimed: Claim, verdicts: Iterable[tuple[str, int]]) -> bool:
    """Store the end of an input with its runs and their diagnoses: (uid, diagnosis row) in order.

    False, and nothing is stored, where the claim does not hold any more.
    """
    if not _end(session, claimed, State.DONE, None):
        return False
    for place, (run, diagnosis) in enumerate(verdicts):
        trace = traces.row(session, claimed.project, run)
        session.add(ResultRow(item_id=claimed.item, place=place, trace_id=trace.id, diagnosis_id=diagnosis))
    session.flush()
    return True


def fail(session: Session, claimed: Claim, problem: str) -> bool:
    """Store that an input could not be read, and why. False where the claim does not hold any more."""
    return _end(session, claimed, State.FAILED, clean(problem))


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


def items(session: Session, project: int, uid: str) -> tuple[int, ...]:
    """Return the ids of a batch's items that somebody should take. Raises NotFoundError."""
    row = _row(session, project, uid)
    return tuple(session.scalars(select(ItemRow.id).where(ItemRow.batch_id == row.id, _free()).order_by(ItemRow.id)))


def results(session: Session, project: int, uid: str, *, after: int = -1, limit: int = 500) -> Iterator[Outcome]:
    """Give what has come of the inputs after the position `after`, in their order. Raises NotFoundError."""
    row = _row(session, project, uid)
    ended = session.scalars(
        select(ItemRow)
        .where(
            ItemRow.batch_id == row.id,
            ItemRow.position > after,
            ItemRow.state.in_([State.DONE.value, State.FAILED.value]),
        )
        .order_by(ItemRow.position)
        .limit(limit)
    ).all()
    for item in ended:
        if item.state == State.FAILED.value:
            yield Outcome(position=item.position, place=0, name=item.name, problem=item.problem)
            continue
        found = session.execute(
            select(ResultRow.place, TraceRow.uid, DiagnosisRow.body)
            .join(TraceRow, TraceRow.id == ResultRow.trace_id)
            .join(DiagnosisRow, DiagnosisRow.id == ResultRow.diagnosis_id)
            .where(ResultRow.item_id == item.id)
            .order_by(ResultRow.place)
        )
        for place, run, body in found:
            diagnosis = Diagnosis.model_validate_json(body)
            yield Outcome(position=item.position, place=place, name=item.name, run=run, diagnosis=diagnosis)


def delete(session: Session, project: int, uid: str) -> None:
    """Delete a batch; its runs and their verdicts stay. Raises NotFoundError."""
    row = _row(session, project, uid)
    blobs = list(session.scalars(select(ItemRow.blob_id).where(ItemRow.batch_id == row.id)))
    session.execute(delete_from(BatchRow).where(BatchRow.id == row.id))
    traces.sweep(session, blobs)


def _free() -> ColumnElement[bool]:
    abandoned = (ItemRow.state == State.RUNNING.value) & (ItemRow.lease < now())
    return or_(ItemRow.state == State.WAITING.value, abandoned)


def _claimed(claimed: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        ItemRow.id == claimed.item,
        ItemRow.state == State.RUNNING.value,
        ItemRow.attempts == claimed.attempt,
    )


def _end(session: Session, claimed: Claim, state: State, problem: str | None) -> bool:
    ended = session.execute(
        update(ItemRow)
        .where(*_claimed(claimed))
        .values(state=state.value, problem=problem, ended=now(), lease=None)
        .returning(ItemRow.id)
    ).first()
    return ended is not None


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


def _hash(data: bytes | None) -> str:
    import hashlib  # noqa: PLC0415 - beside its one use

    return hashlib.sha256(data).hexdigest() if data is not None else ""
