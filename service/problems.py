"""Every error as a problem detail of RFC 9457 (application/problem+json)."""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from classifier.intake import UNNAMED
from classifier.trace import Frozen, TraceError
from service.headers import ALWAYS
from service.logs import ID, id_of
from service.storage import ConflictError, NotFoundError
from service.storage.database import UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
FULL = {errno.ENOSPC, errno.EDQUOT}

log = logging.getLogger("coroner.requests")


class Line(Frozen):
    """What is wrong with a line (from 1; None: with all of it) of what was sent."""

    line: int | None
    problem: str


class Problem(Frozen):
    """What went wrong. `type` is about:blank: the status says it all.

    `file`, `format` and `place` are there for unreadable logs, `lines` for files that are imported.
    """

    type: str = "about:blank"
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["no known format (known: tau_bench, who_and_when)"])
    file: str | None = None
    format: str | None = None
    place: str | None = None
    lines: tuple[Line, ...] | None = None


class RefusedError(ValueError):
    """What was sent is refused as a whole, for what is wrong with some of its lines."""

    def __init__(self, lines: tuple[Line, ...]) -> None:
        super().__init__(f"{len(lines)} lines are wrong, so nothing was stored")
        self.lines = lines


# by hand: FastAPI would document a model under application/json, which is not what is sent
DOCUMENTED: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
}


def response(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    error: TraceError | None = None,
    lines: tuple[Line, ...] | None = None,
) -> Response:
    """Return the response for a problem; `error` adds the file, format and place of an unreadable log."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        file=error.file if error and error.file != UNNAMED else None,
        format=error.format if error else None,
        place=error.place if error else None,
        lines=lines,
    )
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Make every error of the app a problem: its own, the framework's, and those that nobody foresaw."""
    _install_outer(app)
    app.add_exception_handler(HTTPException, _on_http)  # type: ignore[arg-type] # it is called for these alone

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return await _on_http(request, HTTPException(422, problems))

    @app.exception_handler(NotFoundError)
    async def on_absent(request: Request, error: NotFoundError) -> Response:
        return await _on_http(request, HTTPException(404, str(error)))

    @app.exception_handler(ConflictError)
    async def on_conflict(request: Request, error: ConflictError) -> Response:
        return await _on_http(request, HTTPException(409, str(error)))

    @app.exception_handler(TraceError)
    async def on_unreadable(_: Request, error: TraceError) -> Response:
        return response(422, error.problem, error=error)

    @app.exception_handler(RefusedError)
    async def on_refused(_: Request, error: RefusedError) -> Response:
        return response(422, str(error), lines=error.lines)

    @app.exception_handler(Exception)
    async def on_defect(request: Request, _: Exception) -> Response:
        # the cause goes to the log (the server re-raises it), never to the client
        told = HTTPException(500, "a defect of coroner; the server's log has it")
        began = "session" in request.scope  # else it broke before a page could be made
        answer = await _on_http(request, told) if began else response(told.status_code, told.detail)
        for name, value in ALWAYS.items():  # this stands outside of what adds them to all others
            answer.headers.setdefault(name, value)
        answer.headers[ID] = id_of(request.scope)
        return answer


def _install_outer(app: FastAPI) -> None:
    """Answer for what is around the service: a database that is away, a disk that is full."""

    async def on_unavailable(request: Request, error: Exception) -> Response:
        log.warning("the database cannot be used: %s", type(error).__name__)
        told = HTTPException(503, "the database cannot be used now; try again shortly", headers={"Retry-After": "2"})
        return await _on_http(request, told)

    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, on_unavailable)

    @app.exception_handler(OSError)
    async def on_full(request: Request, error: OSError) -> Response:
        if error.errno not in FULL:
            raise error
        log.error("no room is left on the disk")
        return await _on_http(request, HTTPException(507, "no room is left on the service's disk"))


async def _on_http(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names the methods of one route of several
        headers["Allow"] = ", ".join(_allowed(request))
    if "text/html" in request.headers.get("accept", ""):
        answer = _page(request, error.status_code, error.detail)
        answer.headers.update(headers)
        return answer
    return response(error.status_code, error.detail, headers=headers)


def _allowed(request: Request) -> Iterator[str]:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method.replace("HEAD", "GET")}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


def _page(request: Request, status: int, detail: str) -> Response:
    """Return what a person with a browser sees: the way to sign in, or the problem."""
    if status == HTTPStatus.UNAUTHORIZED:
        return RedirectResponse("/signin", 303)
    from service.pages import render  # noqa: PLC0415 - pages stand above problems

    access = getattr(request.state, "access", None)
    return render(request, "problem.html", access, status, heading=HTTPStatus(status).phrase, detail=detail)
