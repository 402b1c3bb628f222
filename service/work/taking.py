"""Taking in: a batch is stored, and the workers are told; the same for a client and for a person with a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from service.storage import ConflictError, batches, diagnoses
from service.storage.batches import Input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.hub import Hub
    from service.storage.batches import Batch
    from service.storage.projects import Access

MOST_WAITING = 200_000  # inputs that may wait, of all projects; more are turned away


def take_in(
    hub: Hub, access: Access, name: str, inputs: Sequence[Input], *, token: str | None = None
) -> tuple[Batch, bool]:
    """Store a batch and wake the workers; return it, and whether it is new (see `batches.create`).

    Raises HTTPException (503) where too much waits already, and what `batches.create` raises.
    """
    with hub.database.begin() as session:
        if batches.open_inputs(session) > MOST_WAITING:
            raise HTTPException(503, "too many inputs wait already", headers={"Retry-After": "60"})
        batch, new = batches.create(session, access.project, name, inputs, by=access.person, token=token)
        items = batches.items(session, access.project, batch.uid)
    hub.queue.wake(items)
    return batch, new


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
