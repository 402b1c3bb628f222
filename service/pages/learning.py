"""The index: how far it knows this system, whether it can be trusted, and its versions; train, activate, roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from service import figures
from service.access import hub_of
from service.learning import training, versions
from service.pages import Admin, Client, Reader, plots, render
from service.storage import ConflictError, NotFoundError, diagnoses, indices
from service.storage.projects import Role
from service.work.taking import again

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.storage.projects import Access

REFRESH = 3  # seconds

router = APIRouter(include_in_schema=False)


@router.get("/learning")
def page(request: Request, access: Reader) -> Response:
    """Show where the index stands."""
    return _page(request, access)


@router.post("/learning/train")
def train(request: Request, access: Admin) -> Response:
    """Begin to train a new version in the background."""
    return _try(request, access, lambda: training.begin(hub_of(request), access))


@router.post("/learning/activate")
def activate(request: Request, access: Admin, version: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Let a version answer from now on."""
    return _try(request, access, lambda: versions.activate(hub_of(request), access, version))


@router.post("/learning/rollback")
def roll_back(request: Request, access: Admin) -> Response:
    """Let the version answer again that did before."""
    return _try(request, access, lambda: versions.roll_back(hub_of(request), access))


@router.post("/learning/again")
def diagnose_again(request: Request, access: Client) -> Response:
    """Send the runs through again that another index than the present one has judged."""
    try:
        batch = again(hub_of(request), access)
    except ConflictError as error:
        return _page(request, access, problem=str(error))
    return RedirectResponse(f"/batches/{batch.uid}/page", 303)


def _try(request: Request, access: Access, work: Callable[[], object]) -> Response:
    try:
        work()
    except (ConflictError, NotFoundError) as error:
        return _page(request, access, problem=str(error))
    return RedirectResponse("/learning", 303)


def _page(request: Request, access: Access, *, problem: str | None = None) -> Response:
    hub = hub_of(request)
    progress = figures.progress(hub, access.project)
    present = hub.classifier(access.project).versions.index
    with hub.database.begin(write=False) as session:
        found = versions.every(session, access.project)
        active = indices.active(session, access.project)
        outdated = len(diagnoses.outdated(session, access.project, present))
    return render(
        request,
        "learning.html",
        access,
        409 if problem else 200,
        problem=problem,
        progress=progress,
        versions=found,
        active=active.version if active else versions.SHIPPED,
        shipped=versions.SHIPPED,
        outdated=outdated,
        may_send=access.role.allows(Role.CLIENT),
        shipped_name=hub.classifiers.shipped.versions.index,
        training=training.state(hub, access),
        refresh=REFRESH,
        curve=plots.learning_curve([(each.labels, each.kappa) for each in progress.curve]) if progress.curve else None,
        may_train=access.role.allows(Role.ADMIN),
    )
