"""Access: who asks, in which project, and what they may do. By key, by session, or by being on this machine."""

from __future__ import annotations

import contextlib
import hmac
import secrets
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from service.storage import projects
from service.storage.projects import Access, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.hub import Hub
    from service.rates import Rates
    from service.settings import Settings

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
TOKEN = "csrf"  # noqa: S105 - the name of the session's field, and of the form's
HEADER = "x-csrf-token"
PERSON, KEY = "person", "key"  # of the session, which holds the hash of a key: a cookie is no place for the key
LOCAL = "local"  # who asks on loopback without having said who


def hub_of(request: Request) -> Hub:
    """Return what the endpoints share."""
    hub: Hub = request.app.state.hub
    return hub


async def caller(request: Request) -> Access:
    """Return who asks.

    Raises HTTPException: 401 without a valid key where one is needed, 403 for a forged form, 429 for too many requests.
    """
    from anyio.to_thread import run_sync  # noqa: PLC0415 - beside its one use

    rates: Rates = request.app.state.rates
    try:
        access, by_key = await run_sync(_identify, hub_of(request), request)
    except HTTPException:
        rates.hit(request)  # keys are not to be guessed at any faster
        raise
    rates.hit(request, access.key)
    if request.method in UNSAFE and not by_key:
        await same_site(request)
    return access


def needs(role: Role, who: Callable[..., object] = caller) -> Callable[..., Access]:
    """Return the dependency of an endpoint that only some may use: 403 for those who may not. `who` tells who asks."""

    def check(access: Access = Depends(who)) -> Access:  # noqa: B008 - `who` cannot stand in an annotation
        if not access.role.allows(role):
            raise HTTPException(403, f"a key of the role {role.value} is needed; this one is a {access.role.value}'s")
        return access

    return check


Reader = Annotated[Access, Depends(needs(Role.READER))]
Client = Annotated[Access, Depends(needs(Role.CLIENT))]
Annotator = Annotated[Access, Depends(needs(Role.ANNOTATOR))]
Admin = Annotated[Access, Depends(needs(Role.ADMIN))]


def csrf(request: Request) -> str:
    """Return the token that forms of this session must bring back."""
    token: str = request.session.setdefault(TOKEN, secrets.token_urlsafe(24))
    return token


def session_secret(settings: Settings) -> str:
    """Return what signs sessions: as set, or as kept in the folder since the first start."""
    given = settings.secret.get_secret_value()
    if given:
        return given
    file: Path = settings.folder / "session.secret"
    if not file.exists():
        part = file.with_name(f"session.{secrets.token_hex(8)}.part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(
            FileExistsError
        ):  # another process that starts now was first: its secret is everyone's
            file.hardlink_to(part)
        part.unlink()
    return file.read_text()


def _identify(hub: Hub, request: Request) -> tuple[Access, bool]:
    """Return who asks, and whether they brought a key, which no other site can make a browser do."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise _locked("the access key is sent as `Authorization: Bearer KEY`")
    if key := projects.digest(given) if given else request.session.get(KEY, ""):
        with hub.database.begin(write=False) as session:
            access = projects.recognise(session, key)
        if access is None:
            raise _locked("this access key is unknown, revoked or expired")
        return access, bool(given)
    if hub.settings.needs_keys:
        raise _locked("an access key is needed: `Authorization: Bearer KEY`")
    with hub.database.begin(write=False) as session:
        project = projects.find(session, projects.DEFAULT)
    person = request.session.get(PERSON, LOCAL)
    return Access(project=project, project_name=projects.DEFAULT, person=person, role=Role.ADMIN), False


async def same_site(request: Request) -> None:
    """Refuse what another site makes a browser send: browsers say so, and a session's forms hold its token."""
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise HTTPException(403, "this request comes from another site")
    expected = request.session.get(TOKEN)
    if expected is None:
        if request.session:
            raise HTTPException(403, "the session has no token: load the page again")
        return
    given = request.headers.get(HEADER)
    kind = request.headers.get("content-type", "").split(";")[0]
    if given is None and kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        given = str((await request.form()).get(TOKEN, ""))
    if not hmac.compare_digest((given or "").encode(errors="replace"), expected.encode()):
        await request.close()  # the files of a form
        raise HTTPException(403, "the form has no valid token: load the page again")


def _locked(why: str) -> HTTPException:
    return HTTPException(401, why, headers={"WWW-Authenticate": 'Bearer realm="coroner"'})
