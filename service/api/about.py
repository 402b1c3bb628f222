"""The taxonomy, whether the service is well, and its figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from classifier.diagnosis import Versions
from classifier.taxonomy import Cause, Taxonomy
from classifier.trace import Frozen
from service import problems
from service.access import Reader, hub_of

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


class Ready(Frozen):
    """The service can work."""

    status: str


@router.get("/readyz", tags=["health"], responses={503: problems.DOCUMENTED})
def readyz(request: Request) -> Ready:
    """Say that the service can work: its database is there and up to date, its queue too, a classifier is loaded."""
    hub = hub_of(request)
    lacking = [problem] if (problem := hub.database.lagging()) else []
    try:
        _ = hub.queue.length
    except Exception:  # noqa: BLE001 - whatever its library raises, it cannot be reached
        lacking.append("the queue cannot be reached")
    if not hub.classifiers.shipped.versions.index:
        lacking.append("no classifier is loaded")
    if lacking:
        raise HTTPException(503, "; ".join(lacking), headers={"Retry-After": "5"})
    return Ready(status="ready")


@router.get(
    "/metrics",
    tags=["health"],
    response_class=PlainTextResponse,
    responses=dict.fromkeys((401, 403), problems.DOCUMENTED),
)
def metrics(request: Request, access: Reader) -> Response:
    """Return the metrics for Prometheus, of all projects together."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415 - beside its one use

    del access
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
