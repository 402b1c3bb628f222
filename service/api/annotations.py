"""Annotations: what people say of runs, its discussion, and the way in and out as files of the command line."""

from __future__ import annotations

import tempfile
import zipfile
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from classifier import corpus
from classifier.annotation import Annotation, dump
from classifier.trace import Frozen
from service import blindness, problems
from service.access import Admin, Annotator, Reader, hub_of
from service.api.traces import Uid  # noqa: TC001 - FastAPI reads it
from service.learning import statements
from service.learning.statements import Said, StatementError
from service.problems import Line, RefusedError
from service.storage import ConflictError, NotFoundError, assignments, projects, traces
from service.storage import annotations as kept
from service.storage.annotations import Comment, Statement  # noqa: TC001 - as above
from service.storage.projects import Access, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from classifier.taxonomy import Taxonomy
    from classifier.trace import Trace
    from service.hub import Hub

CSV, JSONL = "text/csv", "application/x-ndjson"
CHUNK = 2**16

router = APIRouter(tags=["annotations"], responses=dict.fromkeys((401, 403, 404, 422), problems.DOCUMENTED))


class Posted(Said):
    """What whoever asks says of a run."""

    trace: str = Field(pattern="^[0-9a-f]{24}$", description="The run's id.", examples=["0123456789abcdef01234567"])
    adjudicated: bool = Field(default=False, description="The last word on a disagreement: an admin's.")
    blind: bool = Field(default=True, description="The verdict was hidden until this was said, as far as you know.")


class Remark(Frozen):
    """A word in a discussion."""

    said: str = Field(min_length=1, max_length=20_000, examples=["The plan names the wrong column already."])


class Imported(Frozen):
    """What an import did. `new`: those that were not there before."""

    lines: int
    new: int


@router.post("/annotations", status_code=201, responses={409: problems.DOCUMENTED})
def post(request: Request, access: Annotator, posted: Posted) -> Statement:
    """Say what sank a run. It supersedes what the same person said of it before; nothing is lost."""
    if posted.adjudicated and not access.role.allows(Role.ADMIN):
        raise HTTPException(403, "the last word on a disagreement is an admin's")
    hub = hub_of(request)
    taxonomy = hub.classifiers.shipped.taxonomy
    said = Said.model_validate(posted.model_dump(include=set(Said.model_fields)))
    with hub.database.begin() as session:
        run = traces.get(session, access.project, posted.trace)
        try:
            record = statements.checked(said, run, taxonomy, access.person)
        except StatementError as error:
            raise HTTPException(422, str(error)) from error
        mine = any(
            each.annotation.annotator == access.person for each in kept.of(session, access.project, posted.trace)
        )
        overlap = hub.settings.overlap
        if not (mine or posted.adjudicated) and not assignments.has_room(
            session, access.project, posted.trace, access.person, overlap=overlap
        ):
            raise ConflictError(f"the run has the {overlap} annotators that it needs")
        made = kept.add(
            session,
            access.project,
            posted.trace,
            record,
            unsure=posted.unsure,
            adjudicated=posted.adjudicated,
            blind=posted.blind and hub.settings.blind and not blindness.seen(session, access, posted.trace),
        )
        if posted.adjudicated:
            projects.note(session, access, "adjudicate", posted.trace, cause=record.cause, step=record.step)
        return made


@router.get(
    "/annotations",
    response_class=StreamingResponse,
    responses={200: {"content": {JSONL: {"schema": Annotation.model_json_schema()}, CSV: {}}}},
)
def export(
    request: Request,
    access: Reader,
    form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl",
    superseded: Annotated[bool, Query(description="Also what was said before.")] = False,  # noqa: FBT002 - a query
) -> Response:
    """Return all annotations in the record of the command line, each with its id: the same each time."""
    records = _records(hub_of(request), access, superseded=superseded)
    if form == "jsonl":
        return StreamingResponse((dump([each]) for each in records), media_type=JSONL)
    headers = {"Content-Disposition": 'attachment; filename="annotations.csv"'}
    return StreamingResponse(statements.to_csv(records), media_type=f"{CSV}; charset=utf-8", headers=headers)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def folder(
    request: Request,
    access: Reader,
    whole: Annotated[bool, Query(alias="all", description="Also runs that nobody has labelled.")] = False,  # noqa: FBT002 - a query
) -> Response:
    """Return a labelled folder as a zip: `coroner evaluate`, `train` and `agree` read it."""
    hub = hub_of(request)
    records = _records(hub, access)
    with hub.database.begin(write=False) as session:
        runs = traces.uids(session, access.project) if whole else tuple(dict.fromkeys(each.trace for each in records))
    out = tempfile.SpooledTemporaryFile(max_size=2**24)  # noqa: SIM115 - closed when it has been sent
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(corpus.ANNOTATIONS, dump(records))
        for run in runs:
            with hub.database.begin(write=False) as session:  # one at a time: a transaction blocks no writer for long
                try:
                    archive.writestr(
                        statements.file_of(run), traces.get(session, access.project, run).model_dump_json()
                    )
                except NotFoundError:
                    continue  # deleted meanwhile
    headers = {"Content-Disposition": f'attachment; filename="{corpus.ANNOTATIONS.partition(".")[0]}.zip"'}
    return StreamingResponse(_sent(out), media_type="application/zip", headers=headers)


