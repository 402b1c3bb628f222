"""Agreement: annotators among themselves and with the classifier, and the classifier against what was agreed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException

from classifier.annotation import Judged  # noqa: TC001 - FastAPI reads it
from service import figures, problems
from service.access import Reader, hub_of
from service.reports.agreement import Agreement, Measured  # noqa: TC001 - as above

router = APIRouter(tags=["agreement"], responses=dict.fromkeys((401, 403, 422), problems.DOCUMENTED))


@router.get("/agreement", responses={404: problems.DOCUMENTED})
def agreement(
    request: Request,
    access: Reader,
    field: Annotated[Judged, Query(description="What is compared.")] = "cause",
    annotator: Annotated[
        list[str] | None, Query(max_length=50, description="Only these, in this order; may be given often.")
    ] = None,
) -> Agreement:
    """Return how far people agree, and the classifier (`classifier`) with them: kappa, alpha, AC1 with intervals."""
    try:
        return figures.agree(hub_of(request), access.project, field, annotator)
    except ValueError as error:
        raise HTTPException(404, str(error)) from error


@router.get("/agreement/evaluation")
def evaluation(request: Request, access: Reader) -> Measured:
    """Return the verdicts against the labels: kappa, calibration, risk and coverage, per cause and per framework."""
    return figures.measure(hub_of(request), access.project)
