"""The list of runs: import, filters that stand in the address, how the runs are spread, and deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from classifier.trace import Phase
from service.access import hub_of
from service.blindness import SEEN, show, works_blind
from service.pages import Admin, Reader, render
from service.pages.filters import NOBODY, REVEALING, FilterError, given, parse, query
from service.storage import annotations as statements
from service.storage import batches, figures, projects, traces
from service.storage.figures import BINS, Spread
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.taxonomy import Taxonomy
    from service.hub import Hub
    from service.storage.projects import Access
    from service.storage.traces import Listed

NEWEST = 12  # batches that are listed beside the runs
SHOWN = "verdicts"  # the field of the address that shows what is hidden

router = APIRouter(include_in_schema=False)
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


class Bar(NamedTuple):
    """A bar of a plot: what it counts, how many, and where the runs are. `cause`: its id, to be named in full."""

    label: str
    runs: int
    href: str
    cause: str | None = None


@router.get("/runs")
def page(request: Request, access: Reader) -> Response:
    """List the runs that fit the form in the address."""
    hub = hub_of(request)
    fields = given(request.query_params)
    problem = None
    try:
        where = parse(fields)
    except FilterError as error:
        where, problem = traces.Filter(), str(error)
    after = request.query_params.get("after") or None
    if after is not None and not (after.isascii() and after.isdigit() and len(after) <= 18):
        after = None
    with hub.database.begin(write=False) as session:
        found = traces.page(session, access.project, where, after=after)
        whole = figures.spread(session, access.project)
        spread = figures.spread(session, access.project, where) if fields and not problem else whole
        recent = batches.every(session, access.project, limit=NEWEST)
    covered = _hidden(found.items, open_runs(hub, access))
    wanted = request.query_params.get(SHOWN) == "shown"
    revealed = covered and (wanted or any(fields.get(name) for name in REVEALING))
    if revealed:
        with hub.database.begin() as session:
            for uid in sorted(covered):
                show(session, access, uid, in_list=True)
    more = {SHOWN: "shown" if wanted else None}
    return render(
        request,
        "runs.html",
        access,
        422 if problem else 200,
        problem=problem,
        fields=fields,
        found=found,
        whole=whole,
        spread=spread,
        covered=frozenset() if revealed else covered,
        revealed=len(covered) if revealed else 0,
        reveal=f"/runs?{query(fields, after=after, verdicts='shown')}",
        older=f"/runs?{query(fields, after=found.next, **more)}" if found.next else None,
        newest=f"/runs?{query(fields, **more)}" if after else None,
        plots=plots(spread, fields, hub.classifiers.shipped.taxonomy),
        recent=recent,
        options={
            "framework": [(name, f"{name} ({runs})") for name, runs in whole.frameworks],
            "model": [(name, f"{name} ({runs})") for name, runs in whole.models],
            "batch": [(each.uid, each.name or each.uid) for each in recent],
        },
        may_send=access.role.allows(Role.CLIENT),
        may_delete=access.role.allows(Role.ADMIN),
        nobody=NOBODY,
    )


def open_runs(hub: Hub, access: Access) -> frozenset[str] | None:
    """Return the runs whose verdicts this person may see; None: all, since they do not label, or not blind."""
    if not works_blind(hub.settings, access):
        return None
    with hub.database.begin(write=False) as session:
        mine = statements.by(session, access.project, access.person)
        return frozenset(mine) | projects.subjects(session, access, SEEN)


def _hidden(items: Sequence[Listed], may_see: frozenset[str] | None) -> frozenset[str]:
    """Return those of the runs whose verdict has to stay hidden from this person until they have labelled them."""
    if may_see is None:
        return frozenset()
    return frozenset(each.trace.uid for each in items if each.diagnosis and each.trace.uid not in may_see)


def plots(spread: Spread, fields: Mapping[str, str], taxonomy: Taxonomy) -> dict[str, tuple[Bar, ...]]:
    """Return the bars of each plot; each opens its runs, within what is filtered by already."""

    def to(**more: str | None) -> str:
        return f"/runs?{query(fields, **more)}"

    causes = [
        Bar(taxonomy.cause(cause).name if cause in taxonomy else cause, runs, to(cause=cause, outcome=None), cause)
        for cause, runs in spread.causes
    ]
    if spread.unnamed:
        causes.append(Bar("no cause named", spread.unnamed, to(cause=NOBODY)))
    if spread.succeeded:
        causes.append(Bar("succeeded", spread.succeeded, to(cause=None, outcome="succeeded")))
    phases = dict(spread.phases)
    confidence = [
        Bar(
            f"{100 * tenth // BINS} to {100 * (tenth + 1) // BINS} %",
            runs,
            to(min=str(100 * tenth // BINS), max=str(100 * (tenth + 1) // BINS)),
        )
        for tenth, runs in enumerate(spread.confidence)
    ]
    return {
        "causes": tuple(causes),
        "phases": tuple(Bar(each.value, phases[each], to(phase=each.value)) for each in Phase if each in phases),
        "confidence": tuple(confidence) if any(spread.confidence) else (),
        "systems": tuple(Bar(name, runs, to(framework=name)) for name, runs in spread.frameworks),
    }


@router.get("/runs/{uid}/delete")
def ask(request: Request, access: Admin, uid: Uid) -> Response:
    """Ask whether a run is really to be deleted, and say what goes with it."""
    with hub_of(request).database.begin(write=False) as session:
        found = traces.show(session, access.project, uid)
        comments = statements.comments(session, access.project, uid)
    return render(request, "run_delete.html", access, run=found.trace, found=found, comments=len(comments))


@router.post("/runs/{uid}/delete")
def delete(request: Request, access: Admin, uid: Uid, sure: Annotated[str, Form()] = "") -> Response:
    """Delete a run with all that hangs on it, once it was asked."""
    if not sure:
        return RedirectResponse(f"/runs/{uid}/delete", 303)
    with hub_of(request).database.begin() as session:
        name = traces.show(session, access.project, uid).trace.name
        traces.delete(session, access.project, uid)
        projects.note(session, access, "trace.delete", uid, name=name)
    return RedirectResponse("/runs", 303)
