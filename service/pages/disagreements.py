"""Disagreements: what each says of a run side by side, the discussion of it, and the last word.

Whoever has not labelled a run sees nobody's label of it. The last word is an admin's: it decides what the index learns.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, NamedTuple

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from service.access import hub_of
from service.blindness import show
from service.disputes import Dispute, disputes
from service.learning.statements import StatementError
from service.pages import Admin, Annotator, Reader, mentioned, render
from service.pages.label import checked, told
from service.pages.runs import open_runs
from service.pages.sight import Sight, look
from service.storage import annotations as statements
from service.storage import diagnoses, figures, projects
from service.storage.projects import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.pages.reading import Reading
    from service.storage.annotations import Statement
    from service.storage.projects import Access

PAGE = 50
QUOTE = 300  # characters of a step that are shown
LONGEST = 4000  # characters of a comment
KINDS = ("all", "people", "classifier", "settled")

router = APIRouter(include_in_schema=False)
Uid = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]


class Quote(NamedTuple):
    """The beginning of a step that somebody names."""

    step: int
    agent: str
    text: str
    cut: bool


@router.get("/disagreements")
def page(
    request: Request, access: Reader, kind: str = "all", begin: Annotated[int, Query(alias="from", ge=0)] = 0
) -> Response:
    """List what is disputed and not settled."""
    hub = hub_of(request)
    kind = kind if kind in KINDS else "all"
    with hub.database.begin(write=False) as session:
        said = statements.every(session, access.project)
        verdicts = diagnoses.present(session, access.project, sorted({each.run for each in said}))
        found = disputes(said, verdicts, hub.classifiers.shipped.taxonomy)
        may_see = open_runs(hub, access)
        visible = [each for each in found if may_see is None or each.run in may_see]
        kept = {each: [one for one in visible if _is(one, each)] for each in KINDS}
        shown = kept[kind][begin : begin + PAGE]
        lines = figures.named(session, access.project, [each.run for each in shown])
        talk = {each.run: len(statements.comments(session, access.project, each.run)) for each in shown}
    return render(
        request,
        "disagreements.html",
        access,
        kind=kind,
        kinds=KINDS,
        counts={each: len(kept[each]) for each in KINDS},
        shown=[(each, lines[each.run], talk[each.run]) for each in shown if each.run in lines],
        waiting=sum(not each.settled for each in found) - len(kept["all"]),
        labelled=len({each.run for each in said}),
        several=_several(said),
        newer=f"/disagreements?kind={kind}&from={max(0, begin - PAGE)}" if begin else None,
        older=f"/disagreements?kind={kind}&from={begin + PAGE}" if len(kept[kind]) > begin + PAGE else None,
        settled=mentioned(request, "settled"),
    )


@router.get("/disagreements/{uid}")
def one(request: Request, access: Reader, uid: Uid) -> Response:
    """Put side by side what each says of a run."""
    return _one(request, access, look(request, access, uid))


@router.post("/disagreements/{uid}/reveal")
def reveal(request: Request, access: Annotator, uid: Uid) -> Response:
    """Show what is said of a run to somebody who has not labelled it, and remember that."""
    with hub_of(request).database.begin() as session:
        statements.of(session, access.project, uid)  # the run is there
        show(session, access, uid, before_label=True)
    return RedirectResponse(f"/disagreements/{uid}", 303)


@router.post("/disagreements/{uid}/comment")
def comment(
    request: Request, access: Annotator, uid: Uid, said: Annotated[str, Form(max_length=2 * LONGEST)] = ""
) -> Response:
    """Add a word to the discussion."""
    sight = look(request, access, uid)
    if sight.hidden:
        return _one(request, access, sight)
    text = said.replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST:
        return _one(request, access, sight, problem=f"Say something, in at most {LONGEST} characters.", talk=text)
    with hub_of(request).database.begin() as session:
        statements.comment(session, access.project, uid, access.person, text)
    return RedirectResponse(f"/disagreements/{uid}#discussion", 303)


@router.post("/disagreements/{uid}/settle")
def settle(
    request: Request,
    access: Admin,
    uid: Uid,
    *,
    holds: Annotated[str, Form(max_length=100)] = "",
    cause: Annotated[str, Form(max_length=100)] = "",
    step: Annotated[str, Form(max_length=20)] = "",
    note: Annotated[str, Form(max_length=2 * LONGEST)] = "",
) -> Response:
    """Have the last word: what somebody said holds (`holds`: the name of their statement), or something else does."""
    sight = look(request, access, uid)
    if sight.hidden:
        return _one(request, access, sight)
    chosen = next((each.annotation for each in _voices(sight) if each.uid == holds), None)
    form = {
        "cause": (chosen.cause or "") if chosen else cause,
        "step": ("" if chosen.step is None else str(chosen.step)) if chosen else step.strip(),
        "agent": (chosen.agent or "") if chosen else "",
        "secondary": chosen.secondary if chosen else (),
        "note": note,
        "unsure": False,
        "typed": "",
        "phase": "",
    }
    if form["agent"] not in sight.reading.agents:
        form["agent"] = ""
    try:
        word = checked(form, access, sight.reading, hub_of(request).classifiers.shipped.taxonomy)
    except StatementError as error:
        return _one(request, access, sight, problem=told(error))
    with hub_of(request).database.begin() as session:
        statements.add(session, access.project, uid, word, adjudicated=True, blind=False)
        projects.note(session, access, "adjudicate", uid, cause=word.cause, step=word.step)
    return RedirectResponse(f"/disagreements?settled={uid}", 303)


def _one(request: Request, access: Access, sight: Sight, *, problem: str | None = None, talk: str = "") -> Response:
    hub = hub_of(request)
    with hub.database.begin(write=False) as session:
        comments = () if sight.hidden else statements.comments(session, access.project, sight.trace.uid)
    voices = _voices(sight)
    verdict = sight.history[0].diagnosis if sight.history else None
    steps = {each.annotation.step for each in voices} | ({verdict.step} if verdict else set())
    return render(
        request,
        "disagreement.html",
        access,
        422 if problem else 200,
        sight=sight,
        run=sight.trace,
        voices=voices,
        last=next((each for each in sight.others if each.adjudicated), None),
        verdict=verdict,
        quotes={step: _quote(sight.reading, step) for step in steps if step in sight.reading.positions},
        comments=comments,
        problem=problem,
        talk=talk,
        may_talk=access.role.allows(Role.ANNOTATOR),
        may_settle=access.role.allows(Role.ADMIN),
    )


def _voices(sight: Sight) -> list[Statement]:
    mine = [sight.mine] if sight.mine else []
    return [*mine, *(each for each in sight.others if not each.adjudicated)]


def _quote(reading: Reading, index: int | None) -> Quote:
    step = reading.trace.steps[reading.positions[index if index is not None else 0]]
    return Quote(step.index, step.agent, step.content[:QUOTE], len(step.content) > QUOTE)


def _is(dispute: Dispute, kind: str) -> bool:
    if kind == "settled":
        return dispute.settled
    return not dispute.settled and (
        kind == "all" or (kind == "people" and dispute.people) or (kind == "classifier" and dispute.classifier)
    )


def _several(said: Sequence[Statement]) -> int:
    """Return how many runs two people or more have labelled."""
    people = Counter(each.run for each in said if not each.adjudicated)
    return sum(count > 1 for count in people.values())
