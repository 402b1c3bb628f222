"""Items: the inputs of batches at work. Their state is kept here, and here alone; the queue only wakes workers.

An input goes waiting -> running -> done or failed. A worker claims it for a time (its lease), and stores its verdicts
and its end in one transaction: a killed worker leaves a lease that runs out, and nothing is stored twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from classifier.trace import Frozen
from service.storage import blobs, traces
from service.storage._rows import clean, now
from service.storage.schema import BatchRow, ItemRow, ResultRow, TraceRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

ATTEMPTS = 3  # an input that ends its worker so often is poisoned
LEASE = timedelta(minutes=15)
AT_ONCE = 200  # items that workers are woken for at a time


class State(StrEnum):
    """Where an input, or a batch, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


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


def pending(session: Session, limit: int | None = None) -> tuple[int, ...]:
    """Return the first items of all projects that somebody should take: waiting, or left by a worker that died."""
    return tuple(session.scalars(select(ItemRow.id).where(_free()).order_by(ItemRow.id).limit(limit)))


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
        data=blobs.read(session, blob_id) if blob_id is not None else None,
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

    What was sent goes, as its runs are kept, and go when they are deleted. False, and nothing is stored, where the
    claim does not hold any more.
    """
    sent = session.scalar(select(ItemRow.blob_id).where(ItemRow.id == claimed.item))
    if not _end(session, claimed, State.DONE, None):
        return False
    session.execute(update(ItemRow).where(ItemRow.id == claimed.item).values(blob_id=None))
    blobs.sweep(session, [sent])
    for place, (run, diagnosis) in enumerate(verdicts):
        trace = traces.row(session, claimed.project, run)
        session.add(ResultRow(item_id=claimed.item, place=place, trace_id=trace.id, diagnosis_id=diagnosis))
    session.flush()
    return True


def fail(session: Session, claimed: Claim, problem: str) -> bool:
    """Store that an input could not be read, and why. False where the claim does not hold any more."""
    return _end(session, claimed, State.FAILED, clean(problem))


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
