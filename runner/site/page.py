"""Page: a question to the site and its reply, and the frame that its HTML pages share."""

from __future__ import annotations

from html import escape
from random import Random
from typing import NamedTuple
from urllib.parse import quote

HTML = "text/html; charset=utf-8"
JSON = "application/json"


class Asked(NamedTuple):
    """A request: names of headers are in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    cookies: dict[str, str]
    form: dict[str, str]


class Reply(NamedTuple):
    """A response. `type` is the whole content type, charset included; None sends none."""

    body: bytes
    type: str | None = HTML
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def page(title: str, body: str, *, head: str = "", status: int = 200) -> Reply:
    """Frame HTML in the site's header and footer."""
    return Reply(framed(title, body, head='<meta charset="utf-8">' + head).encode(), status=status)


def framed(title: str, body: str, *, head: str = "") -> str:
    """Return a whole HTML document; its encoding is the caller's affair."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>{escape(title)} - Skerry Instruments</title>\n'
        f"{head}\n</head>\n"
        '<body>\n<nav><a href="/">Home</a> <a href="/shop">Shop</a> <a href="/docs/">Documentation</a></nav>\n'
        f"<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n"
        "<footer>Skerry Instruments is invented, as is all that it says.</footer>\n</body>\n</html>\n"
    )


def redirect(to: str, status: int = 302, *, cookies: tuple[str, ...] = ()) -> Reply:
    """Send elsewhere, with cookies set."""
    headers = (("location", quote(to, safe="/:?=&#%+~.-")), *(("set-cookie", cookie) for cookie in cookies))
    return Reply(b"", None, status, headers)


def missing(path: str) -> Reply:
    """Return the page for what is not there."""
    return page("Not found", f"<p>There is no page at <code>{escape(path)}</code>.</p>", status=404)


def seeded(name: str) -> Random:
    """Return the source that invents a part's content; a text as seed gives the same numbers everywhere."""
    return Random(name)  # noqa: S311 - content, no secret
