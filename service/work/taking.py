"""Taking in: a batch is stored, and the workers are told; the same for a client and for a person with a browser."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from service.storage import batches, items
from service.storage.parcels import Parcel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from service.hub import Hub
    from service.storage.batches import Batch
    from service.storage.parcels import Input
    from service.storage.projects import Access

MOST_WAITING = 200_000  # inputs that may wait, of all projects; more are turned away

log = logging.getLogger("coroner.work")


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
    wake(hub)
    return batch, new


def again(hub: Hub, access: Access, uid: str) -> Batch:
    """Put the inputs of a batch that failed back into the queue. Raises NotFoundError."""
    with hub.database.begin() as session:
        batch = batches.retry(session, access.project, uid)
    wake(hub)
    return batch


def wake(hub: Hub) -> None:
    """Tell the workers of the first inputs that wait; they find the others, and what could not be told, themselves."""
    try:
        if hub.queue.length < items.AT_ONCE:
            with hub.database.begin(write=False) as session:
                first = items.pending(session, items.AT_ONCE)
            hub.queue.wake(first)
    except Exception:  # whatever the queue's library raises: what is stored is stored
        log.exception("the workers could not be told")


def _room(session: Session) -> None:
    if items.open_inputs(session) > MOST_WAITING:
        raise HTTPException(503, "too many inputs wait already", headers={"Retry-After": "60"})
