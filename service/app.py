"""The web service: any trace in, diagnoses out. One classifier, loaded once, its work off the event loop."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import anyio
import anyio.to_thread
from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from classifier import __version__, formats, intake
from classifier.diagnosis import Diagnosis, Versions
from classifier.taxonomy import Cause, Taxonomy
from classifier.trace import Frozen
from service import examples, problems
from service.limits import LimitBody, LimitCrowd

if TYPE_CHECKING:
    from classifier.intake import Classifies

MULTIPART = "multipart/form-data"
# a body of these types cannot be a log; all others are looked at, whatever a client calls them
_REFUSED = ("audio/", "font/", "image/", "message/", "model/", "multipart/", "video/")


class Settings(Frozen):
    """What the service allows.

    `max_bytes` holds for a request's body and for what it unpacks to. `at_once` requests are worked on at a time;
    with those that wait or still send there may be `in_flight`, more are turned away.
    """

    max_bytes: int = Field(default=32 * 2**20, ge=1)
    at_once: int = Field(default=2, ge=1)
    in_flight: int = Field(default=64, ge=1)


class Health(Frozen):
    """The service answers; what it answers with."""

    status: str
    versions: Versions


class _Input(Frozen):
    name: str | None
    data: bytes


def create(classifier: Classifies, settings: Settings | None = None) -> FastAPI:
    """Build the service around a loaded classifier.

    The classifier is used from several threads at once, never from the event loop.
    """
    settings = settings or Settings()
    limiter = anyio.CapacityLimiter(settings.at_once)

    app = FastAPI(
        title="coroner",
        version=__version__,
        summary="Tells why an LLM-agent run failed.",
        description=examples.description(classifier.versions.judge),
        license_info={"name": "MIT"},
        responses={"default": problems.DOCUMENTED},
        docs_url=None,  # these pages would load their scripts from a stranger's server
        redoc_url=None,
    )
    problems.install(app)
    app.add_middleware(LimitBody, max_bytes=settings.max_bytes)
    app.add_middleware(LimitCrowd, in_flight=settings.in_flight)

    @app.post(
        "/classify",
        tags=["diagnosis"],
        response_model=Diagnosis | list[Diagnosis],
        responses={
            200: {"content": {"application/json": {"examples": examples.DIAGNOSES}}},
            **dict.fromkeys((400, 413, 415, 422, 503), problems.DOCUMENTED),
        },
        openapi_extra={"requestBody": examples.REQUEST_BODY},
    )
    async def classify(
        request: Request,
        kind: Annotated[
            str | None,
            Query(
                alias="format", description="Format of the input; found by content if absent.", examples=["tau_bench"]
            ),
        ] = None,
    ) -> Response:
        """Diagnose the run or runs in the body: a log in any known format, raw, or as one or more files of a form.

        One run gives a Diagnosis, several (in one log, or in several files) give a list of them, in their order.
        """
        if kind is not None and kind not in formats.names():
            raise HTTPException(422, f"format {kind!r} is none of {', '.join(formats.names())}")
        inputs = await _inputs(request)

        def work() -> list[Diagnosis]:
            return [
                diagnosis
                for item in inputs
                for diagnosis in intake.diagnose(
                    classifier, item.data, file=item.name, kind=kind, limit=settings.max_bytes
                )
            ]

        found = await anyio.to_thread.run_sync(work, limiter=limiter)
        rendered = [diagnosis.model_dump_json() for diagnosis in found]
        body = rendered[0] if len(rendered) == 1 else f"[{','.join(rendered)}]"
        return Response(body, media_type="application/json")

    @app.get("/taxonomy", tags=["taxonomy"], response_model=Taxonomy)
    def taxonomy() -> Taxonomy:
        """Return the causes that the diagnoses speak of, with what they mean and what helps."""
        return classifier.taxonomy

    @app.get("/taxonomy/{cause}", tags=["taxonomy"], response_model=Cause, responses={404: problems.DOCUMENTED})
    def cause(cause: str) -> Cause:
        """Return one cause by id, slug or name."""
        found = classifier.taxonomy.resolve(cause)
        if found is None:
            raise HTTPException(404, f"no cause {cause!r} in {classifier.taxonomy.name}")
        return found

    @app.get("/healthz", tags=["health"], response_model=Health)
    async def healthz() -> Health:
        """Say that the service answers, and with which versions."""
        return Health(status="ok", versions=classifier.versions)

    return app


async def _inputs(request: Request) -> list[_Input]:
    """Return what the request brings: its body, or the files of its form. Raises HTTPException for 400 and 415."""
    if (coding := request.headers.get("content-encoding", "identity").lower()) != "identity":
        raise HTTPException(415, f"content-encoding {coding!r} is not taken; send the body as it is, or a .gz file")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MULTIPART:
        if kind.startswith(_REFUSED):
            raise HTTPException(415, f"a body of type {kind!r} cannot be a log")
        return [_Input(name=None, data=await request.body())]
    async with contextlib.AsyncExitStack() as stack:
        form = await stack.enter_async_context(request.form(max_files=1000, max_fields=1000))
        inputs = [
            _Input(name=part.filename or None, data=await part.read())
            for _, part in form.multi_items()
            if isinstance(part, UploadFile)
        ]
    if not inputs:
        raise HTTPException(400, "the form holds no file")
    return inputs


def serve(classifier: Classifies, settings: Settings, *, host: str, port: int) -> None:
    """Serve until interrupted."""
    import uvicorn  # noqa: PLC0415 - whoever mounts the app elsewhere brings a server of their own

    uvicorn.run(create(classifier, settings), host=host, port=port, server_header=False)
