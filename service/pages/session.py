"""Signing in: with a key, or on this machine by saying who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from service.access import KEY, PERSON, caller, csrf, hub_of, same_site
from service.pages import render
from service.storage import projects

router = APIRouter(include_in_schema=False)

HOME = "/queue"
LONGEST = 100  # characters of a name


@router.get("/")
def home() -> Response:
    """Go where the work is."""
    return RedirectResponse(HOME, 303)


@router.get("/signin")
def ask(request: Request) -> Response:
    """Show the form."""
    return render(request, "signin.html", None, keys=hub_of(request).settings.needs_keys, problem=None)


def _counted(request: Request) -> None:
    """Count it as a request of the address, so that keys are not guessed at."""
    request.app.state.rates.hit(request)


@router.post("/signin", dependencies=[Depends(_counted), Depends(same_site)])
def sign_in(request: Request, key: Annotated[str, Form()] = "", person: Annotated[str, Form()] = "") -> Response:
    """Begin a session: the key's hash is kept in the signed cookie, and is checked at each request."""
    hub = hub_of(request)
    if hub.settings.needs_keys or key:
        with hub.database.begin(write=False) as session:
            access = projects.unlock(session, key.strip())
        if access is None:
            problem = "This key is unknown, revoked or expired."
            return render(request, "signin.html", None, 401, keys=True, problem=problem)
        request.session.clear()
        request.session[KEY] = projects.digest(key.strip())
    else:
        name = " ".join(person.split())
        if not name or len(name) > LONGEST:
            problem = f"Say who you are, in at most {LONGEST} characters."
            return render(request, "signin.html", None, 422, keys=False, problem=problem)
        request.session.clear()
        request.session[PERSON] = name
    csrf(request)
    return RedirectResponse(HOME, 303)


@router.post("/signout", dependencies=[Depends(caller)])
def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/signin", 303)
