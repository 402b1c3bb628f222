"""Traces: runs that the service keeps. Stored, found, read with their verdicts, and deleted with all they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen, Trace
from service import blindness, conditional, problems
from service.access import Admin, Client, Reader, hub_of
from service.api.classify import inputs_of, known
from service.examples import REQUEST_BODY
from service.places import place
from service.storage import NotFoundError, diagnoses, projects, traces
from service.storage.diagnoses import Made  # noqa: TC001 - FastAPI reads it
from service.storage.traces import PAGE, Filter, Page, StoredTrace

if TYPE_CHECKING:
    from service.api.classify import Input
    from service.hub import Hub
    from service.storage.projects import Access

router = APIRouter(tags=["traces"], responses=dict.fromkeys((401, 403, 404, 422), problems.DOCUMENTED))
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$", description="The run, as POST /traces and GET /traces name it.")]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Kept(Frozen):
    """A run as it is kept. `new`: it was not there before. `diagnosis`: None where none was asked for."""

    trace: StoredTrace
    new: bool
    diagnosis: Diagnosis | None = None


class Wanted(NamedTuple):
    """What is to be done with the runs that are sent: see `post`."""

    kind: str | None
    model: str | None
    classify: bool


class Asked(Filter):
    """Which page of which runs. Times need a zone: `2026-01-31T00:00:00Z`."""

    cause: Words | None = None
    framework: Words | None = None
    model: Words | None = None
    batch: Words | None = None
    text: Words | None = None
    min_confidence: Share | None = None
    max_confidence: Share | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: str | None = Field(default=None, pattern="^[0-9]{1,18}$", description="The `next` of the page before.")
    limit: int = Field(default=PAGE, ge=1, le=200)

    def where(self) -> Filter:
        """Return the filter alone."""
        return Filter.model_validate(self.model_dump(include=set(Filter.model_fields)))


@router.post(
    "/traces",
    status_code=201,
    responses=dict.fromkeys((400, 413, 415, 503), problems.DOCUMENTED),
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def post(
    request: Request,
    access: Client,
    kind: Annotated[str | None, Query(alias="format", description="Format; found by content if absent.")] = None,
    model: Annotated[Words | None, Query(description="The language model that ran.")] = None,
    classify: Annotated[bool, Query(description="Diagnose them as well.")] = False,  # noqa: FBT002 - a query
) -> tuple[Kept, ...]:
    """Keep the run or runs in the body, a log in any known format. A run that is there already is found again."""
    known(kind)
    inputs = await inputs_of(request)
    hub = hub_of(request)
    wanted = Wanted(kind, model, classify)
    state = request.app.state
    limiter = state.limiter if classify else state.taking  # what is kept alone does not wait for what is diagnosed
    return await run_sync(keep, hub, access, inputs, wanted, limiter=limiter)


def keep(hub: Hub, access: Access, inputs: list[Input], wanted: Wanted) -> tuple[Kept, ...]:
    """Read all inputs and store what they hold in one transaction. Raises TraceError, and nothing is stored."""
    found = [(run, item.name) for item in inputs for run in hub.read(item.data, wanted.kind, name=item.name)]
    classifier = hub.classifier(access.project) if wanted.classify else None
    verdicts = [
        (classifier.classify(run, name), place(classifier, run)) if classifier else (None, None) for run, name in found
    ]
    kept = []
    with hub.database.begin() as session:
        for (run, name), (verdict, where) in zip(found, verdicts, strict=True):
            stored, new = traces.put_trace(session, access.project, run, file=name, model=wanted.model)
            if verdict is not None:
                diagnoses.add(session, access.project, stored.uid, verdict, place=where)
            kept.append(Kept(trace=stored, new=new, diagnosis=verdict))
    return tuple(kept)


LINKED: dict[str, Any] = {
    "headers": {"Link": {"schema": {"type": "string"}, "description": 'The next page: `</traces?...>; rel="next"`.'}}
}


@router.get("/traces", responses={200: LINKED})
def every(request: Request, response: Response, access: Reader, asked: Annotated[Asked, Query()]) -> Page:
    """Return a page of the runs that fit every filter, newest first, each with its verdict."""
    with hub_of(request).database.begin(write=False) as session:
        page = traces.page(session, access.project, asked.where(), after=asked.after, limit=asked.limit)
    if page.next is not None:
        given = asked.model_dump(mode="json", exclude_none=True, exclude_defaults=True) | {"after": page.next}
        response.headers["Link"] = f'</traces?{urlencode(given)}>; rel="next"'
    return page


NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the client holds (`If-None-Match`) is what it would get."}
}


@router.get("/traces/{uid}", response_model=Trace, responses=NOT_MODIFIED)
def get(request: Request, access: Reader, uid: Uid) -> Response:
    """Return a run in coroner's own format, with an ETag."""
    with hub_of(request).database.begin(write=False) as session:
        run = traces.get(session, access.project, uid)
    return conditional.answer(request, run.model_dump_json())


@router.get("/traces/{uid}/diagnosis", response_model=Diagnosis, responses=NOT_MODIFIED)
def diagnosis(request: Request, access: Reader, uid: Uid) -> Response:
    """Return the present verdict on a run. An annotator who asks no longer labels it blind."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        found = traces.show(session, access.project, uid).diagnosis
    if found is None:
        raise NotFoundError(f"the run {uid!r} has no diagnosis yet")
    blindness.read(hub.database, hub.settings, access, uid)
    return conditional.answer(request, found.model_dump_json())


@router.get("/traces/{uid}/diagnoses")
def history(request: Request, access: Reader, uid: Uid) -> tuple[Made, ...]:
    """Return all verdicts that a run has had, newest first. An annotator who asks no longer labels it blind."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        found = diagnoses.history(session, access.project, uid)
    if found:
        blindness.read(hub.database, hub.settings, access, uid)
    return found


@router.delete("/traces/{uid}", status_code=204)
def delete(request: Request, access: Admin, uid: Uid) -> None:
    """Delete a run with its verdicts, labels and discussion, for good. The audit log keeps that it was there."""
    with hub_of(request).database.begin() as session:
        name = traces.show(session, access.project, uid).trace.name
        traces.delete(session, access.project, uid)
        projects.note(session, access, "delete trace", uid, name=name[:100])
