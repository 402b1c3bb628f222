"""Batches: many logs at once, worked off in the background; results as they come, none lost and none twice."""

from __future__ import annotations

import csv
import io
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException

from classifier.trace import Frozen
from service import problems, sheets
from service.access import Client, Reader, hub_of
from service.storage import batches
from service.storage.batches import Batch, Outcome
from service.storage.parcels import Input
from service.work import taking
from service.work.uploads import UploadError, inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.hub import Hub
    from service.storage.projects import Access

IN_MEMORY = 2**24  # bytes of an upload that are held in memory; the rest lies in a file
PAGE = 500
MOST_ROWS = 10_000  # of a group in a Parquet file

router = APIRouter(tags=["batches"], responses=dict.fromkeys((401, 403, 404), problems.DOCUMENTED))
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$", description="The batch.")]


class Stored(Frozen):
    """A batch of runs that the service has already."""

    traces: tuple[str, ...] = Field(min_length=1, max_length=100_000, description="Their ids.")


class Row(Frozen):
    """A line of the results: what became of one run, or of an input that gave none (`problem`)."""

    position: int = Field(description="Of the input in the batch, from 0.")
    place: int = Field(description="Of the run in its input, from 0.")
    name: str
    trace: str | None
    diagnosis: Any = None
    problem: str | None = None


BODY = {
    "required": True,
    "content": {
        "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"chat_history": [...]}\n'},
        "application/zip": {"schema": {"type": "string", "format": "binary"}},
        "application/gzip": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": Stored.model_json_schema()},
    },
}


@router.post(
    "/batches",
    status_code=202,
    response_model=Batch,
    openapi_extra={"requestBody": BODY},
    responses={200: {"model": Batch}, **dict.fromkeys((400, 409, 413, 422, 503), problems.DOCUMENTED)},
)
async def post(
    request: Request,
    response: Response,
    access: Client,
    name: Annotated[str, Query(max_length=200, description="What to call it.")] = "batch",
    idempotency_key: Annotated[
        str | None, Header(max_length=200, description="The same key gives the same batch, however often it is sent.")
    ] = None,
) -> Batch:
    """Take in many logs: NDJSON (a log a line), a zip or tar.gz of log files, or the ids of stored runs as JSON."""
    hub = hub_of(request)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as upload:
        async for chunk in request.stream():
            await run_sync(upload.write, chunk)
        upload.seek(0)

        def work() -> tuple[Batch, bool]:
            most = hub.settings.max_batch_bytes, hub.settings.max_bytes
            found = _stored(upload.read()) if kind == "application/json" else inputs(upload, kind, *most)
            try:
                return taking.take_in(hub, access, name, found, token=idempotency_key)
            except UploadError as error:
                raise HTTPException(422, str(error)) from error

        batch, new = await run_sync(work, limiter=request.app.state.taking)
    response.status_code = 202 if new else 200
    response.headers["Location"] = f"/batches/{batch.uid}"
    return batch


@router.get("/batches")
def every(request: Request, access: Reader) -> tuple[Batch, ...]:
    """Return the batches, newest first."""
    with hub_of(request).database.begin(write=False) as session:
        return batches.every(session, access.project)


@router.get("/batches/{uid}")
def get(request: Request, access: Reader, uid: Uid) -> Batch:
    """Return a batch and how far it is."""
    with hub_of(request).database.begin(write=False) as session:
        return batches.get(session, access.project, uid)


@router.get(
    "/batches/{uid}/results",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                "application/x-ndjson": {"schema": Row.model_json_schema()},
                "text/csv": {},
                "application/vnd.apache.parquet": {},
            }
        }
    },
)
def results(
    request: Request,
    access: Reader,
    uid: Uid,
    form: Annotated[Literal["ndjson", "csv", "parquet"], Query(alias="format")] = "ndjson",
    after: Annotated[
        int | None,
        Query(
            ge=-1,
            le=2**31 - 1,
            description="Only inputs after this position, up to the first that waits or runs still: begin with -1, go "
            "on with the last position that came, and none is missed.",
        ),
    ] = None,
) -> Response:
    """Return what has come so far, in the order of the inputs: a line a run. Ask again for the rest."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        batches.get(session, access.project, uid)  # a problem must come before the first byte
    rows = _outcomes(hub, access, uid, after)
    if form == "ndjson":
        return StreamingResponse((_line(row) for row in rows), media_type="application/x-ndjson")
    headers = {"Content-Disposition": f'attachment; filename="{uid}.{form}"'}
    if form == "csv":
        return StreamingResponse(_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)
    return StreamingResponse(_parquet(rows), media_type="application/vnd.apache.parquet", headers=headers)


@router.post("/batches/{uid}/cancel")
def cancel(request: Request, access: Client, uid: Uid) -> Batch:
    """Take back the inputs that still wait; what is begun is finished, what is done stays."""
    with hub_of(request).database.begin() as session:
        return batches.cancel(session, access.project, uid)


@router.post("/batches/{uid}/retry")
def retry(request: Request, access: Client, uid: Uid) -> Batch:
    """Try the inputs again that failed or were cancelled, and only those."""
    return taking.retry(hub_of(request), access, uid)


@router.delete("/batches/{uid}", status_code=204)
def delete(request: Request, access: Client, uid: Uid) -> None:
    """Forget a batch; its runs and their verdicts stay."""
    with hub_of(request).database.begin() as session:
        batches.delete(session, access.project, uid)


def _stored(body: bytes) -> list[Input]:
    try:
        asked = Stored.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(422, f"{where + ': ' if where else ''}{first['msg']}") from error
    return [Input(name=uid, run=uid) for uid in asked.traces]


def _outcomes(hub: Hub, access: Access, uid: str, after: int | None) -> Iterator[Outcome]:
    place = after
    while True:
        with hub.database.begin(write=False) as session:
            found = batches.results(session, access.project, uid, after=place, limit=PAGE, gaps=after is None)
        yield from found.outcomes
        place = found.next
        if place is None:
            return


def _line(outcome: Outcome) -> str:
    row = Row(
        position=outcome.position,
        place=outcome.place,
        name=outcome.name,
        trace=outcome.run,
        diagnosis=outcome.diagnosis,
        problem=outcome.problem,
    )
    return f"{row.model_dump_json()}\n"


COLUMNS = (
    "position", "place", "name", "trace", "outcome", "cause", "phase", "step", "agent", "confidence", "familiarity",
    "decided_by", "index", "problem",
)  # fmt: skip


def _flat(outcome: Outcome) -> dict[str, Any]:
    found = outcome.diagnosis
    flat: dict[str, Any] = dict.fromkeys(COLUMNS)
    flat |= {"position": outcome.position, "place": outcome.place, "name": outcome.name, "trace": outcome.run}
    flat["problem"] = outcome.problem
    if found is not None:
        told = found.model_dump(mode="json", include=set(COLUMNS))
        flat |= told | {"index": found.versions.index}
    return flat


def _csv(rows: Iterator[Outcome]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: sheets.safe(value) for name, value in _flat(row).items()})
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _parquet(rows: Iterator[Outcome]) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and seldom asked for
    from pyarrow import parquet  # noqa: PLC0415 - as above

    whole, real = pa.int64(), pa.float64()
    types = {"position": whole, "place": whole, "step": whole, "confidence": real}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    with tempfile.TemporaryFile() as out:
        with parquet.ParquetWriter(out, schema) as writer:
            while few := [_flat(row) for row in islice(rows, MOST_ROWS)]:
                writer.write_table(pa.Table.from_pylist(few, schema=schema))
        out.seek(0)
        while chunk := out.read(2**16):
            yield chunk
