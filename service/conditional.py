"""ETags: an answer that a client has already is not sent again (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fastapi import Response

if TYPE_CHECKING:
    from fastapi import Request

CACHE = "private, no-cache"  # keep it, but ask each time


def answer(request: Request, body: str | bytes, media_type: str = "application/json") -> Response:
    """Return the body with an ETag that follows from it, or 304 where the client holds the same."""
    data = body.encode() if isinstance(body, str) else body
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": CACHE}
    held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)
