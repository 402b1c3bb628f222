"""The index: its versions, what they are worth, training, activation and roll-back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from classifier.trace import Frozen
from service import figures, problems
from service.access import Admin, Reader, hub_of
from service.hub import Training  # noqa: TC001 - FastAPI reads it
from service.learning import training, versions
from service.learning.progress import Progress  # noqa: TC001 - as above
from service.learning.versions import Version
from service.storage import indices

router = APIRouter(tags=["index"], responses=dict.fromkeys((401, 403), problems.DOCUMENTED))
Name = Annotated[
    str, Path(pattern="^([0-9a-f]{12}|shipped)$", description="As GET /index lists it; `shipped`: the first one.")
]


class Indices(Frozen):
    """The version that answers (`shipped`: the one that came with the service), and all, newest first."""

    active: str
    shipped: str
    versions: tuple[Version, ...]


class Active(Frozen):
    """The version that answers from now on."""

    active: str


@router.get("/index")
def every(request: Request, access: Reader) -> Indices:
    """Return the versions of the project's index, each with its comparison with the one that it would replace."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        found = versions.every(session, access.project)
        active = indices.active(session, access.project)
    return Indices(
        active=active.version if active else versions.SHIPPED,
        shipped=hub.classifiers.shipped.versions.index,
        versions=found,
    )


@router.get("/index/progress")
def progress(request: Request, access: Reader) -> Progress:
    """Return how far the index knows this project's system, and whether it is good enough to be trusted."""
    return figures.progress(hub_of(request), access.project)


@router.post("/index/train", status_code=202, responses={409: problems.DOCUMENTED})
def train(request: Request, access: Admin) -> Training:
    """Begin to train a new version on all labels. It takes minutes; GET /index/training tells how far it is."""
    return training.begin(hub_of(request), access)


@router.get("/index/training")
def state(request: Request, access: Reader) -> Training:
    """Return how far the training is, or how the last one ended."""
    return training.state(hub_of(request), access)


@router.post("/index/rollback", responses={409: problems.DOCUMENTED})
def roll_back(request: Request, access: Admin) -> Active:
    """Let the version answer again that did before the present one."""
    return Active(active=versions.roll_back(hub_of(request), access))


@router.post("/index/{version}/activate", responses=dict.fromkeys((404, 409, 422), problems.DOCUMENTED))
def activate(request: Request, access: Admin, version: Name) -> Active:
    """Let a version answer from now on. Requests under way end with the one that they began with."""
    return Active(active=versions.activate(hub_of(request), access, version))
