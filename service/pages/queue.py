"""The queue: what to label next, given out so that each run has as many annotators as it needs and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from service.access import hub_of
from service.pages import Annotator, Reader, mentioned, render
from service.queueing import FROM_VERDICT, Reason, rank
from service.storage import assignments
from service.storage.projects import Role

if TYPE_CHECKING:
    from service.hub import Hub
    from service.storage.projects import Access

HOURS = 4  # that a run is kept for whoever took it; each look at it starts them anew
LISTED = 12
PEOPLE = 6  # whose progress is shown at once; the rest unfolds

router = APIRouter(include_in_schema=False)


@router.get("/queue")
def page(request: Request, access: Reader) -> Response:
    """Show what comes next, and how far everyone is."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        runs = assignments.pool(session, access.project)
        given = assignments.own(session, access.project, access.person)
        progress = assignments.progress(session, access.project)
    overlap, moment = hub.settings.overlap, datetime.now(UTC)
    blind = hub.settings.blind and access.role.allows(Role.ANNOTATOR)
    by_uid = {run.uid: run for run in runs}
    passed = frozenset(uid for uid, until in given.items() if until <= moment)
    order = rank(runs, access.person, overlap=overlap, passed=passed)
    failed = [run for run in runs if run.failed]
    said = [len({annotator for annotator, _ in run.said}) for run in failed]
    return render(
        request,
        "queue.html",
        access,
        ahead=[(by_uid[each.uid], told(each.reasons, blind=blind)) for each in islice(order, LISTED)],
        mine=[(by_uid[uid], ()) for uid, until in given.items() if until > moment],
        may_label=access.role.allows(Role.ANNOTATOR),
        total=len(runs),
        to_label=len(failed),
        begun=sum(0 < count < overlap for count in said),
        done=sum(count >= overlap for count in said),
        overlap=overlap,
        blind=blind,
        progress=sorted(progress, key=lambda each: each.annotator != access.person),  # oneself first
        people_shown=PEOPLE,
        may_send=access.role.allows(Role.CLIENT),
        saved=mentioned(request, "saved"),
    )


@router.post("/queue/next")
def take(request: Request, access: Annotator) -> Response:
    """Give the person the run that is worth most, or the one they have begun."""
    run = next_run(hub_of(request), access)
    return RedirectResponse(f"/runs/{run}" if run else "/queue", 303)


def told(reasons: tuple[Reason, ...], *, blind: bool) -> tuple[str, ...]:
    """Return why a run is asked about, without what tells of the verdict to whoever works blind."""
    if not blind:
        return tuple(reason.value for reason in reasons)
    kept = [Reason.SECOND if reason is Reason.DISAGREED else reason for reason in reasons if reason not in FROM_VERDICT]
    return tuple(reason.value for reason in kept) or ("informative",)


def next_run(hub: Hub, access: Access) -> str | None:
    """Assign the person a run and return it: one they hold already, else the first that still has room; or None."""
    moment = datetime.now(UTC)
    with hub.database.begin() as session:
        given = assignments.own(session, access.project, access.person)
        held = [uid for uid, until in given.items() if until > moment]
        passed = frozenset(given) - {*held}
        runs = assignments.pool(session, access.project)
        ranked = rank(runs, access.person, overlap=hub.settings.overlap, passed=passed)
        for uid in (*held, *(each.uid for each in islice(ranked, 100))):
            until = moment + timedelta(hours=HOURS)
            if assignments.take(session, access.project, uid, access.person, until, overlap=hub.settings.overlap):
                return uid
    return None


def renew(hub: Hub, access: Access, uid: str) -> None:
    """Let a person who was given a run, and is at it, have it for longer. A run that they let go stays let go."""
    with hub.database.begin(write=False) as session:
        until = assignments.own(session, access.project, access.person).get(uid)
    moment = datetime.now(UTC)
    if until is not None and moment < until < moment + timedelta(hours=HOURS / 2):
        with hub.database.begin() as session:
            assignments.take(
                session,
                access.project,
                uid,
                access.person,
                moment + timedelta(hours=HOURS),
                overlap=hub.settings.overlap,
            )
