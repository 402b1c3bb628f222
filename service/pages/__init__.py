"""The annotators' pages: one file per page, each with a `router`; `service.app` includes them all.

A page is rendered on the server and works without script; what `static/` adds is comfort. Whatever a trace or a person
says is text: templates escape it, and the Content-Security-Policy lets no script run but the project's own files.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from classifier.plain import line
from classifier.report import in_words
from service.access import KEY, PERSON, caller, csrf, hub_of, needs
from service.storage.projects import Access, Role

if TYPE_CHECKING:
    from datetime import datetime

FOLDER = Path(__file__).parent.parent
UID = re.compile(r"[0-9a-f]{24}")
NAVIGATION = (
    ("Queue", "/queue"),
    ("Runs", "/runs"),
    ("Disagreements", "/disagreements"),
    ("Agreement", "/agreement/page"),
    ("Index", "/learning"),
)


def signed_in(request: Request, access: Annotated[Access, Depends(caller)]) -> Access:
    """Return who looks at a page: they have signed in, on this machine by a name."""
    if access.key is None and PERSON not in request.session and KEY not in request.session:
        raise HTTPException(401, "sign in first")
    request.state.access = access  # so that a problem is shown within the pages
    return access


Reader = Annotated[Access, Depends(needs(Role.READER, signed_in))]
Client = Annotated[Access, Depends(needs(Role.CLIENT, signed_in))]
Annotator = Annotated[Access, Depends(needs(Role.ANNOTATOR, signed_in))]
Admin = Annotated[Access, Depends(needs(Role.ADMIN, signed_in))]


def render(request: Request, name: str, access: Access | None, /, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template. It also finds `access` (None: nobody is signed in), `csrf`, `navigation`, and `here`."""
    page = _templates().get_template(name)
    text = page.render(
        access=access,
        csrf=csrf(request),
        navigation=NAVIGATION,
        here=request.url.path,
        taxonomy=hub_of(request).classifiers.shipped.taxonomy,
        **context,
    )
    return HTMLResponse(text, status_code=status)


def mentioned(request: Request, name: str) -> str:
    """Return the run that a field of the address names, "" if it is no uid: forms are made of it, with their token."""
    value = request.query_params.get(name, "")
    return value if UID.fullmatch(value) else ""


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["percent"] = _percent
    made.filters["score"] = lambda value: f"{round(value, 2) + 0.0:.2f}"  # kappa and its like; never "-0.00"
    made.filters["moment"] = _moment
    made.filters["in_words"] = in_words  # what a calibrated probability means
    made.filters["line"] = line  # control characters made visible, on one line
    return made


def _percent(share: float | None) -> str:
    """Return a share in words of a hundred; one that is not quite none, or all, is not said to be."""
    if share is None:
        return "-"
    whole = round(100 * share)
    if (whole == 0 and share > 0) or (whole == 100 and share < 1):
        return "< 1 %" if whole == 0 else "> 99 %"
    return f"{whole} %"


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC"
