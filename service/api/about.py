"""The taxonomy, and whether the service is well."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from classifier.diagnosis import Versions
from classifier.taxonomy import Cause, Taxonomy
from classifier.trace import Frozen
from service import problems
from service.access import hub_of

router = APIRouter()


class Health(Frozen):
    """The service answers; what it answers with."""

    status: str
    versions: Versions


@router.get("/taxonomy", tags=["taxonomy"], response_model=Taxonomy)
def taxonomy(request: Request) -> Taxonomy:
    """Return the causes that the diagnoses speak of, with what they mean and what helps."""
    return hub_of(request).classifiers.shipped.taxonomy


@router.get("/taxonomy/{cause}", tags=["taxonomy"], response_model=Cause, responses={404: problems.DOCUMENTED})
def cause(request: Request, cause: str) -> Cause:
    """Return one cause by id, slug or name."""
    scheme = hub_of(request).classifiers.shipped.taxonomy
    found = scheme.resolve(cause)
    if found is None:
        raise HTTPException(404, f"no cause {cause!r} in {scheme.name}")
    return found


@router.get("/healthz", tags=["health"], response_model=Health)
async def healthz(request: Request) -> Health:
    """Say that the service answers, and with which versions."""
    return Health(status="ok", versions=hub_of(request).classifiers.shipped.versions)
