"""The endpoint: OpenAI's chat completions API over a Session."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from classifier.trace import Frozen
from runner.model import ModelError, Named, Streams
from runner.proxy import pieces
from runner.proxy.session import AGENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from starlette.requests import Request

    from runner.proxy.session import Session, Ticket

MAX_BYTES = 32 * 2**20  # of a request
AT_ONCE = 64  # calls under way; more wait
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
          413: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip


class Door(Frozen):
    """Who may come in: whoever has `token` (None: anybody who reaches the socket), with at most `max_bytes`."""

    token: str | None = None
    max_bytes: int = MAX_BYTES


def create(session: Session, door: Door | None = None) -> Starlette:
    """Build the endpoint of a run."""
    door = door or Door()
    at_once = anyio.CapacityLimiter(AT_ONCE)

    async def completions(request: Request) -> Response:
        _admit(request, door)
        body = await _body(request, door.max_bytes)
        label = request.headers.get(AGENT, "").strip()[:200] or None
        ticket = await anyio.to_thread.run_sync(session.open, body, label, limiter=at_once)
        if not body.get("stream"):
            return JSONResponse(await _answer(request, session, ticket, at_once))
        options = body.get("stream_options")
        usage = isinstance(options, dict) and bool(options.get("include_usage"))
        if isinstance(session.model, Streams):
            said = _passed_on(session, session.model.stream, ticket, usage=usage, limiter=at_once)
        else:
            said = _in_pieces(await _answer(request, session, ticket, at_once), usage=usage)
        first = await anext(said)  # so that a refusal still gets its status
        return StreamingResponse(_with(first, said), media_type="text/event-stream")

    async def models(request: Request) -> Response:
        _admit(request, door)
        model = session.model
        found = await anyio.to_thread.run_sync(model.names) if isinstance(model, Named) else (session.run.model,)
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "coroner"} for name in found if name]
        return JSONResponse({"object": "list", "data": listed})

    routes = []
    for prefix in ("/v1", ""):
        routes.append(Route(f"{prefix}/chat/completions", completions, methods=["POST"]))
        routes.append(Route(f"{prefix}/models", models, methods=["GET"]))
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


def problem(error: ModelError) -> JSONResponse:
    """Return an error in OpenAI's form. What trying again cannot mend says so, in the header its clients heed."""
    headers = {} if error.status in {408, 429} or error.status >= 500 else {"x-should-retry": "false"}
    return JSONResponse(_error(error), status_code=error.status, headers=headers)


def _error(error: ModelError) -> dict[str, Any]:
    kind = _TYPES.get(error.status, "server_error")
    return {"error": {"message": str(error), "type": kind, "param": None, "code": error.kind}}


async def _on_model_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ModelError)  # noqa: S101 - for the type checker: it is registered for this one
    return problem(error)


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    detail = error.detail
    if error.status_code == 404:
        detail = "coroner's proxy has /v1/chat/completions and /v1/models; this is neither"
    return problem(ModelError(detail, status=error.status_code, kind="invalid_request"))


async def _on_defect(_: Request, __: Exception) -> Response:
    return problem(ModelError("a defect of coroner's proxy; its log has it", status=500, kind="internal_error"))


async def _on_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


_HANDLERS: dict[Any, Any] = {
    ModelError: _on_model_error,
    HTTPException: _on_http,
    ClientDisconnect: _on_gone,
    Exception: _on_defect,
}


def _admit(request: Request, door: Door) -> None:
    given = request.headers.get("authorization", "")
    if door.token is not None and not hmac.compare_digest(given.encode(), f"Bearer {door.token}".encode()):
        raise ModelError(
            "the key is not this run's: use OPENAI_API_KEY as it is set", status=401, kind="invalid_api_key"
        )


async def _body(request: Request, most: int) -> dict[str, Any]:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ModelError("a packed body is not taken", status=415, kind="invalid_request")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise ModelError(f"a request may have at most {most} bytes", status=413, kind="request_too_large")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the body is not JSON: {error}", status=400, kind="invalid_request") from None
    if not isinstance(body, dict):
        raise ModelError("the body is not a JSON object", status=400, kind="invalid_request")
    return body


async def _answer(request: Request, session: Session, ticket: Ticket, limiter: anyio.CapacityLimiter) -> dict[str, Any]:
    """Ask the model for the whole answer. What came too late for an agent that hung up is booked, but no step."""
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True

    failed: ModelError | None = None
    answer: dict[str, Any] = {}
    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            completion = await _within(session, ticket, session.model.complete, ticket.body, limiter=limiter)
            answer = await anyio.to_thread.run_sync(lambda: session.answered(ticket, completion, gone=gone))
        except ModelError as error:
            failed = error
        group.cancel_scope.cancel()
    if failed is not None:
        raise failed
    return answer


async def _within(session: Session, ticket: Ticket, work: Callable[..., Any], *args: Any, limiter: Any) -> Any:
    """Do the model's work in a thread, as long as the run has time. What fails is recorded. Raises ModelError."""
    try:
        with anyio.fail_after(session.meter.left):
            return await anyio.to_thread.run_sync(work, *args, limiter=limiter, abandon_on_cancel=True)
    except TimeoutError:
        raise session.out_of_time(ticket) from None
    except ModelError as error:
        session.failed(ticket, error)
        raise
    except Exception as error:
        defect = ModelError(f"the model failed: {type(error).__name__}: {error}", status=500, kind="internal_error")
        session.failed(ticket, defect)
        raise defect from error


async def _passed_on(
    session: Session,
    stream: Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]],
    ticket: Ticket,
    *,
    usage: bool,
    limiter: anyio.CapacityLimiter,
) -> AsyncIterator[bytes]:
    """Yield the model's chunks as they come. An agent that hangs up in the middle leaves half an answer, booked."""
    whole = pieces.Assembly()
    begun = False
    chunks = stream(ticket.body)
    try:
        while (chunk := await _within(session, ticket, next, chunks, None, limiter=limiter)) is not None:
            if (shown := whole.add(chunk)) is not None:
                begun = True
                yield pieces.event(shown)
        answer = session.answered(ticket, whole.completion())
        if usage:
            yield pieces.event(pieces.usage_chunk(answer, answer["usage"]))
        yield pieces.DONE
    except ModelError as error:
        if not begun:
            raise
        yield pieces.event(_error(error))  # the status is sent already: this is how OpenAI breaks off, too
    finally:
        if not ticket.done:
            session.answered(ticket, whole.completion(), gone=True)


async def _in_pieces(answer: dict[str, Any], *, usage: bool) -> AsyncIterator[bytes]:
    for chunk in pieces.apart(answer):
        yield pieces.event(chunk)
    if usage:
        yield pieces.event(pieces.usage_chunk(answer, answer["usage"]))
    yield pieces.DONE


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for each in rest:
        yield each
