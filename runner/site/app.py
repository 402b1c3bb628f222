"""App: the site as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from runner.site import (
    almanac,
    archive,
    atlas,
    bookings,
    docs,
    home,
    letters,
    links,
    members,
    readings,
    reviews,
    shop,
    stories,
)
from runner.site.page import Asked, Reply, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

_PARTS: tuple[Callable[[Asked], Reply | None], ...] = (
    home.answer,
    shop.answer,
    reviews.answer,
    docs.answer,
    bookings.answer,
    archive.answer,
    readings.answer,
    members.answer,
    links.answer,
    atlas.answer,
    letters.answer,
    almanac.answer,
    stories.answer,
)


def app() -> Starlette:
    """Return the application. It keeps nothing: any number of runs may share it."""
    return Starlette(routes=[Route("/{path:path}", _serve, methods=["GET", "POST"])])


def reply_to(asked: Asked) -> Reply:
    """Return the reply of the part that knows the path; a 404 where none does."""
    for part in _PARTS:
        if reply := part(asked):
            return reply
    return missing(asked.path)


async def _serve(request: Request) -> Response:
    form = {}
    if request.method == "POST":
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Asked(request.method, request.url.path, dict(request.query_params), headers, request.cookies, form)
    reply = reply_to(asked)
    response = Response(reply.body, reply.status)
    if reply.type is not None:
        response.headers["content-type"] = reply.type
    for name, value in reply.headers:
        response.headers.append(name, value)
    return response
