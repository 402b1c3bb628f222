"""Limits that hold while a request arrives, not after: its size, how many are in flight, the name it came under."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from service import problems

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LimitBody:
    """Refuses a body over `most` bytes with 413: by its announced length, or where the bytes run over.

    `larger` allows more at some paths, all of which ask who sends it before they read it.
    """

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int]) -> None:
        self.app, self.most, self.larger = app, most, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its bytes counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self.larger.get(scope["path"], self.most)
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > most:
            await problems.response(413, _detail(most))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, _detail(most))
            return message

        await self.app(scope, counted, send)


class LimitHosts:
    """Refuses with 400 what comes under another name than `hosts`: another site may have given us one of its own."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, {host.strip("[]").lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it came under a name of ours."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if _name(given) not in self.hosts:
                await problems.response(400, "this is no name of the service; CORONER_HOSTS sets more")(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)


def _name(host: str) -> str | None:
    with contextlib.suppress(ValueError):  # brackets that hold no address
        return urlsplit(f"//{host}").hostname
    return None


def _detail(most: int) -> str:
    return f"a body may have at most {most} bytes"


class LimitCrowd:
    """Turns requests away with 503 while `in_flight` others are being sent or worked on, so that memory is bounded."""

    def __init__(self, app: ASGIApp, in_flight: int) -> None:
        self.app, self.in_flight, self.now = app, in_flight, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if there is room."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        if self.now >= self.in_flight:
            busy = problems.response(503, "too many requests at once; try again shortly", headers={"Retry-After": "1"})
            await busy(scope, receive, send)
            return
        self.now += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.now -= 1
