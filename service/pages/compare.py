"""Comparing two batches, or two filters: what got better or worse, with significance, and the runs behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Request, Response

from service.access import hub_of
from service.comparison import RATE, UNNAMED, Change, compare
from service.pages import Reader, render
from service.pages.filters import NOBODY, FilterError, given, parse, query
from service.pages.runs import open_runs
from service.storage import batches, figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from service.storage.batches import Batch
    from service.storage.figures import Line
    from service.storage.projects import Access

LISTED = 100  # runs of a list

router = APIRouter(include_in_schema=False)


class Side(NamedTuple):
    """One of the two: a batch, or a filter. `fields` name it in the address of its runs."""

    name: str
    fields: Mapping[str, str]

    def runs(self, **more: str) -> str:
        """Return the address of its runs."""
        return f"/runs?{query(self.fields, **more)}"


@router.get("/compare")
def page(request: Request, access: Reader) -> Response:
    """Compare what the address names: `a` and `b` are batches; `a-since`, `b-framework` and so on are filters."""
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        recent = batches.every(session, access.project)
        known = figures.spread(session, access.project)
        forms = {side: _form(request, side) for side in "ab"}
        problem, found, sides = None, None, None
        if all(forms.values()):
            sides = {side: Side(_name(form, recent), form) for side, form in forms.items()}
            try:
                before, now = (_lines(session, access, forms[side]) for side in "ab")
            except FilterError as error:
                problem = str(error)
            else:
                found = compare(before, now)
        elif any(forms.values()):
            problem = "Say of both sides what is meant."
    return render(
        request,
        "compare.html",
        access,
        422 if problem else 200,
        forms=forms,
        recent=recent,
        known=known,
        problem=problem,
        found=found,
        sides=sides,
        rate=RATE,
        listed=LISTED,
        may_see=open_runs(hub, access),
        link=_link,
    )


def _form(request: Request, side: str) -> dict[str, str]:
    batch = request.query_params.get(side, "").strip()[:32]
    return ({"batch": batch} if batch else {}) | given(request.query_params, f"{side}-")


def _lines(session: Session, access: Access, form: Mapping[str, str]) -> tuple[Line, ...]:
    """Return the runs of one side; a batch alone has the verdicts that it gave, whatever came later."""
    if form.keys() == {"batch"}:
        return figures.lines_of_batch(session, access.project, form["batch"])
    return figures.lines(session, access.project, parse(form))


def _name(form: Mapping[str, str], recent: Sequence[Batch]) -> str:
    names = {each.uid: each.name or each.uid for each in recent}
    return ", ".join(
        names.get(value, value) if field == "batch" else f"{field} {value}" for field, value in form.items()
    )


def _link(side: Side, change: Change) -> str:
    return side.runs(cause=NOBODY if change.name == UNNAMED else change.name)
