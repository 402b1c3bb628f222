"""Logs: JSON lines on standard error. What a trace says, what a person wrote, and secrets are in none of them."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ID = "x-request-id"
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static"})  # routes that tell of themselves only where they fail
_KEPT = "coroner.request"  # in a scope
_GIVEN = re.compile("[A-Za-z0-9._-]{1,64}")
log = logging.getLogger("coroner.requests")
_TOLD = ("method", "route", "status", "milliseconds")  # of a request


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Let all loggers of this process write JSON lines. Of an exception they tell its type and place, not its words."""
    chain = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=_TOLD),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _placed,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"  # ours tells the same without the query
    for name in ("httpx", "httpx2", "huey", "alembic"):  # they tell addresses, whose queries hold words
        logging.getLogger(name).setLevel(logging.WARNING)


def route_of(scope: Scope) -> str:
    """Return the pattern of the path that was asked for: never what somebody put into it."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else ("/static" if scope["path"].startswith("/static/") else "none")


def id_of(scope: Scope) -> str:
    """Return the id of a request; "" where `Requests` has not seen it."""
    return str(scope.get(_KEPT, ""))


class Requests:
    """Logs each request by its route, and gives it an id, which the answer brings back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(ID, "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        scope[_KEPT] = name
        status, began = 500, time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID] = name
            await send(message)

        with structlog.contextvars.bound_contextvars(request=name):
            try:
                await self.app(scope, receive, named)
            finally:
                route = route_of(scope)
                if route not in QUIET or status >= 500:
                    took = round(1000 * (time.perf_counter() - began), 1)
                    told = (scope["method"], route, status, took)
                    broken = sys.exc_info()[0] is not None
                    log.info("request", extra=dict(zip(_TOLD, told, strict=True)), exc_info=broken)


def _placed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and where it was raised: its message may hold a piece of a trace."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__name__
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    event.pop("stack_info", None)
    return event
