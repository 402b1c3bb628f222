"""The audit log: who did what, when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service import problems
from service.access import Admin, hub_of
from service.storage import projects
from service.storage.projects import Entry  # noqa: TC001 - FastAPI reads it

router = APIRouter(tags=["audit"], responses=dict.fromkeys((401, 403, 422), problems.DOCUMENTED))


@router.get("/audit")
def audit(
    request: Request,
    access: Admin,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="The id of the last line that was seen.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> tuple[Entry, ...]:
    """Return the audit log of the project, newest first."""
    with hub_of(request).database.begin(write=False) as session:
        return projects.log(session, access.project, before=before, limit=limit)