IMPORT: dict[str, Any] = {
    "required": True,
    "content": {
        JSONL: {
            "schema": {"type": "string"},
            "example": '{"trace": "run-7", "annotator": "ann", "provenance": "human", "cause": "E2.2", "step": 2}\n',
        },
        CSV: {"schema": {"type": "string"}, "example": "trace,annotator,provenance,cause\nrun-7,ann,human,E2.2\n"},
    },
}


@router.post(
    "/annotations/import",
    openapi_extra={"requestBody": IMPORT},
    responses=dict.fromkeys((413, 422), problems.DOCUMENTED),
)
async def import_(request: Request, access: Admin) -> Imported:
    """Take in annotations, as JSON lines or CSV: all of them or, where a line is wrong, none.

    A run goes by its id here or by its own id, if one run alone has it. To import a file twice does no harm.
    """
    body = await request.body()
    is_csv = request.headers.get("content-type", "").split(";")[0].strip().lower() == CSV
    return await run_sync(take_in, hub_of(request), access, body, is_csv)


def take_in(hub: Hub, access: Access, body: bytes, is_csv: bool) -> Imported:  # noqa: FBT001 - run_sync passes by place
    """Store the annotations of a file in one transaction. Raises RefusedError, and nothing is stored."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError((Line(line=None, problem=f"not UTF-8: {error.reason} at byte {error.start}"),)) from error
    records, bad = statements.parse(text, is_csv=is_csv)
    wrong = [Line(line=each.line, problem=each.problem) for each in bad]
    with hub.database.begin(write=False) as session:  # runs are read before others have to wait for us to write
        fits, odd = _fitted(session, access, records, hub.classifiers.shipped.taxonomy)
    wrong += odd
    with hub.database.begin() as session:
        before = kept.names(session, access.project)
        stored = set()
        for number, uid, record in fits:
            try:
                stored.add(_store(session, access, uid, record))
            except (NotFoundError, ConflictError) as error:
                wrong.append(_wrong(number, record, error))
        if wrong:
            raise RefusedError(tuple(sorted(wrong, key=lambda each: each.line or 0)))
        projects.note(session, access, "import annotations", f"{len(stored)} annotations")
    return Imported(lines=len(records), new=len(stored - before))


@router.get("/traces/{uid}/annotations")
def of(
    request: Request,
    access: Reader,
    uid: Uid,
    superseded: Annotated[bool, Query(description="Also what was said before.")] = False,  # noqa: FBT002 - a query
) -> tuple[Statement, ...]:
    """Return what people say of a run, oldest first. An annotator who asks no longer labels it blind."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        found = kept.of(session, access.project, uid, superseded=superseded)
    if any(each.annotation.annotator != access.person for each in found):
        blindness.read(hub.database, hub.settings, access, uid)
    return found


@router.post("/traces/{uid}/annotations/undo")
def undo(request: Request, access: Annotator, uid: Uid) -> Statement | None:
    """Take back the last thing that whoever asks said of a run; return what holds of theirs now, or null."""
    with hub_of(request).database.begin() as session:
        return kept.undo(session, access.project, uid, access.person)


@router.get("/traces/{uid}/comments")
def comments(request: Request, access: Reader, uid: Uid) -> tuple[Comment, ...]:
    """Return the discussion of a run, oldest first."""
    with hub_of(request).database.begin(write=False) as session:
        return kept.comments(session, access.project, uid)


@router.post("/traces/{uid}/comments", status_code=201)
def comment(request: Request, access: Annotator, uid: Uid, remark: Remark) -> Comment:
    """Add a word to the discussion of a run."""
    with hub_of(request).database.begin() as session:
        return kept.comment(session, access.project, uid, access.person, remark.said)


def _fitted(
    session: Session, access: Access, records: list[tuple[int, Annotation]], taxonomy: Taxonomy
) -> tuple[list[tuple[int, str, Annotation]], list[Line]]:
    """Return the records with the uids of their runs, checked against these, and what is wrong with the others."""
    fits, wrong = [], []
    name, found = None, None
    for number, record in sorted(records, key=lambda each: each[1].trace):  # each run is read once, one at a time
        try:
            if found is None or name != record.trace:
                found = _find(session, access.project, record.trace)
                name = record.trace
            uid, run = found
            fitted = statements.fitted(record, run, taxonomy)
            fits.append((number, uid, fitted.model_copy(update={"uid": statements.named(record, uid)})))
        except (StatementError, NotFoundError) as error:
            wrong.append(_wrong(number, record, error))
    return sorted(fits, key=lambda each: each[0]), wrong


def _find(session: Session, project: int, name: str) -> tuple[str, Trace]:
    """Return the uid and the run that go by a name. Raises NotFoundError."""
    try:
        return name, traces.get(session, project, name)
    except NotFoundError:
        uids = traces.called(session, project, name)
    if len(uids) != 1:
        raise NotFoundError(f"{len(uids)} runs are called so; name it by its uid" if uids else "no run is called so")
    return uids[0], traces.get(session, project, uids[0])


def _wrong(number: int, record: Annotation, error: Exception) -> Line:
    return Line(line=number, problem=f"{record.trace[:100]!r}: {error}")


def _store(session: Session, access: Access, uid: str, record: Annotation) -> str:
    return kept.add(
        session,
        access.project,
        uid,
        record,
        unsure=record.unsure,
        adjudicated=record.adjudicated,
        uid=record.uid,
    ).uid


def _records(hub: Hub, access: Access, *, superseded: bool = False) -> tuple[Annotation, ...]:
    with hub.database.begin(write=False) as session:
        return tuple(map(statements.record, kept.every(session, access.project, superseded=superseded)))


def _sent(file: tempfile.SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk
