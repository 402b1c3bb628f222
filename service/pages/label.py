"""Labelling: what a person says of a run, taken back, or left to others; and the verdict shown before its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from classifier.annotation import UNKNOWN, Annotation
from classifier.diagnosis import Provenance
from service.access import hub_of
from service.pages import Annotator  # noqa: TC001 - FastAPI reads it
from service.pages.queue import next_run
from service.pages.sight import SEEN, look, seen
from service.pages.trace import Uid, whole
from service.storage import annotations as statements
from service.storage import assignments, projects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.taxonomy import Taxonomy
    from service.hub import Hub
    from service.pages.reading import Reading
    from service.storage.projects import Access

LONGEST_NOTE = 4000  # characters

router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=LONGEST_NOTE * 2)]


class LabelError(ValueError):
    """A label that cannot be taken. Says why, and what would be."""


@router.post("/runs/{uid}/label")
def label(
    request: Request,
    access: Annotator,
    uid: Uid,
    *,
    cause: Field = "",
    typed: Field = "",
    phase: Field = "",
    secondary: Annotated[list[str] | None, Form(max_length=100)] = None,
    step: Field = "",
    agent: Field = "",
    note: Field = "",
    unsure: Field = "",
    then: Field = "stay",
) -> Response:
    """Take a label; the page comes back with what is wrong where it cannot be one."""
    hub = hub_of(request)
    form = {
        "cause": cause, "typed": typed, "phase": phase, "secondary": tuple(secondary or ()), "step": step.strip(),
        "agent": agent, "note": note, "unsure": bool(unsure),
    }  # fmt: skip
    sight = look(request, access, uid)
    try:
        said = checked(form, access, sight.reading, hub.classifiers.shipped.taxonomy)
        _store(hub, access, uid, said, unsure=bool(unsure), first=sight.mine is None)
    except LabelError as error:
        return whole(request, access, sight, form=form, problem=str(error))
    if then == "next":
        return RedirectResponse(_onward(request, access, uid), 303)
    return RedirectResponse(f"/runs/{uid}", 303)


def _store(hub: Hub, access: Access, uid: str, said: Annotation, *, unsure: bool, first: bool) -> None:
    """Store a label, unless it would be one more than the run needs. Raises LabelError."""
    overlap = hub.settings.overlap
    with hub.database.begin() as session:
        if first and not assignments.has_room(session, access.project, uid, access.person, overlap=overlap):
            raise LabelError(
                f"This run has the {overlap} annotators that it needs, so your label was not taken. "
                "Take the next run from the queue."
            )
        blind = hub.settings.blind and not seen(session, access, uid)
        statements.add(session, access.project, uid, said, unsure=unsure, blind=blind)
        projects.note(session, access, "label", uid, cause=said.cause, step=said.step, blind=blind)


@router.post("/runs/{uid}/undo")
def undo(request: Request, access: Annotator, uid: Uid) -> Response:
    """Take back the last thing that this person said of a run. Raises NotFoundError where they said nothing."""
    with hub_of(request).database.begin() as session:
        statements.undo(session, access.project, uid, access.person)
        projects.note(session, access, "label.undo", uid)
    return RedirectResponse(f"/runs/{uid}", 303)


@router.post("/runs/{uid}/skip")
def skip(request: Request, access: Annotator, uid: Uid) -> Response:
    """Leave a run to others and go on to the next."""
    with hub_of(request).database.begin() as session:
        assignments.skip(session, access.project, uid, access.person)
    return RedirectResponse(_onward(request, access, None), 303)


@router.post("/runs/{uid}/reveal")
def reveal(request: Request, access: Annotator, uid: Uid) -> Response:
    """Show the verdict before this person has labelled the run, and remember that they have seen it."""
    with hub_of(request).database.begin() as session:
        statements.of(session, access.project, uid)  # the run is there
        if not seen(session, access, uid):
            projects.note(session, access, SEEN, uid, before_label=True)
    return RedirectResponse(f"/runs/{uid}#verdict", 303)


def checked(form: Mapping[str, Any], access: Access, reading: Reading, taxonomy: Taxonomy) -> Annotation:
    """Return the annotation that a form makes. Raises LabelError."""
    index = _step(form["step"], reading)
    agent = form["agent"] or None
    if agent is not None and agent not in reading.agents:
        raise LabelError("No such agent speaks in this run.")
    if agent is None and index is not None:
        agent = reading.trace.steps[reading.positions[index]].agent or None
    unknown = [cause for cause in form["secondary"] if cause not in taxonomy]
    if unknown:
        raise LabelError(f"There is no cause {unknown[0]!r} to be a secondary one.")
    if len(form["note"]) > LONGEST_NOTE:
        raise LabelError(f"A note may have {LONGEST_NOTE} characters.")
    cause = _cause(form, taxonomy)
    return Annotation(
        trace=reading.trace.id,
        annotator=access.person,
        provenance=Provenance.HUMAN,
        cause=cause,
        secondary=tuple(dict.fromkeys(each for each in form["secondary"] if each != cause)),
        step=index,
        agent=agent,
        note=form["note"].strip() or None,
    )


def _cause(form: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    cause, typed = form["cause"], form["typed"].strip()
    if not cause and typed:
        found = taxonomy.resolve(typed)
        if found is None and typed.casefold() != UNKNOWN:
            raise LabelError(f"No one cause is called {typed!r}: type an id such as {taxonomy.ids[0]}, or a name.")
        return found.id if found else UNKNOWN
    if not cause:
        raise LabelError(f"Pick a cause, or {UNKNOWN} where the log does not show it.")
    if cause == UNKNOWN:
        return UNKNOWN
    if cause not in taxonomy:
        raise LabelError(f"There is no cause {cause!r}.")
    phase = taxonomy.phase_of(cause)
    if phase is not None and form["phase"] and form["phase"] != phase.value:
        raise LabelError(f"{cause} is a cause in {phase.value}, and the phase that is picked is {form['phase']}.")
    return str(cause)


def _step(text: str, reading: Reading) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:12]) not in reading.positions:
        last = reading.trace.steps[-1].index
        raise LabelError(
            f"The run has no step {text[:20]!r}; its steps go from {reading.trace.steps[0].index} to {last}."
        )
    return int(text[:12])


def _onward(request: Request, access: Access, saved: str | None) -> str:
    """Return where to go next: the next run of the queue, or the queue where none is left."""
    run = next_run(hub_of(request), access)
    mark = f"?saved={saved}" if saved else ""
    return f"/runs/{run}{mark}" if run else f"/queue{mark}"
