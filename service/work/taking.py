"""Taking in: a batch is stored, and the workers are told; the same for a client and for a person with a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from service.storage import ConflictError, batches, diagnoses, items
from service.storage.parcels import Input, Parcel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from service.hub import Hub
    from service.storage.batches import Batch
    from service.storage.projects import Access

MOST_WAITING = 200_000  # inputs that may wait, of all projects; more are turned away


def take_in(
    hub: Hub, access: Access, name: str, inputs: Iterable[Input], *, token: str | None = None
) -> tuple[Batch, bool]:
    """Store a batch and wake the workers; return it, and whether it is new (see `batches.create`).

    Raises HTTPException (503) where too much waits already, and what `inputs` and `batches.create` raise.
    """
    with hub.database.begin(write=False) as session:
        _room(session)  # before anything is unpacked
    with Parcel.of(inputs) as parcel, hub.database.begin() as session:
        _room(session)
        batch, new = batches.create(session, access.project, name, parcel, by=access.person, token=token)
    _wake(hub)
    return batch, new


def retry(hub: Hub, access: Access, uid: str) -> Batch:
    """Put the inputs of a batch that failed or were cancelled back into the queue. Raises NotFoundError."""
    with hub.database.begin() as session:
        batch = batches.retry(session, access.project, uid)
    _wake(hub)
    return batch


def again(hub: Hub, access: Access) -> Batch:
    """Send the runs through again whose verdict is by another index than the one that answers now, as one batch.

    Raises ConflictError where there are none, and what `take_in` raises.
    """
    version = hub.classifier(access.project).versions.index
    with hub.database.begin(write=False) as session:
        found = diagnoses.outdated(session, access.project, version)
    if not found:
        raise ConflictError("every verdict is by the index that answers now")
    return take_in(hub, access, f"again, by index {version}", [Input(name=name, run=uid) for uid, name in found])[0]


def _wake(hub: Hub) -> None:
    """Tell the workers of the first inputs that wait; they find the others themselves."""
    with hub.database.begin(write=False) as session:
        first = items.pending(session, items.AT_ONCE)
    hub.queue.wake(first)


def _room(session: Session) -> None:
    if items.open_inputs(session) > MOST_WAITING:
        raise HTTPException(503, "too many inputs wait already", headers={"Retry-After": "60"})
