"""POST /classify: any log in, diagnoses out, and the runs are kept with their verdicts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from classifier import formats
from classifier.diagnosis import Diagnosis
from classifier.trace import Frozen
from service import examples, problems
from service.access import Client, hub_of
from service.places import place
from service.storage import diagnoses, traces

if TYPE_CHECKING:
    from service.hub import Hub
    from service.storage.projects import Access

MULTIPART = "multipart/form-data"
# a body of these types cannot be a log; all others are looked at, whatever a client calls them
_REFUSED = ("audio/", "font/", "image/", "message/", "model/", "multipart/", "video/")

router = APIRouter()


class Input(Frozen):
    """What a request brings: bytes, under the name that the client gave them."""

    name: str | None
    data: bytes


@router.post(
    "/classify",
    tags=["diagnosis"],
    response_model=Diagnosis | list[Diagnosis],
    responses={
        200: {"content": {"application/json": {"examples": examples.DIAGNOSES}}},
        **dict.fromkeys((400, 401, 403, 413, 415, 422, 503), problems.DOCUMENTED),
    },
    openapi_extra={"requestBody": examples.REQUEST_BODY},
)
async def classify(
    request: Request,
    access: Client,
    kind: Annotated[
        str | None,
        Query(alias="format", description="Format of the input; found by content if absent.", examples=["tau_bench"]),
    ] = None,
    keep: Annotated[bool, Query(description="Keep the runs and their verdicts.")] = True,  # noqa: FBT002 - a query
) -> Response:
    """Diagnose the run or runs in the body: a log in any known format, raw, or as one or more files of a form.

    One run gives a Diagnosis, several (in one log, or in several files) give a list of them, in their order.
    """
    known(kind)
    inputs = await inputs_of(request)
    hub = hub_of(request)
    found = await anyio.to_thread.run_sync(work, hub, access, inputs, kind, keep, limiter=request.app.state.limiter)
    rendered = [diagnosis.model_dump_json() for diagnosis in found]
    body = rendered[0] if len(rendered) == 1 else f"[{','.join(rendered)}]"
    return Response(body, media_type="application/json")


def known(kind: str | None) -> None:
    """Refuse a format that is none with 422."""
    if kind is not None and kind not in formats.names():
        raise HTTPException(422, f"format {kind!r} is none of {', '.join(formats.names())}")


def work(hub: Hub, access: Access, inputs: list[Input], kind: str | None, keep: bool) -> list[Diagnosis]:  # noqa: FBT001 - run_sync passes by place
    """Diagnose all inputs, and store what they held in one transaction. Raises TraceError."""
    classifier = hub.classifier(access.project)
    done = [
        (trace, item.name, classifier.classify(trace, item.name), place(classifier, trace) if keep else None)
        for item in inputs
        for trace in hub.read(item.data, kind, name=item.name)
    ]
    if keep:
        with hub.database.begin() as session:
            for trace, name, diagnosis, where in done:
                stored, _ = traces.put_trace(session, access.project, trace, file=name)
                diagnoses.add(session, access.project, stored.uid, diagnosis, place=where)
    return [diagnosis for _, _, diagnosis, _ in done]


async def inputs_of(request: Request) -> list[Input]:
    """Return what the request brings: its body, or the files of its form. Raises HTTPException for 400 and 415."""
    if (coding := request.headers.get("content-encoding", "identity").lower()) != "identity":
        raise HTTPException(415, f"content-encoding {coding!r} is not taken; send the body as it is, or a .gz file")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MULTIPART:
        if kind.startswith(_REFUSED):
            raise HTTPException(415, f"a body of type {kind!r} cannot be a log")
        return [Input(name=None, data=await request.body())]
    async with contextlib.AsyncExitStack() as stack:
        form = await stack.enter_async_context(request.form(max_files=1000, max_fields=1000))
        inputs = [
            Input(name=part.filename or None, data=await part.read())
            for _, part in form.multi_items()
            if isinstance(part, UploadFile)
        ]
    if not inputs:
        raise HTTPException(400, "the form holds no file")
    return inputs
