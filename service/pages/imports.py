"""Importing logs in the browser, and watching a batch being worked off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, File, Form, Path, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from classifier import intake
from service.access import hub_of
from service.pages import Client, Reader, render
from service.storage import batches, figures
from service.storage.batches import Input, State
from service.storage.projects import Role
from service.work.taking import take_in
from service.work.uploads import UploadError
from service.work.uploads import inputs as unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.storage.batches import Batch

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".ndjson")
FAILURES = 50  # that are listed
REFRESH = 3  # seconds
LONGEST_NAME = 200

router = APIRouter(include_in_schema=False)
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


@router.post("/import")
async def take(
    request: Request,
    access: Client,
    files: Annotated[list[UploadFile] | None, File()] = None,
    name: Annotated[str, Form()] = "",
) -> Response:
    """Take in the files that were picked as one batch, the same as `POST /batches` would."""
    hub = hub_of(request)
    sent = [each for each in files or () if each.filename]  # a form without files sends one that has no name
    called = name.strip() or (
        f"{sent[0].filename} and {len(sent) - 1} more" if sent[1:] else "".join(each.filename or "" for each in sent)
    )

    def work() -> Batch:
        found = list(_inputs(sent, hub.settings.max_batch_bytes))
        if not found:
            raise UploadError("Pick at least one file.")
        return take_in(hub, access, called[:LONGEST_NAME], found)[0]

    try:
        batch = await run_sync(work)
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
    hub = hub_of(request)
    with hub.database.begin() as session:
        batches.retry(session, access.project, uid)
        items = batches.items(session, access.project, uid)
    hub.queue.wake(items)
    return RedirectResponse(f"/batches/{uid}/page", 303)


def _inputs(files: Sequence[UploadFile], limit: int) -> Iterator[Input]:
    """Give what the files hold: an archive's logs, or a file as it is. Raises UploadError, naming the file."""
    left = limit
    for file in files:
        name = file.filename or ""
        if name.lower().endswith(ARCHIVES):
            try:
                found = unpacked(file.file, "application/x-ndjson" if name.endswith(".ndjson") else "", left)
            except UploadError as error:
                raise UploadError(f"{name}: {error}") from error
        elif intake.may_be_log(name.rpartition("/")[2]):
            found = [Input(name=name, data=file.file.read())]
        else:
            raise UploadError(f"{name}: logs are {', '.join(sorted(intake.SUFFIXES))}, or an archive of them.")
        left -= sum(len(each.data or b"") for each in found)
        yield from found
