"""The annotators' pages: one file per page, each with a `router`; `service.app` includes them all.

A page is rendered on the server and works without script; what `static/` adds is comfort. Whatever a trace or a person
says is text: templates escape it, and the Content-Security-Policy lets no script run but the project's own files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from classifier.plain import line
from classifier.report import in_words
from service.access import KEY, PERSON, caller, csrf, hub_of
from service.storage.projects import Access, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

FOLDER = Path(__file__).parent.parent
NAVIGATION = (
    ("Queue", "/queue"),
    ("Runs", "/runs"),
    ("Disagreements", "/disagreements"),
    ("Agreement", "/agreement/page"),
    ("Index", "/learning"),
)


def needs(role: Role) -> Callable[..., Access]:
    """Return the dependency of a page: whoever looks at it has signed in, on this machine by a name."""

    def check(request: Request, access: Annotated[Access, Depends(caller)]) -> Access:
        if access.key is None and PERSON not in request.session and KEY not in request.session:
            raise HTTPException(401, "sign in first")
        if not access.role.allows(role):
            raise HTTPException(403, f"this is for the role {role.value}; your key is a {access.role.value}'s")
        return access

    return check


Reader = Annotated[Access, Depends(needs(Role.READER))]
Client = Annotated[Access, Depends(needs(Role.CLIENT))]
Annotator = Annotated[Access, Depends(needs(Role.ANNOTATOR))]
Admin = Annotated[Access, Depends(needs(Role.ADMIN))]


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


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["percent"] = lambda share: "-" if share is None else f"{100 * share:.0f} %"
    made.filters["moment"] = _moment
    made.filters["in_words"] = in_words  # what a calibrated probability means
    made.filters["line"] = line  # control characters made visible, on one line
    return made


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC"
