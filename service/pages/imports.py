"""Importing logs in the browser, and watching a batch being worked off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from classifier import intake
from service.access import hub_of
from service.pages import Client, Reader, render
from service.storage import batches, figures
from service.storage.items import State
from service.storage.parcels import Input
from service.storage.projects import Role
from service.work import taking
from service.work.uploads import UploadError
from service.work.uploads import inputs as unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.hub import Hub
    from service.storage.batches import Batch
    from service.storage.projects import Access

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".ndjson")
FAILURES = 50  # that are listed
REFRESH = 3  # seconds
LONGEST_NAME = 200
NDJSON = "application/x-ndjson"

router = APIRouter(include_in_schema=False)
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


@router.post("/import")
async def take(request: Request, access: Client) -> Response:
    """Take in the files that were picked (`files`, and a `name`) as one batch, the same as `POST /batches` would."""
    # not read by FastAPI, which would take in all of it before it asks who sends it
    async with request.form() as form:
        sent = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
        name = str(form.get("name", "")).strip()
        try:
            batch = await run_sync(_taken, hub_of(request), access, sent, name, limiter=request.app.state.taking)
        except UploadError as error:
            return render(request, "import.html", access, 422, problem=str(error))
    return RedirectResponse(f"/batches/{batch.uid}/page", 303)


@router.get("/import")
def ask(request: Request, access: Client) -> Response:
    """Show the form."""
    return render(request, "import.html", access, problem=None)


@router.get("/batches/{uid}/page")
def watch(request: Request, access: Reader, uid: Uid) -> Response:
    """Show how far a batch is; the page loads itself again while it works."""
    with hub_of(request).database.begin(write=False) as session:
        batch = batches.get(session, access.project, uid)
        failed = figures.failures(session, access.project, uid, limit=FAILURES)
        others = [each for each in batches.every(session, access.project) if each.uid != uid and each.done]
    return render(
        request,
        "batch.html",
        access,
        batch=batch,
        failed=failed,
        others=others,
        working=batch.state in {State.WAITING, State.RUNNING},
        refresh=REFRESH,
        may_send=access.role.allows(Role.CLIENT),
    )


@router.post("/batches/{uid}/page/cancel")
def cancel(request: Request, access: Client, uid: Uid) -> Response:
    """Take back the inputs that still wait."""
    with hub_of(request).database.begin() as session:
        batches.cancel(session, access.project, uid)
    return RedirectResponse(f"/batches/{uid}/page", 303)


@router.post("/batches/{uid}/page/retry")
def retry(request: Request, access: Client, uid: Uid) -> Response:
    """Try the inputs again that failed or were cancelled."""
    taking.retry(hub_of(request), access, uid)
    return RedirectResponse(f"/batches/{uid}/page", 303)


def _taken(hub: Hub, access: Access, files: Sequence[UploadFile], name: str) -> Batch:
    """Store the batch. Raises UploadError."""
    if not files:
        raise UploadError("Pick at least one file.")
    first = files[0].filename or ""
    called = name or (f"{first} and {len(files) - 1} more" if files[1:] else first)
    found = _inputs(files, hub.settings.max_batch_bytes, hub.settings.max_bytes)
    return taking.take_in(hub, access, called[:LONGEST_NAME], found)[0]


def _inputs(files: Sequence[UploadFile], limit: int, longest: int) -> Iterator[Input]:
    """Give what the files hold: an archive's logs, or a file as it is. Raises UploadError, naming the file."""
    left = limit
    for file in files:
        name = file.filename or ""
        if name.lower().endswith(ARCHIVES):
            try:
                for each in unpacked(file.file, NDJSON if name.endswith(".ndjson") else "", left, longest):
                    left -= len(each.data or b"")
                    yield each
            except UploadError as error:
                raise UploadError(f"{name}: {error}") from error
        elif intake.may_be_log(name.rpartition("/")[2]):
            data = file.file.read(longest + 1)
            left -= len(data)
            yield Input(name=name, data=data)
        else:
            raise UploadError(f"{name}: logs are {', '.join(sorted(intake.SUFFIXES))}, or an archive of them.")
